"""Approvals, the lift of read-only, and the audit line. Whatever writes passes here."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from dbtui.config import state_folder
from dbtui.errors import NotApproved


def scope_of(sql: str) -> str:
    """The scope that covers exactly one statement text."""
    return "sql:" + hashlib.sha256(sql.encode("utf-8", "surrogateescape")).hexdigest()


@dataclass(frozen=True, slots=True)
class Approval:
    """Leave to do one thing (or, after a lift, anything until `expires`) on one connection."""

    connection: str
    scope: str  # "cancel:<id>:<started>", "terminate:<id>:<started>", scope_of(sql), or "lift"
    by: str  # operating system user
    reason: str
    expires: float  # epoch seconds

    def check(self, connection: str, scope: str, *, now: float | None = None) -> None:
        """Raise NotApproved unless this approval covers `scope` on `connection` now."""
        now = time.time() if now is None else now
        if self.connection != connection:
            raise NotApproved(
                f"the approval is for {self.connection}, not for {connection}", "approve it again"
            )
        if now >= self.expires:
            raise NotApproved("the approval has expired", "approve it again")
        lifted = self.scope == "lift" and scope.startswith("sql:")
        if self.scope != scope and not lifted:
            raise NotApproved("the approval covers something else", "approve exactly this action")


def approve(connection: str, scope: str, reason: str, *, seconds: float = 60.0) -> Approval:
    """An approval from the person at this terminal."""
    return Approval(connection, scope, os_user(), reason, time.time() + seconds)


def os_user() -> str:
    """The operating system's name for whoever runs the console, with the user behind sudo."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = str(os.getuid())
    behind = os.environ.get("SUDO_USER")
    return f"{behind}→{user}" if behind and behind != user else user


def audit(connection: str, action: str, target: str, reason: str, result: str, *, role: str = "") -> None:
    """Append a line to the audit file in the state folder (0600). Never raises: a log undoes no action."""
    line = json.dumps(
        {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "by": os_user(),
            "ssh": os.environ.get("SSH_CONNECTION", ""),
            "connection": connection,
            "role": role,
            "action": action,
            "target": target,
            "reason": reason,
            "result": result,
        },
        ensure_ascii=True,
    )
    try:
        _append(state_folder() / "audit.jsonl", line + "\n")
    except OSError:
        return


def _append(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)
