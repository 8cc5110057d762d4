"""How a statement reaches one table: the nouns between reading statements and making candidates."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Term:
    """A condition on a column or an expression of one table."""

    key: str  # the column, or the expression as SQL without the table's alias
    value: str | None = None  # the literal as SQL, None for anything that is not one
    many: bool = False  # IN, = ANY: an order behind it is lost
    text: bool = False  # LIKE 'x%': needs an operator class unless texts sort by their bytes
    column: bool = True  # False for an expression


@dataclass(frozen=True, slots=True)
class Special:
    """A condition that only an index of another kind serves."""

    key: str
    method: str  # "gin", "gist"
    operators: str = ""  # operator class, "" for the default one


@dataclass(frozen=True, slots=True)
class Sort:
    key: str
    descending: bool = False
    nulls_first: bool | None = None  # None where the statement leaves it to the server
    column: bool = True


@dataclass(frozen=True, slots=True)
class Access:
    """All that one SELECT asks of one table. Keys are names of its columns as the server folds them."""

    schema: str
    table: str
    equal: tuple[Term, ...] = ()
    ranges: tuple[Term, ...] = ()
    special: tuple[Special, ...] = ()
    joins: tuple[tuple[str, ...], ...] = ()  # for each other relation, the columns that equal columns of it
    order: tuple[Sort, ...] = ()
    limited: bool = False  # LIMIT, or MIN and MAX: an order saves reading the rest
    groups: tuple[str, ...] = ()
    selected: frozenset[str] | None = None  # all columns read; None for all of the table

    @property
    def empty(self) -> bool:
        return not (self.equal or self.ranges or self.special or self.joins or self.order or self.groups)


@dataclass(slots=True)
class Gathering:
    """An `Access` while it is being read."""

    schema: str
    table: str
    equal: list[Term] = field(default_factory=list)
    ranges: list[Term] = field(default_factory=list)
    special: list[Special] = field(default_factory=list)
    joins: dict[str, list[str]] = field(default_factory=dict)
    order: list[Sort] = field(default_factory=list)
    limited: bool = False
    groups: list[str] = field(default_factory=list)
    selected: set[str] | None = field(default_factory=set)
    branches: list[tuple[list[Term], list[Term]]] = field(default_factory=list)  # of an OR: equal, ranges

    def accesses(self) -> list[Access]:
        """The access, and one more for each branch of an OR, which an index of its own serves."""
        selected = None if self.selected is None else frozenset(self.selected)
        joins = tuple(tuple(dict.fromkeys(keys)) for keys in self.joins.values())
        whole = Access(
            self.schema,
            self.table,
            tuple(self.equal),
            tuple(self.ranges),
            tuple(self.special),
            joins,
            tuple(self.order),
            self.limited,
            tuple(dict.fromkeys(self.groups)),
            selected,
        )
        parts = [
            Access(self.schema, self.table, tuple(equal), tuple(ranges), selected=None)
            for equal, ranges in self.branches
        ]
        return [access for access in (whole, *parts) if not access.empty or access.selected]
