"""Migration files for the tools of JavaScript and TypeScript: Prisma, Drizzle, TypeORM, Sequelize, Knex.

They hold the same SQL, in the folders and forms that these tools read.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

from dbtui.migrations.file_parts import Part
from dbtui.migrations.file_styles import Style, Written, body, comment, next_number, timestamps


def prisma(parts: Sequence[Part], names: Sequence[str]) -> Iterator[Written]:
    """A folder each with migration.sql. Prisma has no way back of its own: down.sql lies beside it."""
    for stamp, part in zip(timestamps(names, len(parts)), parts, strict=True):
        folder = f"{stamp}_{part.slug}"
        alone = part.up if part.one else [sql for sql in part.up if not sql.startswith("SET lock_timeout")]
        yield Written(f"{folder}/migration.sql", comment(part.header) + body(alone))
        if part.down:
            yield Written(f"{folder}/down.sql", body(part.down))


def drizzle(parts: Sequence[Part], names: Sequence[str]) -> Iterator[Written]:
    """SQL with breakpoints: a folder each, as from drizzle-kit 1.0 on, where there are such; else numbered files.

    Those are named in meta/_journal.json, which `journal` merges. Snapshots are not written: `generate` compares
    with the last one there.
    """
    if in_folders(names):
        for stamp, part in zip(timestamps(names, len(parts)), parts, strict=True):
            folder = f"{stamp}_{part.slug}"
            yield Written(f"{folder}/migration.sql", _drizzle(part))
            if part.down:
                yield Written(f"{folder}/down.sql", body(part.down))
        return
    first, _ = next_number(names, 4)
    for number, part in enumerate(parts, first if names else 0):
        yield Written(f"{number:04d}_{part.slug}.sql", _drizzle(part))
        if part.down:
            yield Written(f"down/{number:04d}_{part.slug}.sql", body(part.down))


def in_folders(names: Sequence[str]) -> bool:
    """Whether a folder of Drizzle's has a folder for each migration."""
    return any(re.match(r"\d{14}_", name) and not name.endswith(".sql") for name in names)


def _drizzle(part: Part) -> str:
    lines = list(part.header)
    if not part.one:
        lines.append("drizzle-kit runs every file in a transaction: run this one by hand, without one")
    return comment(lines) + "--> statement-breakpoint\n".join(body([sql]) for sql in part.up)


def journal(text: str, written: Sequence[Written], engine: str) -> str:
    """Drizzle's meta/_journal.json with entries for files that were written. Raises ValueError for no JSON."""
    dialect = {"mariadb": "mysql"}.get(engine, engine)
    empty: dict[str, Any] = {"version": "7", "dialect": dialect, "entries": []}
    data: dict[str, Any] = json.loads(text) if text else empty
    at = int(time.time() * 1000)
    for number, one in enumerate(file for file in written if "/" not in file.path):
        tag = one.path.removesuffix(".sql")
        entry = {"idx": int(tag[:4]), "version": data.get("version", "7"), "when": at + number, "tag": tag}
        data["entries"].append({**entry, "breakpoints": True})
    return json.dumps(data, indent=2) + "\n"


def _literal(sql: str) -> str:
    """A template literal of JavaScript."""
    return "`" + sql.replace("\\", "\\\\").replace("`", "\\`").replace("${", "\\${") + "`"


def _camel(slug: str) -> str:
    return "".join(word.capitalize() for word in re.split(r"_+", slug))


def _calls(statements: Sequence[str], call: str) -> str:
    return "".join(f"    await {call}({_literal(sql)});\n" for sql in statements)


def typeorm(parts: Sequence[Part], names: Sequence[str]) -> Iterator[Written]:
    stamps = [int(match.group(1)) for name in names if (match := re.match(r"(\d{13})-", name))]
    at = max([int(time.time() * 1000), *(stamp + 1 for stamp in stamps)])
    for number, part in enumerate(parts):
        name = f"{_camel(part.slug)}{at + number}"
        mode = "" if part.one else "  transaction = false;\n"
        asked = (
            () if part.one else ("run with --transaction each: the default, all, refuses a file without one",)
        )
        yield Written(
            f"{at + number}-{_camel(part.slug)}.ts",
            'import { MigrationInterface, QueryRunner } from "typeorm";\n\n' + comment((*part.header, *asked), "//")
            + f"export class {name} implements MigrationInterface {{\n  name = {json.dumps(name)};\n{mode}\n"
            f"  async up(queryRunner: QueryRunner): Promise<void> {{\n{_calls(part.up, 'queryRunner.query')}  }}\n\n"
            f"  async down(queryRunner: QueryRunner): Promise<void> {{\n"
            f"{_calls(part.down, 'queryRunner.query')}  }}\n}}\n",
        )  # fmt: skip


def sequelize(parts: Sequence[Part], names: Sequence[str]) -> Iterator[Written]:
    """Each file opens its own transaction where it wants one: Sequelize does not."""
    for stamp, part in zip(timestamps(names, len(parts)), parts, strict=True):
        yield Written(
            f"{stamp}-{part.slug.replace('_', '-')}.js",
            f"{comment(part.header, '//')}'use strict';\n\nmodule.exports = {{\n"
            f"  async up(queryInterface) {{\n{_sequelize(part.up, part.one)}  }},\n\n"
            f"  async down(queryInterface) {{\n{_sequelize(part.down, part.down_one)}  }},\n}};\n",
        )


def _sequelize(statements: Sequence[str], one: bool) -> str:
    if not one:
        return _calls(statements, "queryInterface.sequelize.query")
    calls = "".join(
        f"      await queryInterface.sequelize.query({_literal(sql)}, {{ transaction }});\n"
        for sql in statements
    )
    return f"    await queryInterface.sequelize.transaction(async (transaction) => {{\n{calls}    }});\n"


def knex(parts: Sequence[Part], names: Sequence[str]) -> Iterator[Written]:
    for stamp, part in zip(timestamps(names, len(parts)), parts, strict=True):
        mode = "" if part.one and part.down_one else "exports.config = { transaction: false };\n\n"
        yield Written(
            f"{stamp}_{part.slug}.js",
            f"{comment(part.header, '//')}{mode}"
            f"exports.up = async function (knex) {{\n{_knex(part.up)}}};\n\n"
            f"exports.down = async function (knex) {{\n{_knex(part.down)}}};\n",
        )


def _knex(statements: Sequence[str]) -> str:
    """A question mark is a placeholder of Knex, unless a backslash stands before it."""
    return _calls([sql.replace("?", "\\?") for sql in statements], "knex.raw")


ORMS: dict[str, Style] = {
    "prisma": prisma,
    "drizzle": drizzle,
    "typeorm": typeorm,
    "sequelize": sequelize,
    "knex": knex,
}
