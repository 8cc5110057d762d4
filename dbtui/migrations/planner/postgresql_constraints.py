"""PostgreSQL: constraints are added NOT VALID and proved afterwards; keys adopt an index that is built before."""

from __future__ import annotations

from dataclasses import replace

from dbtui.migrations.planner import conditions_postgresql as conditions
from dbtui.migrations.planner import conditions_rows as rows
from dbtui.migrations.planner.clauses import check_text
from dbtui.migrations.planner.one import LOCK_TIMEOUT, RETRIES, One, Steps, constraint_name, ddl, until
from dbtui.migrations.planner.postgresql_indexes import build, duplicates
from dbtui.migrations.tokens import tokens
from dbtui.model.change import ChangeStep, Condition, Kind, Phase
from dbtui.model.migration import ConstraintDef, Engine, IndexDef, Relation
from dbtui.rules.migration.step import columns, quoted, short, sql_name
from dbtui.sql.quoting import postgres_literal as literal

_PROOF = "reads the table beside readers and writers"


def add_constraint(one: One) -> Steps | None:
    """The safe form of ADD CONSTRAINT; None where the user's own words are safe, or nothing is safer."""
    made = one.action.constraint
    if made is None or one.fresh:
        return None
    if made.kind == "not null":
        return (
            None if not made.valid or one.harmless else _not_null_18(one.relation, made.columns[0], made.name)
        )
    if made.kind in ("check", "foreign key"):
        if not made.valid or not made.enforced or one.harmless:
            return None
        if (
            made.kind == "foreign key"
            and one.known is not None
            and one.known.partitioned
            and one.version < (18,)
        ):
            return _foreign_key_on_partitions(one, made)
        return not_valid(one.relation, made, one.action.text, one)
    if made.kind in ("unique", "primary key"):
        if made.using_index:
            return _using_index(one, made)
        if one.known is not None and one.known.partitioned:
            return _key_on_partitions(one, made)
        return adopt(one.relation, made, one.action.text, one)
    return None


def _with_name(text: str, name: str, *, named: bool) -> str:
    return text if named else f"ADD CONSTRAINT {quoted(name)} {text[3:].strip()}"


