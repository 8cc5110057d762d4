"""Plans as files: JSON that can be read again, and the plans that were run from here, kept so that they can go on.

`{"format": "dbtui-plan", "version": 1, "sha256", "plan": {…}}`. The checksum is taken anew on reading: a plan that
was edited is another plan, and is refused rather than run under the name of the first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from dbtui.config import state_folder
from dbtui.errors import ConfigError, InputError
from dbtui.model.change import ChangePlan

FORMAT, VERSION = "dbtui-plan", 1
_SHORT = re.compile(r"[0-9a-f]{12}")
MOST = 64 * 2**20  # bytes of a file that is read


def dumps(plan: ChangePlan) -> str:
    """The plan as JSON."""
    return json.dumps(
        {"format": FORMAT, "version": VERSION, "sha256": plan.sha256, "plan": asdict(plan)},
        ensure_ascii=False,
        indent=1,
    )


def loads(text: str, name: str = "the plan") -> ChangePlan:
    """The plan of a JSON text. Raises InputError for another format, a newer version, or an edited plan."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{name} is no JSON: {error.msg} in line {error.lineno}", "give a plan file"
        ) from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise InputError(f"{name} is no plan", "make one with dbtui migrate plan --output FILE")
    if data.get("version") != VERSION:
        raise InputError(
            f"{name} has version {data.get('version')}, and this program reads {VERSION}", "plan anew"
        )
    try:
        plan: ChangePlan = _made(ChangePlan, data["plan"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{name} is not a whole plan: {error}", "plan anew") from None
    plan = replace(
        plan, database=""
    )  # staging and production may call it differently: the connection says which
    if plan.sha256 != data.get("sha256"):
        raise InputError(
            f"{name} was edited: its checksum is another", "plan again from the SQL that it was made of"
        )
    return plan


def is_plan_file(path: str) -> bool:
    """Whether a path names a plan rather than SQL."""
    return path.endswith(".json")


def read(path: str) -> ChangePlan:
    """The plan of a file. Raises InputError."""
    try:
        if Path(path).stat().st_size > MOST:
            raise InputError(f"{path} is too large for a plan", "give a plan file")
        return loads(Path(path).read_text("utf-8"), path)
    except OSError as error:
        raise InputError(f"{path} cannot be read", error.strerror or "") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is no text", "give a plan file") from None


def _made(kind: Any, value: Any) -> Any:
    """A value of `kind` from plain JSON values. Raises KeyError, TypeError, ValueError."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        if value is None:
            return None
        real = [one for one in inner if one is not type(None)]
        return _made(real[0], value) if len(real) == 1 else value
    if origin is tuple:
        return tuple(_made(inner[0], one) for one in value)
    if origin is not None and issubclass(origin, Mapping):
        return dict(value)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        given = {
            field.name: _made(hints[field.name], value[field.name])
            for field in fields(kind)
            if field.name in value
        }
        return kind(**given)  # type: ignore[operator]  # a class, since it has fields and no instance was given
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    return value


# ---- what was run from here


def keep(plan: ChangePlan, folder: Path | None = None) -> Path:
    """Keep a plan that is about to run, so that it can go on or be rolled back by its short name."""
    file = (folder or _folder()) / f"{plan.id}.json"
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.write_text(dumps(plan), "utf-8")
        file.chmod(0o600)
    except OSError as error:
        raise ConfigError(f"the plan cannot be kept in {file}", str(error.strerror)) from None
    return file


def kept(folder: Path | None = None) -> tuple[ChangePlan, ...]:
    """The plans that were run from here, the newest first; what cannot be read is left out."""
    found = []
    place = folder or _folder()
    for file in sorted(place.glob("*.json"), key=lambda one: one.stat().st_mtime, reverse=True):
        with suppress(InputError):
            found.append(read(str(file)))
    return tuple(found)


def kept_as(name: str, folder: Path | None = None) -> ChangePlan | None:
    """The plan of a short name that was run from here."""
    file = (folder or _folder()) / f"{name}.json"
    return read(str(file)) if _SHORT.fullmatch(name) and file.is_file() else None


def write(plan: ChangePlan, path: str) -> None:
    """Write a plan file. Raises InputError."""
    try:
        Path(path).write_text(dumps(plan) + "\n", "utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written", error.strerror or "") from None


def _folder() -> Path:
    return state_folder() / "plans"
