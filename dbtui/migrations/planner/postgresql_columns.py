"""PostgreSQL: a column comes empty, gets its default for new rows, is filled in batches, and is proved at the end."""

from __future__ import annotations

from dataclasses import replace

from dbtui.migrations.planner import conditions_postgresql as conditions
from dbtui.migrations.planner import conditions_rows as rows
from dbtui.migrations.planner.clauses import ColumnText, column_text, with_columns_of
from dbtui.migrations.planner.one import LOCK_TIMEOUT, RETRIES, One, Steps, ddl, key_of, until
from dbtui.migrations.planner.postgresql_constraints import adopt, not_valid, prove_not_null
from dbtui.migrations.uses_postgresql_columns import is_constrained_domain, is_volatile
from dbtui.model.change import Backfill, ChangeStep, Kind, Phase, Transaction
from dbtui.model.migration import ColumnDef, KnownTable, Relation, Volatility
from dbtui.rules.migration.step import quoted, short, sql_name
from dbtui.sql.quoting import postgres_literal as literal


def backfill(
    relation: Relation, known: KnownTable | None, assignments: str, where: str, title: str
) -> ChangeStep:
    """Old rows take the new form in batches, each in its own transaction."""
    key = key_of(known)
    return ChangeStep(
        0,
        Kind.BACKFILL,
        title,
        Phase.BACKFILL,
        transaction=Transaction.BATCHES,
        lock_timeout=LOCK_TIMEOUT,
        retries=RETRIES,
        relation=relation,
        postconditions=(rows.nothing_left(relation, where),),
        backfill=Backfill(relation, key, assignments, where),
        why="batches hold few row locks for a moment each; it can be paused, and goes on where it stopped",
        notes=() if key else ("no key is known: it goes by the places of rows (ctid)",),
    )


def add_column(one: One) -> Steps | None:
    """The column empty, then what it was to have besides, each in its own safe way."""
    column = one.action.column
    if column is None or one.fresh:
        return None
    inline = [c for c in column.constraints if c.kind in ("check", "unique", "primary key", "foreign key")]
    computed = column.serial or column.identity or column.generated == "stored"
    filled = computed or is_volatile(column, one.schema) or is_constrained_domain(column, one.schema)
    lone = column.not_null and column.default is None and not computed
    if one.harmless and not filled and not lone and not any(c.kind == "unique" for c in inline):
        return None
    text = column_text(one.action.text)
    if text is None or (one.known is not None and one.known.partitioned and inline):
        return None
    if column.generated == "stored":
        return _stored(one, column, text)
    if column.identity:
        return _identity(one, column, text)
    if column.serial:
        return _serial(one, column, text)
    return (*_plain(one, column, text, filled=filled), *_inline(one, column, text))


def _bare(one: One, text: ColumnText, type_text: str = "", default: str = "") -> ChangeStep:
    """ADD COLUMN with its type, and a default that costs nothing."""
    column = one.action.name or (one.action.column.name if one.action.column else "")
    table = sql_name(one.relation)
    words = " ".join(p for p in (text.name, type_text or text.type, default) if p)
    return ddl(
        f"add {one.relation}.{column}" + ("" if default else ", empty"),
        f"ALTER TABLE {table} ADD COLUMN {words}",
        relation=one.relation,
        down=(f"ALTER TABLE {table} DROP COLUMN IF EXISTS {text.name}",),
        postconditions=(conditions.column_there(one.relation, column),),
        why="a column without a value, or with one that is the same for all rows, writes no row",
    )


def _plain(one: One, column: ColumnDef, text: ColumnText, *, filled: bool) -> list[ChangeStep]:
    """Type, default, backfill where the value differs from row to row, NOT NULL."""
    default = text.clause("DEFAULT")
    steps: list[ChangeStep] = []
    if not filled and default and one.version >= (11,):
        not_null = " NOT NULL" if column.not_null else ""
        return [_bare(one, text, default=default + not_null)]
    steps.append(_bare(one, text))
    if default and column.default is not None and column.default.volatility is not Volatility.NULL:
        steps += _default_and_fill(one, column.name, text.name, default)
    if column.not_null:
        steps += _filled_by_application(one, column, has_default=bool(default))
        steps += prove_not_null(one.relation, column.name, one.version)
    return steps


