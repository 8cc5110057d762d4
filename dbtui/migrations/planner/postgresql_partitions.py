"""PostgreSQL: partitions that are attached, made and detached while the parent is read and written."""

from __future__ import annotations

from dataclasses import replace

from dbtui.migrations.planner import conditions_postgresql as conditions
from dbtui.migrations.planner import conditions_rows as rows
from dbtui.migrations.planner.one import One, Steps, ddl, until
from dbtui.migrations.planner.postgresql_constraints import validate
from dbtui.migrations.planner.postgresql_tables import as_written
from dbtui.migrations.tokens import tokens
from dbtui.model.change import ChangeStep, Condition, Kind, Phase, Reversibility, Transaction
from dbtui.model.migration import ConstraintDef, Engine
from dbtui.rules.migration.step import quoted, short, sql_name


def attach_partition(one: One) -> Steps | None:
    """A check that says what the bound says is proved first, so that ATTACH reads nothing."""
    if one.harmless or one.fresh or not one.action.others:
        return None
    child = one.action.others[0]
    bound = _bound_check(one)
    if not bound:
        return None
    table, name = sql_name(child), short(child.name, "bound")
    start = ddl(
        f"state the bounds of {child} for new rows",
        f"ALTER TABLE {table} ADD CONSTRAINT {quoted(name)} CHECK ({bound}) NOT VALID",
        relation=child,
        down=(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {quoted(name)}",),
        postconditions=(conditions.constraint_there(child, name),),
        why="NOT VALID reads no row, so its lock lasts a moment",
    )
    stated = rows.obeyed(child, ConstraintDef("check", name), f"CHECK ({bound})")
    attach = replace(
        as_written(one), phase=Phase.VALIDATE, why="the validated check is the proof, so nothing is read"
    )
    end = ddl(
        f"drop the check {name}, which the partition's bound replaces",
        f"ALTER TABLE {table} DROP CONSTRAINT {quoted(name)}",
        relation=child,
        phase=Phase.CONTRACT,
        postconditions=(
            conditions.constraint_gone(child, name),
            conditions.partition_of(child, one.relation),
        ),
        why="it says the same again",
    )
    return (
        *until((start, validate(child, name, *stated)), conditions.partition_of(child, one.relation)),
        attach,
        end,
    )


def _bound_check(one: One) -> str:
    """The bound of ATTACH as a condition on one column; "" where it is of another form or the key is not known."""
    key = one.known.options.get("partition key", "") if one.known is not None else ""
    found = list(tokens(one.action.text, Engine.POSTGRESQL))
    words = [t.upper for t in found]
    if not key or "," in key or "FOR" not in words:
        return ""
    column = quoted(key)
    groups = _groups(one.action.text)
    if "IN" in words and len(groups) == 1:
        return f"{column} IS NOT NULL AND {column} IN ({groups[0]})"
    if "FROM" in words and len(groups) == 2 and "," not in "".join(groups):
        low, high = groups
        limits = [f"{column} >= {low}"] if low.upper() != "MINVALUE" else []
        limits += [f"{column} < {high}"] if high.upper() != "MAXVALUE" else []
        return " AND ".join([f"{column} IS NOT NULL", *limits])
    return ""


def _groups(text: str) -> list[str]:
    """What stands inside the brackets of a text, one group after the other."""
    made, start = [], 0
    for token in tokens(text, Engine.POSTGRESQL):
        if token.text == "(":
            start = token.end
        elif token.text == ")":
            made.append(text[start : token.start].strip())
    return made


def create_partition(one: One) -> Steps | None:
    """A table like its parent, attached afterwards: that locks the parent's writers out of nothing."""
    if (
        "partition" not in one.action.options
        or one.action.columns
        or not one.action.others
        or one.version < (12,)
    ):
        return None
    parent = one.action.others[0]
    known = one.schema.table(parent)
    if known is not None and (known.file or any(c.default_partition for c in one.schema.children(parent))):
        return None
    if one.action.options.get("partition") == "default" or "partitioned" in one.action.options:
        return None
    found = list(tokens(one.sql, Engine.POSTGRESQL))
    at = next((p for p, t in enumerate(found) if t.upper == "FOR" and found[p + 1].upper == "VALUES"), -1)
    if at < 0 or "WITH" in {t.upper for t in found[at:]} or "TABLESPACE" in {t.upper for t in found[at:]}:
        return None
    bound = one.sql[found[at].start : found[-1].end]
    child, table = sql_name(one.relation), sql_name(parent)
    attach = ddl(
        f"attach {one.relation} to {parent}",
        f"ALTER TABLE {table} ATTACH PARTITION {child} {bound}",
        relation=parent,
        down=(f"ALTER TABLE {table} DETACH PARTITION {child}",),
        postconditions=(conditions.partition_of(one.relation, parent),),
        why="ATTACH lets readers and writers of the parent go on; PARTITION OF stops them all",
    )
    make = ddl(
        f"make {one.relation} like {parent}",
        f"CREATE TABLE {child} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)",
        relation=one.relation,
        down=(f"DROP TABLE IF EXISTS {child}",),
        postconditions=(conditions.table_there(one.relation),),
        why="a table by itself locks nobody out",
    )
    return (make, attach)


def detach_partition(one: One) -> Steps | None:
    """CONCURRENTLY from 14 on, unless a DEFAULT partition forbids it."""
    if one.version < (14,) or one.action.concurrently or not one.action.others or not one.sole:
        return None
    if any(child.default_partition for child in one.schema.children(one.relation)):
        return None
    child = one.action.others[0]
    table, part = sql_name(one.relation), sql_name(child)
    pending = Condition(
        f"SELECT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = {conditions.regclass(child)} AND inhdetachpending)",
        f"a detach of {child} was left half done",
    )
    return (
        ChangeStep(
            0,
            Kind.INDEX,
            f"detach {child} beside readers and writers",
            Phase.CONTRACT,
            statements=(f"{one.sql} CONCURRENTLY",),
            transaction=Transaction.EACH,
            lock_timeout=0.0,
            retries=3,
            relation=one.relation,
            reversibility=Reversibility.NEEDS_DATA,
            postconditions=(conditions.no_partition_of(child, one.relation),),
            leftover=pending,
            cleanup=(f"ALTER TABLE {table} DETACH PARTITION {part} FINALIZE",),
            why="DETACH alone stops everybody on the parent; this waits for older transactions instead",
            notes=(
                "attaching it again needs its bound, which the statement does not tell",
                f"the server leaves a CHECK on {child} that says what its bound said",
            ),
        ),
    )
