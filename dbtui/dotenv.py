"""Environment files, which the tools of many languages read for DATABASE_URL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_LINE = re.compile(
    r"""(?m)^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.]*)[ \t]*=[ \t]*
    (?: '([^']*)' | "((?:[^"\\]|\\.)*)" | ([^\n]*?) ) [ \t]*(?:(?<=\s)\#[^\n]*)?$""",
    re.VERBOSE,
)


def read_env(file: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """A .env file as dotenv reads it: quotes, comments, `export`, and ${NAME} outside single quotes."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    found: dict[str, str] = {}
    for match in _LINE.finditer(text.replace("\r\n", "\n")):
        name, raw, escaped, bare = match.groups()
        if raw is not None:
            found[name] = raw
            continue
        value = (
            bare if escaped is None else escaped.replace(r"\n", "\n").replace(r"\"", '"').replace(r"\$", "\0")
        )
        value = re.sub(r"\$\{(\w+)\}", lambda each: environ.get(each[1]) or found.get(each[1], ""), value)
        found[name] = value.replace("\0", "$")
    return found
