"""Every plan that was taken, by statement: a local file for each, readable by its owner only, and capped.

A file holds the newest plans of one statement on one connection, oldest first, as JSON in which each plan's text is
packed. Statements that differ only in their values share one (`sql.mask.fingerprint`). Nothing of it leaves this
machine, and the values of a statement are left out unless they are asked for.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import time
import zlib
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from dbtui.config import state_folder
from dbtui.errors import InputError
from dbtui.model.plan import Plan
from dbtui.plans.compare import shape
from dbtui.plans.masking import Mask, masked
from dbtui.sql.mask import fingerprint

PLANS_OF_ONE = 20
STATEMENTS = 500
LARGEST = 16 * 1024 * 1024  # characters of a plan that is kept
_FILE = 64 * 1024 * 1024  # bytes of one file


@dataclass(frozen=True, slots=True)
class Kept:
    """A plan as it was taken."""

    taken: float  # epoch seconds
    connection: str
    database: str
    query: str
    format: str
    server_version: str
    notes: tuple[str, ...]
    shape: str  # equal for plans of one structure
    kind: str  # "measured", "generic" or "estimates": only plans of one kind are compared unasked
    packed: str  # the text as the server printed it: zlib, base64

    @property
    def text(self) -> str:
        """The plan as the server printed it. Raises InputError where the file was damaged."""
        try:
            return zlib.decompressobj().decompress(base64.b64decode(self.packed), 4 * LARGEST).decode()
        except (ValueError, zlib.error):
            raise InputError("the plan that was kept is damaged", "it was kept by another version") from None


class PlanHistory:
    """The plans in a folder of the state folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder if folder is not None else state_folder() / "plans"

    def of(self, connection: str, query: str) -> tuple[Kept, ...]:
        """The plans of a statement on a connection, oldest first; none where the file cannot be read."""
        return _read(self._file(connection, query))

    def keep(self, plan: Plan, connection: str, database: str = "", mask: Mask | None = None) -> Kept | None:
        """Keep a plan; returns it as it is kept, None where it is too large, there is no room for it, or its
        values cannot be told from the rest.

        With `mask`, which takes the literals out of an expression, without the values of its statement.

        Of measured plans that are equal but for their figures, and of estimates that are equal, all are kept:
        the figures are what one compares.
        """
        if not plan.query or len(plan.original) > LARGEST:
            return None
        kept = masked_form(plan, connection, database, mask)
        if kept is None:
            return None
        file = self._file(connection, plan.query)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write(file, [*_read(file), kept][-PLANS_OF_ONE:])
            self._forget_oldest()
        except OSError:
            return None
        return kept

    def _file(self, connection: str, query: str) -> Path:
        where = hashlib.sha256(connection.encode("utf-8", "surrogateescape")).hexdigest()[:12]
        return self._folder / f"{where}-{fingerprint(query)}.json"

    def _forget_oldest(self) -> None:
        files = sorted(self._folder.glob("*.json"), key=lambda file: file.stat().st_mtime)
        for file in files[:-STATEMENTS]:
            file.unlink(missing_ok=True)


def as_kept(plan: Plan, connection: str = "", database: str = "") -> Kept:
    """A plan as it is kept, taken now."""
    return Kept(
        time.time(), connection, database, plan.query, plan.format, plan.server_version, plan.notes,
        shape(plan), kind_of(plan), _packed(plan.original),
    )  # fmt: skip


def masked_form(plan: Plan, connection: str, database: str, mask: Mask | None) -> Kept | None:
    """A plan as it is kept with `mask`; None where its values cannot be told from the rest."""
    kept = as_kept(plan, connection, database)
    if mask is None:
        return kept
    text = masked(plan, mask)
    return None if text is None else replace(kept, query=mask(plan.query), packed=_packed(text))


def _packed(text: str) -> str:
    return base64.b64encode(zlib.compress(text.encode("utf-8", "replace"))).decode()


def changed_since(kept: tuple[Kept, ...], newest: Kept) -> Kept | None:
    """The last plan of the same kind before this one, where it was another plan."""
    before = next((one for one in reversed(kept) if one.kind == newest.kind), None)
    return before if before is not None and before.shape != newest.shape else None


def kind_of(plan: Plan) -> str:
    """How a plan was taken, as `Kept.kind`."""
    if plan.analyzed:
        return "measured"
    return "generic" if any("generic plan" in note for note in plan.notes) else "estimates"


def _read(file: Path) -> tuple[Kept, ...]:
    """Unknown keys are ignored, and so is a file that is none."""
    known = {field.name for field in fields(Kept)}
    try:
        with file.open("rb") as stored:
            data = json.loads(stored.read(_FILE))
        if not isinstance(data, dict) or data.get("version") != 1:
            return ()
        records = [{key: value for key, value in one.items() if key in known} for one in data["plans"]]
        return tuple(Kept(**{**one, "notes": tuple(one["notes"])}) for one in records)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return ()


def _write(file: Path, plans: list[Kept]) -> None:
    """All or nothing: a reader never sees half a file."""
    data = json.dumps({"version": 1, "plans": [asdict(one) for one in plans]}).encode()
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        draft.replace(file)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