def _default_and_fill(one: One, column: str, name: str, default: str) -> list[ChangeStep]:
    table = sql_name(one.relation)
    return [
        ddl(
            f"new rows get the default of {one.relation}.{column}",
            f"ALTER TABLE {table} ALTER COLUMN {name} SET {default}",
            relation=one.relation,
            down=(f"ALTER TABLE {table} ALTER COLUMN {name} DROP DEFAULT",),
            postconditions=(conditions.default_there(one.relation, column),),
            why="a default that is set afterwards is for new rows only",
        ),
        backfill(
            one.relation,
            one.known,
            f"{name} = DEFAULT",
            f"{name} IS NULL",
            f"give the old rows of {one.relation} a value in {column}",
        ),
    ]


def _filled_by_application(one: One, column: ColumnDef, *, has_default: bool) -> Steps:
    """NOT NULL without a default: only the application knows the values."""
    if has_default:
        return ()
    step = ChangeStep(
        0,
        Kind.APPLICATION,
        f"deploy code that fills {column.name} in every new row of {one.relation}, and fill the old rows",
        Phase.BACKFILL,
        relation=one.relation,
        preconditions=(),
        postconditions=(rows.no_null(one.relation, column.name),),
        why="the column has no default, so only the application knows its values",
    )
    return (step,)


def _inline(one: One, column: ColumnDef, text: ColumnText) -> list[ChangeStep]:
    """CHECK, UNIQUE, PRIMARY KEY and REFERENCES of the column as constraints of the table."""
    steps: list[ChangeStep] = []
    words = {"check": "CHECK", "unique": "UNIQUE", "primary key": "PRIMARY", "foreign key": "REFERENCES"}
    for made in column.constraints:
        written = text.clause(words.get(made.kind, "")) if made.kind in words else ""
        if not written:
            continue
        named = replace(made, columns=made.columns or (column.name,))
        if made.kind == "check":
            steps += not_valid(one.relation, named, f"ADD {written}", one)
        elif made.kind == "foreign key":
            body = written.replace("REFERENCES", f"FOREIGN KEY ({text.name}) REFERENCES", 1)
            body = body if "FOREIGN KEY" in body else f"FOREIGN KEY ({text.name}) {written}"
            steps += not_valid(one.relation, named, f"ADD {body}", one)
        else:
            kind = "UNIQUE" if made.kind == "unique" else "PRIMARY KEY"
            steps += adopt(one.relation, named, f"ADD {kind} ({text.name})", one)
    return steps


def _sequence(one: One, column: ColumnDef) -> Relation:
    return Relation(short(one.relation.name, column.name, "seq"), one.relation.schema)


_SERIAL = {"int2": "smallint", "int4": "integer", "int8": "bigint"}


def _serial(one: One, column: ColumnDef, text: ColumnText) -> Steps:
    """What serial stands for, step by step: a sequence, its column, a default, a backfill, NOT NULL."""
    table, sequence, kind = sql_name(one.relation), _sequence(one, column), _SERIAL[column.type.name]
    name = sql_name(sequence)
    make = ddl(
        f"make the sequence {sequence}",
        f"CREATE SEQUENCE {name} AS {kind}",
        down=(f"DROP SEQUENCE IF EXISTS {name}",),
        postconditions=(conditions.table_there(sequence),),
        why="serial would number all rows under a lock that stops everybody",
    )
    bare = _bare(one, text, kind)
    bare = replace(
        bare,
        statements=(*bare.statements, f"ALTER SEQUENCE {name} OWNED BY {table}.{text.name}"),
    )
    default = f"DEFAULT nextval({literal(name)}::regclass)"
    fill = _default_and_fill(one, column.name, text.name, default)
    return (
        make,
        bare,
        *fill,
        *prove_not_null(one.relation, column.name, one.version),
        *_inline(one, column, text),
    )


