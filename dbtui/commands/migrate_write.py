"""`dbtui migrate plan`: plans out of two schemas, and plans as migration files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dbtui.errors import UsageError
from dbtui.migrations.files import MigrationFile, dialect_of
from dbtui.migrations.write import ALL, write
from dbtui.model.change import ChangePlan
from dbtui.model.migration import Engine as Dialect
from dbtui.text import printable

if TYPE_CHECKING:
    from dbtui.engines.base import Engine


def add_arguments(plan: argparse.ArgumentParser) -> None:
    """Options of `plan`."""
    plan.add_argument(
        "--wanted",
        action="store_true",
        help="the files describe the wanted schema; the present one comes from --on or --schema",
    )
    plan.add_argument(
        "--write", metavar="FOLDER", help="write migration files, numbered after those in the folder"
    )
    plan.add_argument(
        "--style",
        default="",
        metavar="TOOL",
        help=f"{', '.join(ALL)} (default: what the folder holds)",
    )


async def changes(
    wanted: Sequence[MigrationFile],
    before: Sequence[MigrationFile],
    engine: Engine | None,
    dialect: str | None,
) -> tuple[MigrationFile, ...]:
    """The statements that make the wanted schema out of the one that is there, as a file.

    What was not compared is said on standard error. Raises UsageError where nothing says what is there.
    """
    from dbtui.migrations.difference import difference
    from dbtui.migrations.survey import live_schema
    from dbtui.model.survey import Surveyed

    if engine is not None:
        was: Sequence[MigrationFile] = (await live_schema(engine),)
        language = engine.surveyor.dialect if isinstance(engine, Surveyed) else Dialect.POSTGRESQL
    elif before:
        was = before
        language = Dialect(dialect) if dialect else dialect_of("\n".join(f.text for f in (*before, *wanted)))
    else:
        raise UsageError("--wanted needs to know what is there now", "give --on URL or --schema FILE")
    found = difference(was, wanted, language)
    for line in found.not_compared:
        print(f"dbtui: {printable(line)}", file=sys.stderr)
    return (found.file,)


def write_files(plan: ChangePlan, folder: str, style: str, before: Sequence[MigrationFile]) -> None:
    """Write the plan's files and name them on standard error. Raises UsageError and InputError."""
    for path in write(plan, Path(folder), style, before):
        print(f"wrote {printable(str(path))}", file=sys.stderr)
