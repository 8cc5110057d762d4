"""Plans written as migration files, in the style that the folder has already."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from dbtui.errors import InputError, UsageError
from dbtui.migrations.file_orms import ORMS, in_folders, journal
from dbtui.migrations.file_parts import parts
from dbtui.migrations.file_styles import STYLES, Written
from dbtui.migrations.files import MigrationFile, migration_file
from dbtui.model.change import ChangePlan

ALL = {**STYLES, **ORMS}
_LOOKED_AT = 50  # files of a folder, the newest names first


def style_of(folder: Path) -> str:
    """The tool whose files a folder holds; "numbered", our own, where it holds none."""
    if (folder / "sqitch.plan").is_file() or (folder.parent / "sqitch.plan").is_file():
        return "sqitch"
    if (folder / "meta" / "_journal.json").is_file() or any(folder.glob("*/snapshot.json")):
        return "drizzle"
    if (folder / "migration_lock.toml").is_file() or any(folder.glob("*/migration.sql")):
        return "prisma"
    scripts = [*folder.glob("*.ts"), *folder.glob("*.js")]
    for script in scripts[:_LOOKED_AT]:
        text = script.read_text("utf-8", "replace")
        for mark, style in (
            ("MigrationInterface", "typeorm"),
            ("queryInterface", "sequelize"),
            ("knex", "knex"),
        ):
            if mark in text:
                return style
    found: Counter[str] = Counter()
    for file in sorted(folder.glob("*.sql"), reverse=True)[:_LOOKED_AT]:
        style = migration_file(file.name, file.read_text("utf-8", "replace")).style
        if style in STYLES:
            found[style] += 1
    return found.most_common(1)[0][0] if found else "numbered"


def write(
    plan: ChangePlan, folder: Path, style: str = "", before: Sequence[MigrationFile] = ()
) -> tuple[Path, ...]:
    """Write the files of a plan into a folder; the paths, in the order in which they are to run.

    Raises UsageError for a style that is not known, InputError where a file is there already or cannot be written.
    """
    if plan.engine in ("mongodb", "elasticsearch", "redis"):
        raise UsageError(f"there are no migration files of SQL for {plan.engine}", "keep the plan as JSON")
    folder.mkdir(parents=True, exist_ok=True)
    chosen = style or style_of(folder)
    if chosen not in ALL:
        raise UsageError(f"{chosen} is no style of migration files", f"use one of {', '.join(ALL)}")
    if chosen == "sqitch" and (folder.parent / "sqitch.plan").is_file():
        folder = folder.parent  # deploy, revert and verify lie beside the plan
    places = [folder, folder / "deploy"]
    names = sorted(one.name for place in places if place.is_dir() for one in place.iterdir() if _is_one(one))
    written = list(ALL[chosen](parts(plan, before), names))
    if chosen == "drizzle" and not in_folders(names):
        written.append(_journal(folder, written, plan.engine))
    return tuple(_put(folder, one) for one in written)


def _is_one(path: Path) -> bool:
    """Whether a name is that of a migration: it begins with a number, or it is a script of Sqitch."""
    return bool(re.match(r"V?\d", path.name)) or path.parent.name == "deploy"


def _journal(folder: Path, written: Sequence[Written], engine: str) -> Written:
    file = folder / "meta" / "_journal.json"
    try:
        text = journal(file.read_text("utf-8") if file.is_file() else "", written, engine)
    except (ValueError, KeyError) as error:
        raise InputError(f"{file} cannot be read: {error}", "repair it, or choose another style") from None
    return Written("meta/_journal.json", text, append=True)


def _put(folder: Path, one: Written) -> Path:
    path = folder / one.path
    if path.exists() and not one.append:
        raise InputError(f"{path} is there already", "choose another folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        before = ""
        if one.path == "sqitch.plan":
            fresh = f"%syntax-version=1.0.0\n%project={folder.resolve().name}\n\n"
            before = path.read_text("utf-8") if path.exists() else fresh
        path.write_text(before + one.text, "utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written", error.strerror or "") from None
    return path
