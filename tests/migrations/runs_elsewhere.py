"""The plan of `runs.whole` for MySQL, MariaDB and SQLite: expand, backfill, prove, index."""

from __future__ import annotations

from dbtui.migrations.files import migration_file
from dbtui.migrations.planner import make
from dbtui.model.change import Backfill, ChangePlan, ChangeStep, Condition, Kind, Phase, Source, Transaction
from dbtui.model.migration import Engine
from tests.migrations.runs import INDEX, ORDERS

STEPS = 4


def whole_of(engine: str, batch: int) -> ChangePlan:
    """Four steps over `orders (id, amount, touched)`; SQLite proves by making the table anew."""
    steps = _sqlite(batch) if engine == "sqlite" else _mysql(batch)
    return ChangePlan(engine, "", "", (Source("ALTER TABLE …"),), steps, "totals")


def table(engine: str, rows: int) -> tuple[str, ...]:
    """Statements that make the table, with `rows` orders."""
    depth = {"mysql": "cte_max_recursion_depth", "mariadb": "max_recursive_iterations"}
    numbers = (
        f"with recursive g as (select 1 n union all select n + 1 from g where n < {rows}) select n from g"
    )
    return (
        *([f"set {depth[engine]} = {rows + 1}"] if engine in depth else ()),
        "create table orders (id bigint primary key, amount bigint not null, touched int not null default 0)",
        f"insert into orders (id, amount) select n * 3, n from ({numbers}) x",
    )


def rebuilt() -> ChangePlan:
    """A plan of SQLite's in which every rebuild starts from what another change of the same table left."""
    words = (
        "ALTER TABLE orders ADD COLUMN total bigint DEFAULT 7; ALTER TABLE orders ALTER total SET NOT NULL;"
        " ALTER TABLE orders RENAME COLUMN touched TO seen; ALTER TABLE orders ALTER seen SET DEFAULT 9"
    )
    before = migration_file("schema.sql", table("sqlite", 1)[0])
    return make([migration_file("change.sql", words)], Engine.SQLITE, (3, 40), [before])


def _fill(batch: int) -> ChangeStep:
    work = Backfill(
        ORDERS, ("id",), "total = amount * 2, touched = touched + 1", "total IS NULL", batch=batch
    )
    left = Condition(
        "SELECT NOT EXISTS (SELECT 1 FROM orders WHERE total IS NULL)", "all are filled", costly=True
    )
    return ChangeStep(
        2, Kind.BACKFILL, "fill it", Phase.BACKFILL, transaction=Transaction.BATCHES, backfill=work,
        relation=ORDERS, postconditions=(left,),
    )  # fmt: skip


def _each(number: int, kind: Kind, title: str, sql: str, proof: str, down: str) -> ChangeStep:
    return ChangeStep(
        number, kind, title, statements=(sql,), transaction=Transaction.EACH, lock_timeout=1.0, retries=20,
        relation=ORDERS, postconditions=(Condition(proof, title),), down=(down,), down_transaction=Transaction.EACH,
    )  # fmt: skip


def _mysql(batch: int) -> tuple[ChangeStep, ...]:
    column = (
        "SELECT count(*) FROM information_schema.columns WHERE table_schema = DATABASE()"
        " AND table_name = 'orders' AND column_name = 'total'"
    )
    index = (
        "SELECT count(*) FROM information_schema.statistics WHERE table_schema = DATABASE()"
        f" AND table_name = 'orders' AND index_name = '{INDEX}'"
    )
    return (
        _each(1, Kind.DDL, "add it", "ALTER TABLE orders ADD COLUMN total bigint, ALGORITHM=INSTANT", column,
              "ALTER TABLE orders DROP COLUMN total"),
        _fill(batch),
        _each(3, Kind.DDL, "prove it", "ALTER TABLE orders MODIFY total bigint NOT NULL, ALGORITHM=INPLACE, LOCK=NONE",
              f"{column} AND is_nullable = 'NO'", "ALTER TABLE orders MODIFY total bigint NULL"),
        _each(4, Kind.INDEX, "index it", f"ALTER TABLE orders ADD INDEX {INDEX} (total), ALGORITHM=INPLACE, LOCK=NONE",
              index, f"ALTER TABLE orders DROP INDEX {INDEX}"),
    )  # fmt: skip


def _sqlite(batch: int) -> tuple[ChangeStep, ...]:
    column = "SELECT count(*) FROM pragma_table_info('orders') WHERE name = 'total'"
    rebuild = (
        "CREATE TABLE orders_new (id integer primary key, amount integer not null,"
        " touched integer not null default 0, total integer not null)",
        "INSERT INTO orders_new SELECT id, amount, touched, total FROM orders",
        "DROP TABLE orders",
        "ALTER TABLE orders_new RENAME TO orders",
    )
    return (
        _each(1, Kind.DDL, "add it", "ALTER TABLE orders ADD COLUMN total integer", column,
              "ALTER TABLE orders DROP COLUMN total"),
        _fill(batch),
        ChangeStep(3, Kind.DDL, "prove it", statements=rebuild, transaction=Transaction.ONE, relation=ORDERS,
                   postconditions=(Condition(f'{column} AND "notnull"', "it is NOT NULL"),)),
        _each(4, Kind.INDEX, "index it", f"CREATE INDEX {INDEX} ON orders (total)",
              f"SELECT count(*) FROM sqlite_schema WHERE name = '{INDEX}'",
              f"DROP INDEX {INDEX}"),
    )  # fmt: skip