def not_valid(relation: Relation, made: ConstraintDef, text: str, one: One) -> Steps:
    """ADD CONSTRAINT … NOT VALID, then VALIDATE."""
    name = constraint_name(relation, made)
    table = sql_name(relation)
    words = _with_name(text, name, named=bool(made.name))
    return (
        ddl(
            f"add {name} for new rows only",
            f"ALTER TABLE {table} {words} NOT VALID",
            relation=relation,
            down=(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {quoted(name)}",),
            postconditions=(conditions.constraint_there(relation, name),),
            why="NOT VALID reads no row, so its lock lasts a moment",
        ),
        validate(relation, name, *rows.obeyed(relation, made, text)),
    )


def validate(relation: Relation, name: str, *foreseen: Condition) -> ChangeStep:
    """VALIDATE CONSTRAINT, which finds by itself what `foreseen` asks about while a plan is made."""
    return ChangeStep(
        0,
        Kind.VALIDATE,
        f"prove {name} for the rows that are there",
        Phase.VALIDATE,
        statements=(f"ALTER TABLE {sql_name(relation)} VALIDATE CONSTRAINT {quoted(name)}",),
        lock_timeout=LOCK_TIMEOUT,
        retries=RETRIES,
        relation=relation,
        foreseen=foreseen,
        postconditions=(conditions.constraint_valid(relation, name),),
        why=f"{_PROOF}; nothing has to be undone",
    )


def adopt(
    relation: Relation, made: ConstraintDef, text: str, one: One, *, not_null_is_known: bool = False
) -> Steps:
    """UNIQUE or PRIMARY KEY over an index that is built CONCURRENTLY."""
    name = constraint_name(relation, made)
    table = sql_name(relation)
    index_words, tail = _key_words(text)
    index = IndexDef(name, relation, made.columns, unique=True)
    steps: list[ChangeStep] = []
    if made.kind == "primary key" and not not_null_is_known:
        for column in made.columns:
            steps += not_null_unless_known(one, relation, column)
    known = one.schema.table(relation)
    ready = known.index_on(made.columns) if known is not None else None
    if (
        ready is not None
        and ready.unique
        and not ready.constraint
        and ready.columns == made.columns
        and ready.name
    ):
        used = ready.name
    else:
        used = name
        statement = f"CREATE UNIQUE INDEX CONCURRENTLY {quoted(name)} ON {table} ({columns(made.columns)}){index_words}"
        steps += [*duplicates(relation, index), build(relation, index, statement)]
    steps.append(
        ddl(
            f"make {used} the {made.kind} {name}",
            f"ALTER TABLE {table} ADD CONSTRAINT {quoted(name)} {made.kind.upper()} USING INDEX {quoted(used)}{tail}",
            relation=relation,
            phase=Phase.VALIDATE,
            down=(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {quoted(name)}",),
            postconditions=(conditions.constraint_there(relation, name),),
            why="the index is there already, so nothing is read",
        )
    )
    return until(steps, conditions.constraint_there(relation, name))


def _key_words(text: str) -> tuple[str, str]:
    """What belongs to the index (NULLS NOT DISTINCT, INCLUDE, WITH) and what to the constraint (DEFERRABLE)."""
    found = list(tokens(text, Engine.POSTGRESQL))
    opening = next((p for p, t in enumerate(found) if t.text == "("), len(found))
    depth, closing = 0, len(found)
    for position in range(opening, len(found)):
        depth += {"(": 1, ")": -1}.get(found[position].text, 0)
        if not depth:
            closing = position
            break
    nulls = " NULLS NOT DISTINCT" if any(t.upper == "NULLS" for t in found[:opening]) else ""
    rest = found[closing + 1 :]
    cut = next((p for p, t in enumerate(rest) if t.upper in ("DEFERRABLE", "INITIALLY", "NOT")), len(rest))
    of_index = f" {text[rest[0].start : rest[cut - 1].end]}" if cut else ""
    of_constraint = f" {text[rest[cut].start : rest[-1].end]}" if cut < len(rest) else ""
    return of_index + nulls, of_constraint


def _using_index(one: One, made: ConstraintDef) -> Steps | None:
    """A primary key over a ready index: what is nullable is proved first, the user's words come last."""
    if one.harmless or made.kind != "primary key" or one.known is None:
        return None
    names = next((i.columns for i in one.known.indexes if i.name == made.using_index), ())
    steps = [step for column in names for step in not_null_unless_known(one, one.relation, column)]
    name = made.name or made.using_index
    own = ddl(
        f"make {made.using_index} the primary key",
        one.text,
        relation=one.relation,
        phase=Phase.VALIDATE,
        down=(f"ALTER TABLE {sql_name(one.relation)} DROP CONSTRAINT IF EXISTS {quoted(name)}",),
        postconditions=(conditions.constraint_there(one.relation, name),),
        verbatim=one.sole,
        why="its columns are NOT NULL by then, so nothing is read",
    )
    return (*steps, own)


def set_not_null(one: One) -> Steps | None:
    if one.fresh or one.harmless:
        return None
    return prove_not_null(one.relation, one.action.name, one.version, one.text)


def not_null_unless_known(one: One, relation: Relation, column: str) -> Steps:
    known = one.schema.table(relation)
    known_column = known.columns.get(column) if known is not None else None
    if known_column is not None and known_column.not_null:
        return ()
    return prove_not_null(relation, column, one.version)


def prove_not_null(relation: Relation, column: str, version: tuple[int, ...], text: str = "") -> Steps:
    """SET NOT NULL without reading the table under a lock that stops everybody. `text` is the user's own statement."""
    table, name = sql_name(relation), quoted(column)
    if version >= (18,):
        return _not_null_18(relation, column, "")
    proof = short(relation.name, column, "not_null")
    start = ddl(
        f"{relation}.{column}: new rows must have a value",
        f"ALTER TABLE {table} ADD CONSTRAINT {quoted(proof)} CHECK ({name} IS NOT NULL) NOT VALID",
        relation=relation,
        down=(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {quoted(proof)}",),
        postconditions=(conditions.constraint_there(relation, proof),),
        why="NOT VALID reads no row, so its lock lasts a moment",
    )
    proved = validate(relation, proof, rows.no_null(relation, column))
    own = text or f"ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL"
    end = ddl(
        f"{relation}.{column} is NOT NULL",
        own,
        f"ALTER TABLE {table} DROP CONSTRAINT {quoted(proof)}",
        relation=relation,
        phase=Phase.VALIDATE,
        down=(f"ALTER TABLE {table} ALTER COLUMN {name} DROP NOT NULL",),
        postconditions=(conditions.not_null(relation, column), conditions.constraint_gone(relation, proof)),
        why="the validated check is the proof, so nothing is read; in one statement with its drop it would be",
    )
    return (*until((start, proved), conditions.not_null(relation, column)), end)


def _not_null_18(relation: Relation, column: str, name: str) -> Steps:
    """From 18 on NOT NULL is a constraint that can be NOT VALID itself."""
    table = sql_name(relation)
    proof = name or short(relation.name, column, "not_null")
    start = ddl(
        f"{relation}.{column}: new rows must have a value",
        f"ALTER TABLE {table} ADD CONSTRAINT {quoted(proof)} NOT NULL {quoted(column)} NOT VALID",
        relation=relation,
        down=(f"ALTER TABLE {table} ALTER COLUMN {quoted(column)} DROP NOT NULL",),
        postconditions=(conditions.constraint_there(relation, proof),),
        why="NOT VALID reads no row, so its lock lasts a moment",
    )
    return (start, validate(relation, proof, rows.no_null(relation, column)))


def _foreign_key_on_partitions(one: One, made: ConstraintDef) -> Steps | None:
    """Before 18 the parent takes no NOT VALID: each partition gets its own, and the parent adopts them."""
    parts = one.schema.children(one.relation)
    if not parts or any(part.partitioned for part in parts):
        return None
    steps: list[ChangeStep] = []
    name = constraint_name(one.relation, made)
    for part in parts:
        own = replace(made, name=made.name or short(part.relation.name, *made.columns, "fkey"))
        body = one.action.text if not made.name else "ADD " + _after_name(one.action.text)
        steps += not_valid(part.relation, own, _with_name(body, own.name, named=False), one)
    why = (
        "every partition has the key proved, so nothing is read; the referenced table is locked for a moment"
    )
    return (*steps, _on_parent(one, name, why))


def _key_on_partitions(one: One, made: ConstraintDef) -> Steps | None:
    """The parent takes no CONCURRENTLY: each partition gets its own key, and the parent adopts them."""
    parts = one.schema.children(one.relation)
    if not parts or any(part.partitioned for part in parts):
        return None
    steps: list[ChangeStep] = []
    if made.kind == "primary key":
        steps += [step for c in made.columns for step in not_null_unless_known(one, one.relation, c)]
    for part in parts:
        own = replace(made, name=constraint_name(part.relation, replace(made, name="")))
        steps += adopt(part.relation, own, one.action.text, one, not_null_is_known=True)
    why = "every partition has its key already, so nothing is built"
    return (*steps, _on_parent(one, constraint_name(one.relation, made), why))


def _on_parent(one: One, name: str, why: str) -> ChangeStep:
    return ddl(
        f"add {name} to the parent, which adopts those of its partitions",
        one.text,
        relation=one.relation,
        phase=Phase.VALIDATE,
        down=(f"ALTER TABLE {sql_name(one.relation)} DROP CONSTRAINT IF EXISTS {quoted(name)}",),
        postconditions=(conditions.constraint_valid(one.relation, name),),
        verbatim=one.sole,
        why=why,
    )


def _after_name(text: str) -> str:
    """The constraint without `ADD CONSTRAINT name`."""
    found = list(tokens(text, Engine.POSTGRESQL))
    return text[found[3].start :]


def domain_constraint(one: One) -> Steps | None:
    """ALTER DOMAIN … ADD CONSTRAINT NOT VALID touches no table; validating reads them all."""
    made = one.action.constraint
    if one.action.op != "domain add constraint" or made is None or not made.valid or made.kind != "check":
        return None
    if not made.name:
        return None
    domain = sql_name(one.relation)
    there = f"pg_constraint WHERE contypid = to_regtype({literal(domain)})"
    named = f"{there} AND conname = {literal(made.name)}"
    return (
        ddl(
            f"add {made.name} to the domain {one.relation} for new values only",
            f"{one.sql} NOT VALID",
            down=(f"ALTER DOMAIN {domain} DROP CONSTRAINT IF EXISTS {quoted(made.name)}",),
            postconditions=(Condition(f"SELECT EXISTS (SELECT FROM {named})", f"{made.name} is there"),),
            why="NOT VALID locks no table",
        ),
        replace(
            validate(one.relation, made.name, *values_of_domain(one)),
            statements=(f"ALTER DOMAIN {domain} VALIDATE CONSTRAINT {quoted(made.name)}",),
            relation=None,
            postconditions=(
                Condition(
                    f"SELECT EXISTS (SELECT FROM {named} AND convalidated)", f"{made.name} is validated"
                ),
            ),
            why="every table with a column of the domain is read under ShareLock: its writers wait",
        ),
    )


def values_of_domain(one: One) -> tuple[Condition, ...]:
    """What the values of every column of a domain must be like."""
    check = check_text(one.sql, Engine.POSTGRESQL)
    found = (
        (table.relation, column.name)
        for table in one.schema.tables.values()
        if table.kind == "table" and table.parent is None
        for column in table.columns.values()
        if not column.type.array and one.schema.is_type(column.type, one.relation)
    )
    return rows.in_domain(tuple(found), check) if check or one.action.op == "domain set not null" else ()