def _identity(one: One, column: ColumnDef, text: ColumnText) -> Steps:
    """A sequence numbers the old rows; at the end the identity takes over where it stopped."""
    table = sql_name(one.relation)
    helper = Relation(short(one.relation.name, column.name, "numbers"), one.relation.schema)
    name = sql_name(helper)
    make = ddl(
        f"make a sequence that numbers the rows of {one.relation}",
        f"CREATE SEQUENCE {name}",
        down=(f"DROP SEQUENCE IF EXISTS {name}",),
        postconditions=(conditions.table_there(helper),),
        why="an identity column would number all rows under a lock that stops everybody",
    )
    default = f"DEFAULT nextval({literal(name)}::regclass)"
    fill = _default_and_fill(one, column.name, text.name, default)
    done = conditions.identity_there(one.relation, column.name)
    generated = text.clause("GENERATED")
    value = f"pg_get_serial_sequence({literal(table)}, {literal(column.name)})"
    end = ddl(
        f"{one.relation}.{column.name} becomes an identity column",
        f"ALTER TABLE {table} ALTER COLUMN {text.name} DROP DEFAULT",
        f"ALTER TABLE {table} ALTER COLUMN {text.name} ADD {generated}",
        f"SELECT setval({value}, (SELECT last_value FROM {name}), (SELECT is_called FROM {name}))",
        f"DROP SEQUENCE {name}",
        relation=one.relation,
        phase=Phase.VALIDATE,
        down=(f"ALTER TABLE {table} ALTER COLUMN {text.name} DROP IDENTITY IF EXISTS",),
        postconditions=(done,),
        why="the column is NOT NULL and numbered by then, so no row is read or written",
    )
    proofs = prove_not_null(one.relation, column.name, one.version)
    steps = (make, _bare(one, text), *fill, *proofs, end)
    return (*until(steps, done), *_inline(one, column, text))


def _stored(one: One, column: ColumnDef, text: ColumnText) -> Steps | None:
    """A plain column that a trigger keeps up, instead of GENERATED … STORED."""
    generated = text.clause("GENERATED")
    start, end = generated.find("("), generated.rfind(")")
    if one.known is None or start < 0 or column.not_null:
        return None  # without the other columns' names the trigger cannot be written
    expression = generated[start + 1 : end]
    steps = [_bare(one, text)]
    steps.append(
        sync_trigger(
            one.relation,
            short(one.relation.name, column.name, "keep"),
            f"NEW.{text.name} := {with_columns_of(expression, one.known.columns, 'NEW')};",
            f"a trigger keeps {one.relation}.{column.name} up to date",
        )
    )
    steps.append(
        backfill(
            one.relation,
            one.known,
            f"{text.name} = {expression}",
            f"{text.name} IS DISTINCT FROM ({expression})",
            f"compute {column.name} for the old rows of {one.relation}",
        )
    )
    note = (
        "the column is kept up by a trigger: GENERATED … STORED cannot be had without writing the table anew"
    )
    steps[0] = replace(steps[0], notes=(note,))
    return (*steps, *_inline(one, column, text))


def sync_trigger(relation: Relation, name: str, body: str, title: str) -> ChangeStep:
    """A function and a trigger that write one column by another as rows come and change."""
    table, function = sql_name(relation), sql_name(Relation(name, relation.schema))
    return ddl(
        title,
        f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $keep$\n"
        f"BEGIN\n  {body}\n  RETURN NEW;\nEND $keep$",
        f"CREATE TRIGGER {quoted(name)} BEFORE INSERT OR UPDATE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION {function}()",
        relation=relation,
        down=drop_trigger(relation, name),
        postconditions=(conditions.trigger_there(relation, name),),
        why="rows that are written from now on are right; the backfill does the older ones",
    )


def drop_trigger(relation: Relation, name: str) -> tuple[str, ...]:
    return (
        f"DROP TRIGGER IF EXISTS {quoted(name)} ON {sql_name(relation)}",
        f"DROP FUNCTION IF EXISTS {sql_name(Relation(name, relation.schema))}()",
    )
