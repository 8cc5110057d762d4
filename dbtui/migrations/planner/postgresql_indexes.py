"""PostgreSQL: indexes are built, rebuilt and dropped beside the writers; what a failure leaves is cleared away."""

from __future__ import annotations

from dataclasses import replace

from dbtui.migrations.planner import conditions_postgresql as conditions
from dbtui.migrations.planner import conditions_rows as rows
from dbtui.migrations.planner.clauses import concurrently, index_text, only_parent
from dbtui.migrations.planner.one import BUILD_RETRIES, One, Steps, check, ddl
from dbtui.model.change import ChangeStep, Condition, Kind, Phase, Transaction
from dbtui.model.migration import IndexDef, Relation
from dbtui.rules.migration.step import quoted, short, sql_name

_WAITS = "it waits for every transaction that is older, so an idle transaction holds it up"


def create_index(one: One) -> Steps | None:
    """CONCURRENTLY, on partitioned tables part by part."""
    index = one.action.index
    if index is None or one.fresh or index.only:
        return None
    named = replace(index, name=index.name or _server_name(one, index))
    sql = one.sql
    if one.known is not None and one.known.partitioned:
        return _on_partitions(one, named)
    if not index.concurrently:
        sql = concurrently(sql, "" if index.name else quoted(named.name))
    elif not index.name:
        return None  # without a name nobody can tell what a failure leaves; it runs as written
    found = index_text(sql)
    steps = list(duplicates(one.relation, named, found.where if found else ""))
    steps.append(build(one.relation, named, sql, verbatim=sql == one.sql))
    return tuple(steps)


def _server_name(one: One, index: IndexDef) -> str:
    """The name that the server would choose, unless it is taken."""
    parts = [column or "expr" for column in index.columns]
    name = short(one.relation.name, *parts, "idx")
    taken = one.schema.index(Relation(name, one.relation.schema)) is not None
    return short(one.relation.name, *parts, "idx1") if taken else name


def duplicates(relation: Relation, index: IndexDef, where: str = "") -> Steps:
    """A look for rows that a unique index would refuse, before hours are spent on building it."""
    if not index.unique or not index.columns or "" in index.columns:
        return ()
    question = rows.no_duplicates(relation, index.columns, where)
    return (
        check(
            f"no duplicates stand in the way of {index.name}",
            question,
            relation=relation,
            why="a duplicate is found only at the end of the build, and leaves an invalid index",
        ),
    )


def build(relation: Relation, index: IndexDef, sql: str, *, verbatim: bool = False) -> ChangeStep:
    """CREATE INDEX CONCURRENTLY with what clears a failed attempt away."""
    name = sql_name(Relation(index.name, relation.schema))
    drop = f"DROP INDEX CONCURRENTLY IF EXISTS {name}"
    return ChangeStep(
        0,
        Kind.INDEX,
        f"build the index {index.name} beside the writers",
        statements=(sql,),
        transaction=Transaction.EACH,
        lock_timeout=0.0,
        retries=BUILD_RETRIES,
        relation=relation,
        down=(drop,),
        down_transaction=Transaction.EACH,
        preconditions=(conditions.nobody_builds(relation),),
        postconditions=(conditions.index_valid(relation, index.name),),
        leftover=conditions.index_invalid(relation, index.name),
        cleanup=(drop,),
        index=name,
        verbatim=verbatim,
        why=f"writers go on; {_WAITS}. A lock_timeout would leave an invalid index, so there is none",
    )


