"""Migration files: which tool's they are, their up section, and how the tool wraps them in transactions."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dbtui.errors import InputError
from dbtui.model.migration import Engine


@dataclass(frozen=True, slots=True)
class MigrationFile:
    """A file as read. `text` has the file's own line numbers: sections that are not linted are blank lines."""

    name: str
    text: str
    style: str = "plain"
    transaction: str = "none"  # "none", "file" (one around it) or "string" (sent in one go)
    has_down: bool | None = None
    repeatable: bool = False


_DOWN_FILE = re.compile(
    r"(\.down\.sql|[._-]down\.sql|^down\.sql|^U[\d._]+__.*\.sql|[._-](rollback|undo)\.sql)$", re.I
)
_NOT_UP = {"down", "revert", "verify"}
_FLYWAY = re.compile(r"^([VB][\d._]+|R)__.*\.sql$")
_NO_TRANSACTION = re.compile(r"^\s*executeInTransaction\s*=\s*false", re.M | re.I)
_GOLANG = re.compile(r"^\d+_.*\.(up|down)\.sql$")
_GOOSE = re.compile(
    r"^\s*--\s*\+goose\s+(Up|Down|NO TRANSACTION|StatementBegin|StatementEnd)\b[^\n]*$", re.I | re.M
)
_DBMATE = re.compile(r"^\s*--\s*migrate:(up|down)([^\n]*)$", re.I | re.M)
_DBTUI = re.compile(r"^\s*--\s*dbtui:(up|down|transaction)\b([^\n]*)$", re.I | re.M)
_SQITCH = re.compile(r"^--\s*Deploy\s+\S+\s+to\s+(\w+)", re.I | re.M)
_ALEMBIC = re.compile(r"^-- Running (?:upgrade|downgrade) ", re.M)
_DJANGO = re.compile(r"^--\r?\n-- (?:Create|Add|Alter|Remove|Rename|Delete|Raw|Custom|Move)\b", re.M)
_RAILS = re.compile(r'INSERT INTO "?schema_migrations"? \(version\) VALUES', re.I)
_DRIZZLE = re.compile(r"^--> statement-breakpoint", re.M)
_PRISMA = re.compile(r"(?:^|/)\d{14}_[^/]+/migration\.sql$")
_NUMBERED = re.compile(r"^\d{3,}_.*\.sql$")
_SCRIPTS = {".py": "alembic upgrade --sql, or sqlmigrate", ".rb": "a log of its SQL", ".yaml": "", ".yml": ""}


def read_files(paths: Iterable[str]) -> tuple[MigrationFile, ...]:
    """The migration files of paths, folders and "-" (standard input), folders in the order of their names.

    Of a folder, undo files are left out. Raises InputError for what cannot be read or is no SQL.
    """
    return tuple(file for path in paths for file in _read(path))


def _read(path: str) -> Iterator[MigrationFile]:
    if path == "-":
        yield migration_file("-", _decoded(sys.stdin.buffer.read()))
        return
    place = Path(path)
    if place.is_dir():
        found = [one for one in place.rglob("*.sql") if not _left_out(one, place)]
        if not found:
            raise InputError(f"no .sql file in {path}", "name the folder that holds the migrations")
        for one in sorted(found, key=lambda item: (item.parent, _order(item.name))):
            yield _from_disk(one)
        return
    if place.suffix in _SCRIPTS:
        raise InputError(f"{path} is no SQL", f"give its SQL: {_SCRIPTS[place.suffix]}".rstrip(": "))
    yield _from_disk(place)


def _left_out(file: Path, folder: Path) -> bool:
    within = file.relative_to(folder).parts[:-1]
    return bool(_DOWN_FILE.search(file.name)) or bool(_NOT_UP & set(within))


def _order(name: str) -> tuple[tuple[int, int | str], ...]:
    """Numbers in names by their value: V2 before V10, and repeatable files of Flyway last."""
    pieces = re.split(r"(\d+)", name)
    first = ((2, ""),) if name.startswith("R__") else ()
    return (*first, *((0, int(p)) if p.isdigit() else (1, p) for p in pieces if p))


def _from_disk(place: Path) -> MigrationFile:
    try:
        raw = place.read_bytes()
    except OSError as error:
        raise InputError(f"{place} cannot be read", error.strerror or "") from None
    made = migration_file(str(place), _decoded(raw))
    settings = Path(f"{place}.conf")
    told = settings.read_text("utf-8", "replace") if made.style == "flyway" and settings.is_file() else ""
    if _NO_TRANSACTION.search(told):
        return MigrationFile(made.name, made.text, made.style, "none", made.has_down, made.repeatable)
    if made.has_down is None and made.style in ("flyway", "golang-migrate", "numbered", "sqitch"):
        down = _down_file_exists(place, made.style)
        return MigrationFile(made.name, made.text, made.style, made.transaction, down, made.repeatable)
    return made


def _down_file_exists(place: Path, style: str) -> bool | None:
    """Whether the other direction lies where its tool would look; None where nobody writes one."""
    name = place.name
    if style == "golang-migrate":
        return place.with_name(name.replace(".up.sql", ".down.sql")).is_file() or name.endswith(".down.sql")
    if style == "flyway":
        undo = place.with_name("U" + name[1:])
        return True if name.startswith("R") or undo.is_file() else None
    if style == "sqitch":
        return (place.parent.parent / "revert" / name).is_file() if place.parent.name == "deploy" else None
    downs = [place.with_name(name.removesuffix(".sql") + end) for end in (".down.sql", "_down.sql")]
    return any(down.is_file() for down in downs)


