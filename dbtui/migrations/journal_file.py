"""A journal in the state folder, for servers that have no place for tables, or where the role may make none."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dbtui.config import state_folder
from dbtui.engines.base import Statement
from dbtui.errors import ConfigError
from dbtui.model.run import Attempt, Checkpoint, State


class FileJournal:
    """See `migrations.journal.Journal`: lines of JSON, one file a server; the newest line of a thing holds."""

    def __init__(self, identity: str, folder: Path | None = None) -> None:
        name = hashlib.sha256(identity.encode()).hexdigest()[:16]
        self._file = (folder or state_folder() / "journals") / f"{name}.jsonl"
        self.where = str(self._file)

    async def ready(self) -> bool:
        return True

    async def attempts(self) -> tuple[Attempt, ...]:
        found: dict[tuple[str, int, int], Attempt] = {}
        for line in self._lines():
            if "attempt" in line:
                one = Attempt(**{**line["attempt"], "state": State(line["attempt"]["state"])})
                found[one.plan_id, one.step, one.attempt] = one
        return tuple(sorted(found.values(), key=lambda one: one.started))

    async def checkpoint(self, plan_id: str, step: int) -> Checkpoint | None:
        found = None
        for line in self._lines():
            if line.get("backfill") == [plan_id, step]:
                gone = "upper" not in line
                found = (
                    None
                    if gone
                    else Checkpoint(tuple(line["upper"]), tuple(line["last"]), line["rows"], line["batch"])
                )
        return found

    async def begin(self, attempt: Attempt) -> None:
        self._append({"attempt": asdict(attempt)})

    async def end(self, attempt: Attempt) -> None:
        self._append({"attempt": asdict(attempt)})

    async def freeze(self, plan_id: str, step: int, checkpoint: Checkpoint) -> None:
        await self.moved(plan_id, step, checkpoint)

    async def forget(self, plan_id: str, step: int) -> None:
        self._append({"backfill": [plan_id, step]})

    def ending(self, attempt: Attempt) -> tuple[Statement, ...]:
        return ()

    def moving(self, plan_id: str, step: int, to: Checkpoint) -> tuple[Statement, ...]:
        return ()

    async def moved(self, plan_id: str, step: int, to: Checkpoint) -> None:
        line = {"upper": to.upper_bound, "last": to.last_key, "rows": to.rows, "batch": to.batch}
        self._append({"backfill": [plan_id, step], **line})

    def _lines(self) -> Iterator[dict[str, Any]]:
        try:
            text = self._file.read_text("utf-8")
        except FileNotFoundError:
            return
        except OSError as error:
            raise ConfigError(f"the journal {self._file} cannot be read", str(error.strerror)) from None
        for line in text.splitlines():
            try:
                yield json.loads(line)
            except json.JSONDecodeError:  # a torn last line
                continue

    def _append(self, line: dict[str, Any]) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.write(handle, (json.dumps(line) + "\n").encode())
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise ConfigError(f"the journal {self._file} cannot be written", str(error.strerror)) from None