def _on_partitions(one: One, index: IndexDef) -> Steps | None:
    """An index of the parent alone, one CONCURRENTLY for each partition, then they are attached."""
    parts = one.schema.children(one.relation)
    if any(part.partitioned for part in parts) or not parts or index.concurrently:
        return None
    text = index_text(one.sql)
    if text is None:
        return None
    parent = quoted(index.name)
    sql = one.sql if one.action.index and one.action.index.name else _with_name(one.sql, parent)
    whole = sql_name(Relation(index.name, one.relation.schema))
    steps = [
        ddl(
            f"make {index.name} on the parent {one.relation} alone",
            only_parent(sql),
            relation=one.relation,
            down=(f"DROP INDEX IF EXISTS {whole}",),
            postconditions=(_there(one.relation, index.name),),
            why="an index of the parent cannot be built CONCURRENTLY; empty and invalid it costs nothing",
        )
    ]
    for part in parts:
        name = short(part.relation.name, *(c or "expr" for c in index.columns), "idx")
        of_part = replace(index, name=name)
        unique = "UNIQUE " if index.unique else ""
        where = f" WHERE {text.where}" if text.where else ""
        pieces = " ".join(p for p in (text.before, f"({text.items})", text.after) if p)
        statement = (
            f"CREATE {unique}INDEX CONCURRENTLY {quoted(name)} ON {sql_name(part.relation)} {pieces}{where}"
        )
        steps += [*duplicates(part.relation, of_part, text.where), build(part.relation, of_part, statement)]
        own = sql_name(Relation(name, part.relation.schema))
        steps.append(
            ddl(
                f"attach {name} to {index.name}",
                f"ALTER INDEX {whole} ATTACH PARTITION {own}",
                relation=part.relation,
                phase=Phase.VALIDATE,
                down=(f"DROP INDEX IF EXISTS {whole}",),
                postconditions=(conditions.partition_of(Relation(name, part.relation.schema),
                                                        Relation(index.name, one.relation.schema)),),
                why="an index cannot be detached again: the way back drops that of the parent, and all of them with it",
            )
        )  # fmt: skip
    last = replace(steps[-1], postconditions=(conditions.index_valid(one.relation, index.name),))
    return (*steps[:-1], last)


def _with_name(sql: str, name: str) -> str:
    return concurrently(sql, name).replace(" CONCURRENTLY", "", 1)


def _there(relation: Relation, name: str) -> Condition:
    return conditions.table_there(Relation(name, relation.schema))


def drop_index(one: One) -> Steps | None:
    """CONCURRENTLY, unless it belongs to a constraint or to a partitioned table."""
    found = one.schema.index(one.relation)
    table = found[0] if found else None
    if one.action.cascade or (table is not None and (table.partitioned or table.file)):
        return None
    name = sql_name(one.relation)
    sql = one.sql
    if not one.sole:
        sql = f"DROP INDEX CONCURRENTLY {'IF EXISTS ' if one.action.if_exists else ''}{name}"
    elif not one.action.concurrently:
        sql = concurrently(sql)
    made = found[1].text if found else ""
    again = made if " concurrently " in made.lower() or not made else concurrently(made)
    return (
        ChangeStep(
            0,
            Kind.INDEX,
            f"drop the index {one.relation.name} beside the writers",
            Phase.CONTRACT,
            statements=(sql,),
            transaction=Transaction.EACH,
            lock_timeout=0.0,
            retries=BUILD_RETRIES,
            relation=table.relation if table else None,
            down=(again,) if again else (),
            down_transaction=Transaction.EACH,
            postconditions=(conditions.table_gone(one.relation),),
            verbatim=sql == one.sql,
            why=f"DROP INDEX alone locks its table against everybody; {_WAITS}",
            notes=() if again else ("its definition is not known here, so no down can be written",),
        ),
    )


def reindex(one: One) -> Steps | None:
    """REINDEX CONCURRENTLY from 12 on."""
    if one.version < (12,) or one.action.op not in ("reindex index", "reindex table"):
        return None
    sql = one.sql if one.action.concurrently else concurrently(one.sql)
    single = one.action.op == "reindex index"
    found = one.schema.index(one.relation) if single else None
    table = found[0].relation if found else (None if single else one.relation)
    leftover = Relation(short(one.relation.name, "ccnew"), one.relation.schema)
    cleanup = (f"DROP INDEX CONCURRENTLY IF EXISTS {sql_name(leftover)}",) if single else ()
    return (
        ChangeStep(
            0,
            Kind.INDEX,
            f"rebuild {one.relation} beside the writers",
            statements=(sql,),
            transaction=Transaction.EACH,
            lock_timeout=0.0,
            retries=BUILD_RETRIES,
            relation=table,
            leftover=conditions.table_there(leftover) if single else None,
            cleanup=cleanup,
            verbatim=sql == one.sql,
            why=f"REINDEX alone keeps writers, and readers by that index, waiting; {_WAITS}",
            notes=("there is nothing in the catalog by which to tell afterwards that it was done",),
        ),
    )
