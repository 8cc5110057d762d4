"""A plan of every kind of step over one table of PostgreSQL, and what runs it in tests."""

from __future__ import annotations

from collections.abc import Callable

from dbtui.config import Target, resolve
from dbtui.engines import create
from dbtui.engines.base import Engine
from dbtui.migrations.limits import Limits
from dbtui.migrations.runner import Runner
from dbtui.model.change import (
    Backfill,
    ChangePlan,
    ChangeStep,
    Condition,
    Kind,
    Phase,
    Source,
    Transaction,
)
from dbtui.model.migration import Relation
from dbtui.model.run import Run, StepRun
from dbtui.safety import Approval, approve, step_scope

ORDERS = Relation("orders")
QUICK = Limits(back_off=(0.05, 0.2), regain=30.0)


def column_there(name: str) -> Condition:
    sql = f"SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass('orders') AND attname = '{name}'"
    return Condition(sql, f"orders.{name} is there")


def constraint(name: str, what: str = "") -> Condition:
    sql = f"SELECT count(*) FROM pg_constraint WHERE conname = '{name}' {what}"
    return Condition(sql, f"the constraint {name} is there {what}".strip())


NOT_NULL = Condition(
    "SELECT attnotnull FROM pg_attribute WHERE attrelid = to_regclass('orders') AND attname = 'total'",
    "orders.total is NOT NULL",
)
INDEX = "orders_total_idx"
INDEX_THERE = Condition(
    f"SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('{INDEX}')", "the index is valid"
)
INDEX_LEFT = Condition(
    f"SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass('{INDEX}')",
    "an invalid index is left",
)


def expand(number: int = 1) -> ChangeStep:
    return ChangeStep(
        number, Kind.DDL, "add the column", statements=("ALTER TABLE orders ADD COLUMN total bigint",),
        lock_timeout=0.5, retries=20, relation=ORDERS, down=("ALTER TABLE orders DROP COLUMN total",),
        postconditions=(column_there("total"),),
    )  # fmt: skip


def fill(number: int = 2, batch: int = 500) -> ChangeStep:
    work = Backfill(
        ORDERS, ("id",), "total = amount * 2, touched = touched + 1", "total IS NULL", batch=batch
    )
    left = Condition(
        "SELECT NOT EXISTS (SELECT FROM orders WHERE total IS NULL)", "every order has a total", costly=True
    )
    return ChangeStep(
        number, Kind.BACKFILL, "fill it", Phase.BACKFILL, transaction=Transaction.BATCHES, backfill=work,
        relation=ORDERS, postconditions=(left,),
    )  # fmt: skip


def prove(number: int = 3) -> tuple[ChangeStep, ...]:
    """The four steps that make the column NOT NULL without a scan under a lock."""
    gone = Condition(NOT_NULL.query, "the column is NOT NULL already")
    return (
        ChangeStep(
            number, Kind.DDL, "state it", lock_timeout=0.5, retries=20, relation=ORDERS, superseded=gone,
            statements=("ALTER TABLE orders ADD CONSTRAINT total_there CHECK (total IS NOT NULL) NOT VALID",),
            postconditions=(constraint("total_there"),),
            down=("ALTER TABLE orders DROP CONSTRAINT IF EXISTS total_there",),
        ),
        ChangeStep(
            number + 1, Kind.VALIDATE, "prove it", Phase.VALIDATE, relation=ORDERS, lock_timeout=0.5, retries=20,
            statements=("ALTER TABLE orders VALIDATE CONSTRAINT total_there",), superseded=gone,
            postconditions=(constraint("total_there", "AND convalidated"),),
        ),
        ChangeStep(
            number + 2, Kind.DDL, "say it", Phase.CONTRACT, relation=ORDERS, lock_timeout=0.5, retries=20,
            statements=("ALTER TABLE orders ALTER COLUMN total SET NOT NULL",), postconditions=(NOT_NULL,),
            down=("ALTER TABLE orders ALTER COLUMN total DROP NOT NULL",),
        ),
        ChangeStep(
            number + 3, Kind.DDL, "drop the proof", Phase.CONTRACT, relation=ORDERS, lock_timeout=0.5, retries=20,
            statements=("ALTER TABLE orders DROP CONSTRAINT IF EXISTS total_there",),
            postconditions=(
                Condition("SELECT count(*) = 0 FROM pg_constraint WHERE conname = 'total_there'", "the proof is gone"),
            ),
        ),
    )  # fmt: skip


def index(number: int = 7) -> ChangeStep:
    return ChangeStep(
        number, Kind.INDEX, "build the index", statements=(f"CREATE INDEX CONCURRENTLY {INDEX} ON orders (total)",),
        transaction=Transaction.EACH, lock_timeout=0.0, retries=3, relation=ORDERS, postconditions=(INDEX_THERE,),
        leftover=INDEX_LEFT, cleanup=(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}",), index=INDEX,
        down=(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}",), down_transaction=Transaction.EACH,
    )  # fmt: skip


def plan(*steps: ChangeStep, title: str = "totals", file: str = "", sql: str = "ALTER TABLE …") -> ChangePlan:
    return ChangePlan("postgresql", "", "", (Source(sql, file),), steps, title)


def whole(batch: int = 500) -> ChangePlan:
    """Expand, backfill, prove, index: seven steps."""
    return plan(expand(), fill(batch=batch), *prove(), index())


def table(rows: int) -> str:
    """DDL of the table, with `rows` orders."""
    return f"""
        create table orders (id bigint primary key, amount bigint not null, touched int not null default 0);
        insert into orders select g * 3, g from generate_series(1, {rows}) g;
        analyze orders;
    """


async def yes(run: Run, step: StepRun) -> Approval | None:
    """Approve whatever is asked."""
    return approve("test", step_scope(run.plan.sha256, run.server, step.step.number), "a test")


def target_of(url: str) -> Target:
    found = resolve(url)
    return Target("test", found.scheme, found.url, password=found.password)


class Console:
    """An engine that is open, for runners one after the other."""

    def __init__(self, url: str) -> None:
        self.target = target_of(url)
        self.engine: Engine = create(self.target)

    async def __aenter__(self) -> Console:
        await self.engine.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.engine.close()

    def runner(
        self,
        plan: ChangePlan,
        *,
        limits: Limits = QUICK,
        on_change: Callable[[Run], None] = lambda _run: None,
    ) -> Runner:
        return Runner(self.engine, self.target, plan, approve=yes, on_change=on_change, limits=limits)
