"""Migration files in the form of each tool that reads SQL: names, marks for up and down, transactions.

Forms are those of the tools' own documentation: dbmate, goose, golang-migrate, Flyway (undo files are a feature of
its paid editions), Sqitch.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from dbtui.migrations.file_parts import Part


@dataclass(frozen=True, slots=True)
class Written:
    """A file: its path inside the folder, and its text. `append` adds to what is there."""

    path: str
    text: str
    append: bool = False


Style = Callable[[Sequence[Part], Sequence[str]], Iterator[Written]]
"""The files for parts, given the names that the folder holds already."""


def comment(lines: Sequence[str], mark: str = "--") -> str:
    return "".join(f"{mark} {line}".rstrip() + "\n" for text in lines for line in text.splitlines() or [""])


def body(statements: Sequence[str]) -> str:
    return "".join(f"{sql.rstrip().rstrip(';')};\n" for sql in statements)


def next_number(names: Sequence[str], least: int = 3) -> tuple[int, int]:
    """The number after the largest that names begin with (behind a V, too), and its width."""
    found = [match.group(1) for name in names if (match := re.match(r"V?(\d+)", name.rpartition("/")[2]))]
    width = max((len(number) for number in found), default=least)
    return max((int(number) for number in found), default=0) + 1, width


def timestamps(names: Sequence[str], count: int, *, now: float | None = None) -> Iterator[str]:
    """Fourteen digits each, a second apart, later than every name that begins with some."""
    at = time.time() if now is None else now
    stamps = [match.group(1) for name in names if (match := re.match(r"(\d{14})", name.rpartition("/")[2]))]
    latest = max(stamps, default="")
    for number in range(count):
        stamp = time.strftime("%Y%m%d%H%M%S", time.gmtime(at + number))
        if stamp <= latest:
            stamp = str(int(latest) + 1)
        latest = stamp
        yield stamp


def _numbers(parts: Sequence[Part], names: Sequence[str], least: int = 3) -> Iterator[tuple[str, Part]]:
    first, width = next_number(names, least)
    for number, part in enumerate(parts, first):
        yield str(number).zfill(width), part


def _timestamped(names: Sequence[str]) -> bool:
    return any(re.match(r"\d{14}", name.rpartition("/")[2]) for name in names)


def _marked(
    parts: Sequence[Part], names: Sequence[str], least: int, *, dated: bool
) -> Iterator[tuple[str, Part]]:
    """Parts with numbers or times, whichever the folder has."""
    if _timestamped(names) or (dated and not names):
        yield from zip(timestamps(names, len(parts)), parts, strict=True)
    else:
        yield from _numbers(parts, names, least)


def numbered(parts: Sequence[Part], names: Sequence[str]) -> Iterator[Written]:
    """Ours: `001_title.sql` with `-- dbtui:up` and `-- dbtui:down`."""
    for number, part in _marked(parts, names, 3, dated=False):
        mode = "one" if part.one else "none"
        text = f"{comment(part.header)}-- dbtui:transaction {mode}\n-- dbtui:up\n{body(part.up)}"
        yield Written(f"{number}_{part.slug}.sql", f"{text}\n-- dbtui:down\n{body(part.down)}")


def dbmate(parts: Sequence[Part], names: Sequence[str]) -> Iterator[Written]:
    for number, part in _marked(parts, names, 14, dated=True):
        up = "" if part.one else " transaction:false"
        down = "" if part.down_one else " transaction:false"
        text = f"{comment(part.header)}-- migrate:up{up}\n{body(part.up)}"
        yield Written(f"{number}_{part.slug}.sql", f"{text}\n-- migrate:down{down}\n{body(part.down)}")


def goose(parts: Sequence[Part], names: Sequence[str]) -> Iterator[Written]:
    for number, part in _marked(parts, names, 5, dated=False):
        mode = "" if part.one and part.down_one else "-- +goose NO TRANSACTION\n"
        text = f"{comment(part.header)}{mode}-- +goose Up\n{_goose_body(part.up)}"
        yield Written(f"{number}_{part.slug}.sql", f"{text}\n-- +goose Down\n{_goose_body(part.down)}")


def _goose_body(statements: Sequence[str]) -> str:
    """A statement with semicolons of its own stands between marks."""
    made = ""
    for sql in statements:
        one = body([sql])
        inside = ";" in re.sub(r"'(?:[^']|'')*'", "", sql.rstrip().rstrip(";"))
        made += f"-- +goose StatementBegin\n{one}-- +goose StatementEnd\n" if inside else one
    return made


def golang_migrate(parts: Sequence[Part], names: Sequence[str]) -> Iterator[Written]:
    """Two files each. Several statements of one transaction say so themselves; others are alone in their file."""
    for number, part in _marked(parts, names, 6, dated=False):
        stem = f"{number}_{part.slug}"
        yield Written(f"{stem}.up.sql", comment(part.header) + _wrapped(part.up, part.one, part.engine))
        yield Written(f"{stem}.down.sql", _wrapped(part.down, part.down_one, part.engine))


def _wrapped(statements: Sequence[str], one: bool, engine: str) -> str:
    if engine != "postgresql":
        return body(statements)
    if one and len(statements) > 1:
        return f"BEGIN;\n{body(statements)}COMMIT;\n"
    # A file with a timeout before it is sent as one string, in which CONCURRENTLY is refused.
    return body(statements if one else [sql for sql in statements if not sql.startswith("SET lock_timeout")])


def flyway(parts: Sequence[Part], names: Sequence[str]) -> Iterator[Written]:
    for number, part in _numbers(parts, names, 1):
        stem = f"{int(number)}__{part.slug}.sql"
        yield Written(f"V{stem}", comment(part.header) + body(part.up))
        if not part.one:
            yield Written(f"V{stem}.conf", "executeInTransaction=false\n")
        if part.down:
            yield Written(f"U{stem}", body(part.down))
            if not part.down_one:
                yield Written(f"U{stem}.conf", "executeInTransaction=false\n")


_SQITCH_ENGINES = {"postgresql": "pg", "mysql": "mysql", "mariadb": "mysql", "sqlite": "sqlite"}


def sqitch(parts: Sequence[Part], names: Sequence[str]) -> Iterator[Written]:
    """deploy, revert and verify scripts, and the lines for sqitch.plan."""
    taken = {name.rpartition("/")[2].removesuffix(".sql") for name in names}
    lines = []
    for part in parts:
        name, number = part.slug, 2
        while name in taken:
            name, number = f"{part.slug}_{number}", number + 1
        taken.add(name)
        engine = _SQITCH_ENGINES.get(part.engine, part.engine)
        for folder, verb, statements, one in (
            ("deploy", "Deploy", part.up, part.one),
            ("revert", "Revert", part.down, part.down_one),
            ("verify", "Verify", _verified(part), True),
        ):
            way = {"Deploy": "to", "Revert": "from", "Verify": "on"}[verb]
            head = f"-- {verb} {name} {way} {engine}\n"
            inner = (
                f"BEGIN;\n{body(statements)}{'ROLLBACK' if verb == 'Verify' else 'COMMIT'};\n"
                if one
                else body(statements)
            )
            yield Written(
                f"{folder}/{name}.sql", head + (comment(part.header) if verb == "Deploy" else "") + inner
            )
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        lines.append(f"{name} {stamp} dbtui <dbtui@localhost> # {part.title}\n")
    yield Written("sqitch.plan", "".join(lines), append=True)


# What each server refuses to compute; only PostgreSQL refuses to divide by zero in a SELECT.
_FAILING = {
    "postgresql": "1 / (CASE WHEN ({}) THEN 1 ELSE 0 END)",
    "mysql": "CASE WHEN ({}) THEN 1 ELSE (SELECT 1 UNION SELECT 2) END",
    "mariadb": "CASE WHEN ({}) THEN 1 ELSE (SELECT 1 UNION SELECT 2) END",
    "sqlite": "CASE WHEN ({}) THEN 1 ELSE abs(-9223372036854775808) END",
}


def _verified(part: Part) -> tuple[str, ...]:
    """A question that is answered by no is an error, which is how a verify script fails."""
    return tuple(f"SELECT {_FAILING[part.engine].format(query)}" for query in part.verify)


STYLES: dict[str, Style] = {
    "numbered": numbered,
    "dbmate": dbmate,
    "goose": goose,
    "golang-migrate": golang_migrate,
    "flyway": flyway,
    "sqitch": sqitch,
}
