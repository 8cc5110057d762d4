"""pg_dump of a source into an archive, and pg_restore of what is wanted of it, with the names of what failed."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from dbtui.engines.postgres.embedded import Account, clean_environment, tethered
from dbtui.errors import ConnectError, PermissionDenied, QueryError, QueryTimeout
from dbtui.text import last_line

LOCK_WAIT = 2.0  # seconds that pg_dump waits for a table's lock
_LIMIT = 120.0  # seconds for one run of a program

# Kinds of entries in an archive's list, longest first since some begin alike (pg_dump's ArchiveEntry tags).
_KINDS = r"""ACCESS METHOD|ACL|AGGREGATE|BLOB|CAST|CHECK CONSTRAINT|COLLATION|COMMENT|CONSTRAINT|CONVERSION|
DATABASE|DEFAULT|DEFAULT ACL|DOMAIN|ENCODING|EVENT TRIGGER|EXTENSION|FK CONSTRAINT|
FOREIGN DATA WRAPPER|FOREIGN TABLE|FUNCTION|INDEX|INDEX ATTACH|MATERIALIZED VIEW|
MATERIALIZED VIEW DATA|OPERATOR|OPERATOR CLASS|OPERATOR FAMILY|POLICY|PROCEDURAL LANGUAGE|
PROCEDURE|PUBLICATION|PUBLICATION TABLE|PUBLICATION TABLES IN SCHEMA|ROW SECURITY|RULE|SCHEMA|
SEARCHPATH|SECURITY LABEL|SEQUENCE|SEQUENCE OWNED BY|SEQUENCE SET|SERVER|SHELL TYPE|STATISTICS|
STATISTICS DATA|STDSTRINGS|SUBSCRIPTION|SUBSCRIPTION TABLE|TABLE|TABLE ATTACH|TABLE DATA|
TEXT SEARCH CONFIGURATION|TEXT SEARCH DICTIONARY|TEXT SEARCH PARSER|TEXT SEARCH TEMPLATE|TRANSFORM|
TRIGGER|TYPE|USER MAPPING|VIEW"""
# What would reach out of the shadow, or needs somebody else's trust.
NEVER = frozenset(
    {"USER MAPPING", "SERVER", "FOREIGN DATA WRAPPER", "EVENT TRIGGER", "SEQUENCE SET", "DATABASE"}
)
_LONGEST_FIRST = sorted(_KINDS.replace("\n", "").split("|"), key=len, reverse=True)
_ENTRY = re.compile(rf"(\d+); \d+ \d+ ({'|'.join(_LONGEST_FIRST)}) (\S+) (.*?)(?: (\S+|))?$")


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of an archive. `line` selects it again."""

    line: str
    kind: str  # "TABLE", "FK CONSTRAINT", …
    schema: str  # "" outside schemas
    name: str  # of a constraint or trigger: table and name

    def __str__(self) -> str:
        name = f"{self.schema}.{self.name}" if self.schema else self.name
        return f"{self.kind.lower()} {name}"


@dataclass(frozen=True, slots=True)
class Missing:
    """What the shadow could not be given, and the reason in the server's words."""

    entry: Entry
    reason: str

    def __str__(self) -> str:
        return f"{self.entry}: {self.reason}"


def entry_of(line: str) -> Entry | None:
    """An entry as `pg_restore --list` prints it, and its complaints; None for another line."""
    match = _ENTRY.match(line)
    if match is None:
        return None
    schema = "" if match[3] == "-" else match[3]
    return Entry(line, match[2], schema, match[4])


async def dump(programs: Path, socket: Path, archive: Path, *options: str) -> None:
    """Write an archive of the database behind `socket`. Raises QueryError and its kinds, ConnectError."""
    argv = [str(programs / "pg_dump"), "-h", str(socket), "-U", "postgres", "-d", "postgres", "-w"]
    argv += ["--format=custom", "--compress=none", "--no-sync", "--no-owner", "--no-privileges"]
    argv += ["--no-comments", "--no-security-labels", "--no-tablespaces", "--no-data"]
    argv += ["--no-publications", "--no-subscriptions", f"--lock-wait-timeout={int(LOCK_WAIT * 1000)}"]
    code, said = await run([*argv, *options, "--encoding=UTF8", "--file", str(archive)])
    if code != 0:
        raise _refused(said)


async def listing(programs: Path, archive: Path) -> list[Entry]:
    """What an archive holds, in the order in which it is restored."""
    code, said = await run([str(programs / "pg_restore"), "--list", str(archive)])
    if code != 0:
        raise QueryError("the archive cannot be read", last_line(said))
    return [entry for line in said.splitlines() if (entry := entry_of(line)) is not None]


async def restore(
    programs: Path, socket: Path, database: str, user: str, archive: Path, wanted: Sequence[Entry]
) -> list[Missing]:
    """Restore the entries into a database; those that failed."""
    if not wanted:
        return []
    chosen = archive.with_suffix(".list")
    chosen.write_text("".join(f"{entry.line}\n" for entry in wanted), "utf-8")
    argv = [str(programs / "pg_restore"), "-h", str(socket), "-U", user, "-d", database, "-w"]
    argv += ["--verbose", "--no-owner", "--no-privileges", "--use-list", str(chosen), str(archive)]
    _, said = await run(argv)
    return list(_complaints(said, {entry.line.split(";")[0]: entry for entry in wanted}))


def _complaints(said: str, entries: dict[str, Entry]) -> Collection[Missing]:
    """Each entry that failed, with the first line of its error."""
    found: dict[str, Missing] = {}
    current: Entry | None = None
    for line in said.splitlines():
        if (match := re.match(r"pg_restore: from TOC entry (\d+);", line)) is not None:
            current = entries.get(match[1])
        elif (
            match := re.match(r"pg_restore: error: (?:could not execute query: )?(?:ERROR: +)?(.*)", line)
        ) and current:
            found.setdefault(current.line, Missing(current, match[1]))
        elif line.startswith("pg_restore: error:"):
            raise ConnectError("the shadow could not be filled", line.removeprefix("pg_restore: error: "))
    return found.values()


async def run(argv: Sequence[str], *, timeout: float = _LIMIT) -> tuple[int, str]:
    """A program's exit code and all it printed, in English; it is ended when we are, or when it takes too long."""
    process = await asyncio.create_subprocess_exec(
        *tethered(argv, Account(), signal.SIGKILL),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=clean_environment() | {"LC_ALL": "C", "PGOPTIONS": "-c client_min_messages=error"},
        cwd="/",
    )
    try:
        async with asyncio.timeout(timeout):
            said, _ = await process.communicate()
    except TimeoutError:
        raise QueryTimeout(
            f"{Path(argv[0]).name} took more than {timeout:.0f} s", "name the tables that are meant"
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, said.decode("utf-8", "replace")


def _refused(said: str) -> QueryError:
    """What pg_dump complained of, as one of ours."""
    found = re.search(r"(?:error:|ERROR:) +(.*)", said)
    reason = found[1] if found else last_line(said)
    detail = re.search(r"ERROR: +(.*)", said)
    reason = detail[1] if detail else reason
    if "permission denied" in reason:
        return PermissionDenied(f"pg_dump: {reason}", "GRANT pg_read_all_data, or SELECT on it, to this role")
    if "canceling statement due to" in reason:
        return QueryTimeout(
            f"pg_dump waited {LOCK_WAIT:.0f} s for the lock of a table", "try again when it is free"
        )
    return QueryError(f"pg_dump: {reason}")
