"""The texts in which a server tells about itself, read by key: what is unknown is ignored."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping


def sections(text: bytes) -> dict[str, str]:
    """The answer of INFO as name → value. Names are unique over all its sections."""
    found: dict[str, str] = {}
    for line in text.decode("utf-8", "replace").splitlines():
        name, colon, value = line.partition(":")
        if colon and not line.startswith("#"):
            found[name] = value.strip()
    return found


def numbered(info: Mapping[str, str], prefix: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Entries such as cmdstat_get, db0 and slave0: what follows the prefix, and its pairs."""
    for name, value in info.items():
        if name.startswith(prefix) and "=" in value:
            yield name[len(prefix) :], pairs(value)


def pairs(text: str) -> dict[str, str]:
    """`a=1,b=2` as a mapping."""
    return {name: value for name, _, value in (part.partition("=") for part in text.split(",")) if name}


def number(text: str | None) -> float | None:
    """A finite number, None where it is missing or none."""
    try:
        value = math.nan if text is None else float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def whole(text: str | None, default: int = 0) -> int:
    """A whole number, `default` where it is missing or none."""
    value = number(text)
    return default if value is None else int(value)


def clients(text: bytes) -> Iterator[dict[str, str]]:
    """The lines of CLIENT LIST. Names of clients hold no blanks, so neither do the fields."""
    for line in text.decode("utf-8", "replace").split("\n"):
        fields = {
            name: value for name, _, value in (field.partition("=") for field in line.split(" ")) if name
        }
        if "id" in fields:
            yield fields


def text_of(value: object) -> str:
    """An answer as text; bytes that are not UTF-8 become U+FFFD."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
