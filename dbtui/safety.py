"""Approvals, the lift of read-only, and the audit line. Whatever writes passes here."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from dbtui import policy
from dbtui.config import state_folder
from dbtui.errors import NotApproved
from dbtui.model.activity import Session


def scope_of(sql: str) -> str:
    """The scope that covers exactly one statement text."""
    return "sql:" + hashlib.sha256(sql.encode("utf-8", "surrogateescape")).hexdigest()


def signal_scope(verb: str, session: Session) -> str:
    """The scope that covers one "cancel" or "terminate" of exactly one session of a server."""
    return f"{verb}:{session.id}:{session.started}"


def step_scope(plan_sha256: str, server: str, step: int) -> str:
    """The scope that covers one step of one plan on one server, whatever the connection is called."""
    return f"step:{plan_sha256}:{server}:{step}"


def rehearsal_scope(plan_sha256: str, server: str) -> str:
    """The scope of trying a plan on the server itself, in a database made for it."""
    return f"step:{plan_sha256}:{server}:rehearsal"


@dataclass(frozen=True, slots=True)
class Approval:
    """Leave to do one thing (or, after a lift, anything until `expires`) on one connection."""

    connection: str
    scope: str  # scope_of(sql), signal_scope(…), step_scope(…), or "lift"
    by: str  # operating system user
    reason: str
    expires: float  # epoch seconds

    def check(self, connection: str, scope: str, *, now: float | None = None) -> None:
        """Raise NotApproved unless this approval covers `scope` on `connection` now; Forbidden by policy."""
        now = time.time() if now is None else now
        rail = policy.current()
        if scope.startswith("terminate:"):
            rail.refuse(policy.Feature.TERMINATE)
        if scope.startswith("step:"):
            rail.refuse(policy.Feature.MIGRATE_RUN)
        if scope.startswith(("sql:", "step:")):
            rail.refuse_writes()
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


def audit(connection: str, action: str, target: str, reason: str, result: str, *, role: str = "") -> bool:
    """Append a line to the audit file in the state folder (0600), and to syslog when asked.

    Syslog is asked for by the policy of the machine or by DBTUI_AUDIT_SYSLOG=1. Never raises, since a log undoes
    no action; False where a line could not be written.
    """
    line = json.dumps(
        {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "by": os_user(),
            "sudo_user": os.environ.get("SUDO_USER", ""),
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
    written = _kept(line)
    if policy.current().syslog or os.environ.get("DBTUI_AUDIT_SYSLOG") == "1":
        written = _told_syslog(line) and written
    return written


SYSLOG = "/dev/log"
_AUTHPRIV_NOTICE = 10 * 8 + 5  # RFC 5424, section 6.2.1: facility times eight, plus severity
_SYSLOG_LINE = 8000  # bytes; longer ones are cut rather than refused by the daemon


def _told_syslog(line: str) -> bool:
    message = f"<{_AUTHPRIV_NOTICE}>dbtui[{os.getpid()}]: {line}".encode()[:_SYSLOG_LINE]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
            log.setblocking(False)
            log.connect(SYSLOG)
            log.send(message)
    except OSError:
        return False
    return True


def _kept(line: str) -> bool:
    try:
        _append(state_folder() / "audit.jsonl", line + "\n")
    except OSError:
        return False
    return True


def _append(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)
