"""The plans of one statement over the values that its parameters could have."""

from __future__ import annotations

from dataclasses import dataclass

from dbtui.model.plan import Plan


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a statement, and the column that it is compared with."""

    number: int
    schema: str  # "" where the statement names none
    table: str
    column: str  # as the server writes it in the table, without quotes
    operator: str  # = (of a list too) like < > <= >=

    @property
    def of_one(self) -> bool:
        """Whether one value of the column is asked for, and no range."""
        return self.operator in ("=", "like")

    @property
    def place(self) -> str:
        """The column with its table."""
        return ".".join(part for part in (self.schema, self.table, self.column) if part)


@dataclass(frozen=True, slots=True)
class Tried:
    """One value of one parameter, the others at their usual value, and the plan that the server makes for it."""

    parameter: Parameter
    value: str
    kind: str  # "common", "rare", "out of range", "at 25 %"
    share: float | None  # of the table that has the value, where that is known
    shape: str  # equal for plans of one structure
    plan: Plan


@dataclass(frozen=True, slots=True)
class Flip:
    """Two neighbouring values between which the plan becomes another one."""

    before: Tried
    after: Tried


@dataclass(frozen=True, slots=True)
class Sweep:
    """What became of a statement's plan over the values of its parameters."""

    sql: str  # with placeholders
    generic: Plan | None  # None where the server makes no plan without values
    generic_shape: str  # "" without one
    tried: tuple[Tried, ...]  # by parameter, in the order in which it was varied
    flips: tuple[Flip, ...]
    notes: tuple[str, ...]  # parameters that were not varied, and why
