"""`dbtui migrate plan`, and the plan that each verb of `migrate` is about."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from dbtui.commands import migrate_write
from dbtui.migrations import plan_file
from dbtui.migrations.files import MigrationFile, dialect_of, read_files
from dbtui.model.change import ChangePlan
from dbtui.model.migration import Engine as Dialect
from dbtui.output.change_text import plan_text

if TYPE_CHECKING:
    from dbtui.config import Target
    from dbtui.engines.base import Engine


async def plan(args: argparse.Namespace) -> int:
    """Print the plan, and write it where that is asked for; 1 where it is not safe."""
    if args.on is None:
        made = await planned(args)
    else:
        async with opened(args) as (engine, _target):
            made = await planned(args, engine)
    if args.output:
        plan_file.write(made, args.output)
    if args.write:
        migrate_write.write_files(made, args.write, args.style, read_files(args.schema))
    print(plan_file.dumps(made) if args.format == "json" else plan_text(made))
    return 0 if made.safe else 1


@asynccontextmanager
async def opened(args: argparse.Namespace) -> AsyncIterator[tuple[Engine, Target]]:
    """The engine of the server that `--on` names, open inside the block."""
    from dbtui.config import resolve
    from dbtui.engines import create

    target = resolve(args.on)
    engine = create(target)
    await engine.open()
    try:
        yield engine, target
    finally:
        await engine.close()


async def planned(args: argparse.Namespace, engine: Engine | None = None) -> ChangePlan:
    """The plan that the arguments name: a plan file, one that was run from here, or one made of SQL."""
    (name, *more) = args.files
    if not more and plan_file.is_plan_file(name):
        return plan_file.read(name)
    if not more and (found := plan_file.kept_as(name)) is not None:
        return found
    files, before = read_files(args.files), read_files(args.schema)
    version = tuple(int(part) for part in re.findall(r"\d+", args.server_version or "")) or None
    if getattr(args, "wanted", False):
        files = await migrate_write.changes(files, before, engine, args.engine)
    return await make_plan(files, before, engine, dialect=args.engine, version=version)


async def make_plan(
    files: Sequence[MigrationFile],
    before: Sequence[MigrationFile] = (),
    engine: Engine | None = None,
    *,
    dialect: str | None = None,
    version: tuple[int, ...] | None = None,
) -> ChangePlan:
    """A plan for migration files, with what an open server says of their tables."""
    if engine is not None:
        from dbtui.migrations.survey import surveyed

        return await surveyed(engine, files, before)
    from dbtui.migrations.planner import make

    language = Dialect(dialect) if dialect else dialect_of("\n".join(file.text for file in files))
    return make(files, language, version, before)


def as_json(values: object) -> str:
    """Plain values as JSON."""
    return json.dumps(values, ensure_ascii=False, indent=1)
