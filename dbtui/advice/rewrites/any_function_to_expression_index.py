"""An index on what a condition computes.

`lower(email) = 'x'` stays as it is, and wants `CREATE INDEX ON users (lower(email))`.

Why: an index on email does not serve lower(email). What lower() and upper() return cannot be turned back into a
range of the column, so that here it is the index that has to follow the query.
Conditions: the function returns the same for the same value, always; lower() and upper() do. After it was made,
ANALYZE gives the expression statistics of its own, and better estimates.
NULLs: the text is the same.
Source: https://www.postgresql.org/docs/current/indexes-expressional.html
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from dbtui.advice.rewrites.subject import Offer, Refused, Subject, conjuncts
from dbtui.model.finding import Severity

SEVERITY = Severity.INFO


def check(subject: Subject) -> Iterator[Offer | Refused]:
    """One offer for all comparisons of lower() and upper() in WHERE that no index serves."""
    select = subject.select
    where = select.args.get("where")
    indexes: list[str] = []
    for part in conjuncts(where.this) if where is not None and subject.facts.dialect != "mariadb" else ():
        call = part.this.unnest() if isinstance(part, exp.EQ | exp.In) else part
        column = call.this if isinstance(call, exp.Lower | exp.Upper) else None
        place = subject.place(column, select) if isinstance(column, exp.Column) else None
        if not isinstance(column, exp.Column) or place is None or place.table is None:
            continue
        plain = call.copy()
        plain.this.set("table", None)
        text = subject.text(plain)
        if not any(_leads(index.columns, text) for index in place.table.indexes):
            source = subject.sources(select)[place.alias][0].copy()
            source.set("alias", None)
            key = f"({text})" if subject.facts.dialect == "mysql" else text
            name = f"{place.table.name}_{call.key}_{column.name}_idx"
            indexes.append(f"CREATE INDEX {exp.to_identifier(name).sql()} ON {subject.text(source)} ({key})")
    if indexes:
        yield Offer(select, (), (), tuple(dict.fromkeys(indexes)))


def _leads(columns: tuple[str, ...], text: str) -> bool:
    """Whether an index begins with an expression, as far as its text tells."""
    return (
        bool(columns)
        and "".join(columns[0].split()).lower().replace("::text", "").replace("((", "(").replace("))", ")")
        == text.lower()
    )