def _decoded(raw: bytes) -> str:
    """The text of a file: UTF-8 with or without a mark, UTF-16 with one, else one character a byte."""
    if b"\0" in raw[:4096] and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(
            "not a text", "lint reads SQL; a custom-format dump becomes SQL with pg_restore -f -"
        )
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def migration_file(name: str, text: str) -> MigrationFile:
    """A file from its name and text: the tool whose marks it carries decides."""
    base = Path(name).name
    if _GOOSE.search(text):
        return _goose(name, text)
    if _DBMATE.search(text):
        return _sections(name, text, "dbmate", _DBMATE)
    if _DBTUI.search(text):
        return _sections(name, text, "numbered", _DBTUI)
    if _SQITCH.search(text):
        return MigrationFile(name, text, "sqitch")
    if _FLYWAY.match(base):
        return MigrationFile(name, text, "flyway", "file", repeatable=base.startswith("R__"))
    if _GOLANG.match(base):
        return MigrationFile(name, text, "golang-migrate", "string")
    for style, mark in (("alembic", _ALEMBIC), ("django", _DJANGO), ("rails", _RAILS)):
        if mark.search(text):
            return MigrationFile(name, text, style)
    if _DRIZZLE.search(text):
        return MigrationFile(name, text, "drizzle", "file")
    if _PRISMA.search(name):
        return MigrationFile(name, text, "prisma", "string")
    if _NUMBERED.match(base):
        return MigrationFile(name, text, "numbered")
    return MigrationFile(name, text)


def _blank(text: str) -> str:
    """As many lines, with nothing in them."""
    return "\n" * text.count("\n")


def _sections(name: str, text: str, style: str, mark: re.Pattern[str]) -> MigrationFile:
    """The up section of a file that holds both directions, by marks that stand on lines of their own."""
    marks = list(mark.finditer(text))
    wraps = style == "dbmate"
    kept: list[str] = []
    position, inside, has_down = 0, style != "dbmate", False
    for found in marks:
        word, rest = found.group(1).lower(), found.group(2).lower()
        if "transaction:false" in rest.replace(" ", "") or (word == "transaction" and "none" in rest):
            wraps = False if word != "down" else wraps
        elif word == "transaction":
            wraps = True
        before = text[position : found.start()]
        kept.append(before if inside else _blank(before))
        position = found.start()
        if word in ("up", "down"):
            inside = word == "up"
            has_down = has_down or word == "down"
    rest_of_it = text[position:]
    kept.append(rest_of_it if inside else _blank(rest_of_it))
    return MigrationFile(name, "".join(kept), style, "file" if wraps else "none", has_down)


def _goose(name: str, text: str) -> MigrationFile:
    """goose wraps a file unless NO TRANSACTION; a StatementBegin block is one statement, ended here by a mark."""
    wraps, inside, has_down = True, True, False
    kept: list[str] = []
    position = 0
    for found in _GOOSE.finditer(text):
        word = found.group(1).lower()
        before = text[position : found.start()]
        kept.append(before if inside else _blank(before))
        position = found.start()
        wraps = wraps and word != "no transaction"
        if word in ("up", "down"):
            inside = word == "up"
            has_down = has_down or word == "down"
    kept.append(text[position:] if inside else _blank(text[position:]))
    return MigrationFile(name, "".join(kept), "goose", "file" if wraps else "none", has_down)


_MARKS = {
    Engine.POSTGRESQL: re.compile(
        r"::\w|\$\w*\$|\b(?:CONCURRENTLY|NOT\s+VALID|(?:big|small)?serial|jsonb|timestamptz|bytea|ILIKE|RETURNING"
        r"|CREATE\s+EXTENSION|search_path|lock_timeout|ALTER\s+COLUMN\s+\S+\s+(?:TYPE|SET\s+NOT)|USING\s+(?:gin|gist|brin))\b",
        re.I,
    ),
    Engine.SQLITE: re.compile(r"\bAUTOINCREMENT\b|^\s*PRAGMA\s|\bWITHOUT\s+ROWID\b", re.I | re.M),
    Engine.MYSQL: re.compile(
        r"`\w+`|\b(?:ENGINE\s*=\s*\w+|AUTO_INCREMENT|ALGORITHM\s*=\s*\w+|(?:MODIFY|CHANGE)\s+COLUMN|UNSIGNED"
        r"|CHARACTER\s+SET|DEFAULT\s+CHARSET|FOREIGN_KEY_CHECKS)\b|^\s*DELIMITER\s",
        re.I | re.M,
    ),
}
_MARIADB = re.compile(r"\bMariaDB\b|\bALGORITHM\s*=\s*NOCOPY\b|\bWITH\s+SYSTEM\s+VERSIONING\b", re.I)
_SQITCH_ENGINES = {"pg": Engine.POSTGRESQL, "mysql": Engine.MYSQL, "sqlite": Engine.SQLITE}
_QUOTED_TEXT = re.compile(r"'(?:[^'\\]|\\.|'')*'|--[^\n]*|/\*(?!!).*?\*/", re.S)


def dialect_of(text: str) -> Engine:
    """The engine that a script is written for, by words that only one of them has; PostgreSQL when in doubt."""
    sample = text[:200_000]
    told = _SQITCH.search(sample)
    if told and told.group(1).lower() in _SQITCH_ENGINES:
        return _SQITCH_ENGINES[told.group(1).lower()]
    bare = _QUOTED_TEXT.sub("''", sample)
    counts = {engine: len(mark.findall(bare)) for engine, mark in _MARKS.items()}
    likely = max(counts, key=lambda engine: counts[engine])
    if likely is Engine.MYSQL and _MARIADB.search(sample):
        return Engine.MARIADB
    return likely
