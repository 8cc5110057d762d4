"""What the journal knows of the files that were applied: row 0 of each plan names them with their checksums."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePath

from dbtui.errors import InputError
from dbtui.migrations.conditions import newest
from dbtui.model.change import ChangePlan
from dbtui.model.run import Attempt, State


def files_of(plan: ChangePlan) -> dict[str, str]:
    """The plan's files by name, each with the checksum of its statements."""
    texts: dict[str, list[str]] = {}
    for source in plan.source:
        if source.file.endswith(".sql"):  # not what was typed or piped
            texts.setdefault(PurePath(source.file).name, []).append(source.sql)
    return {name: hashlib.sha256("\0".join(sqls).encode()).hexdigest() for name, sqls in texts.items()}


def header(plan: ChangePlan, first: Attempt) -> Attempt:
    """Row 0 of a plan: what it is, under the approval of its first step."""
    detail = {"title": plan.title, "steps": len(plan.steps), "files": files_of(plan)}
    return replace(
        first,
        step=0,
        attempt=1,
        state=State.DONE,
        ended=time.time(),
        detail=json.dumps(detail, ensure_ascii=False),
    )


def applied(attempts: Iterable[Attempt]) -> Mapping[str, Attempt]:
    """The newest row 0 that names a file, by the file's name, of plans that have begun and were not taken back."""
    rows = tuple(attempts)
    found: dict[str, Attempt] = {}
    for one in rows:
        if one.step == 0 and has_begun(rows, one.plan_id):
            for name in _files(one):
                found[name] = one
    return found


def has_begun(attempts: Iterable[Attempt], plan_id: str) -> bool:
    """Whether anything of a plan was done, or may have been."""
    states = (one.state for number, one in newest(attempts, plan_id).items() if number > 0)
    return any(state in (State.DONE, State.RUNNING, State.STOPPED) for state in states)


def _files(row: Attempt) -> Mapping[str, str]:
    try:
        files = json.loads(row.detail).get("files", {})
    except (json.JSONDecodeError, AttributeError):
        return {}
    return files if isinstance(files, dict) else {}


def refuse_edited(plan: ChangePlan, attempts: Iterable[Attempt]) -> None:
    """Raise InputError for a file of the plan that was applied before: with other words, or by another plan."""
    known = applied(attempts)
    for name, checksum in files_of(plan).items():
        row = known.get(name)
        if row is None or row.plan_id == plan.id:
            continue
        was = (
            f"{name} was applied as plan {row.plan_id} on {datetime.fromtimestamp(row.started, UTC):%Y-%m-%d}"
        )
        if _files(row)[name] != checksum:
            raise InputError(
                f"{was} and has been edited since",
                "put it back, and write the further change into a new file",
            )
        raise InputError(
            f"{was}, and this is another plan for it", f"give that plan: its file, or {row.plan_id}"
        )
