"""Leave to run the steps of a plan: bound to its checksum, the server's identity, the step, and an expiry.

A negative number is the way back of that step. Approvals are given at a terminal, by `--approve`, or by a file:
`{"plan_sha256", "server", "steps": [..], "by", "expires"}`, which somebody else may have written after a review.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dbtui.config import state_folder
from dbtui.errors import InputError, NotApproved
from dbtui.model.change import ChangePlan
from dbtui.model.server import Environment
from dbtui.safety import Approval, os_user, step_scope

SECONDS = 3600.0  # that an approval given here lasts; it has to hold when its step begins


@dataclass(frozen=True, slots=True)
class Approvals:
    """What an approvals file says. `expires` is in epoch seconds."""

    plan_sha256: str
    server: str
    steps: frozenset[int]
    by: str
    expires: float

    def check(self, plan: ChangePlan, server: str, *, now: float | None = None) -> None:
        """Raise NotApproved unless they are for this plan on this server, and still hold."""
        if self.plan_sha256 != plan.sha256:
            raise NotApproved(
                f"the approvals are for plan {self.plan_sha256[:12]}, not for {plan.id}", "review this plan"
            )
        if self.server != server:
            raise NotApproved(
                f"the approvals are for server {self.server}, and this is {server}",
                "review it for this server",
            )
        if (time.time() if now is None else now) >= self.expires:
            raise NotApproved(f"the approvals of {self.by} have expired", "ask for new ones")

    def of(self, plan: ChangePlan, connection: str, server: str, step: int) -> Approval | None:
        """Leave for one step, or None. Raises NotApproved when they are not for this plan, server or time."""
        self.check(plan, server)
        if step not in self.steps:
            return None
        scope = step_scope(plan.sha256, server, step)
        return Approval(connection, scope, self.by, "approvals file", self.expires)


def read_approvals(path: str) -> Approvals:
    """An approvals file. Raises InputError."""
    try:
        data = json.loads(Path(path).read_text("utf-8"))
        steps = frozenset(int(one) for one in data["steps"])
        texts = [data[name] for name in ("plan_sha256", "server", "by")]
        if not all(isinstance(one, str) and one for one in texts):
            raise ValueError("plan_sha256, server and by are texts")
        return Approvals(texts[0], texts[1], steps, texts[2], _epoch(data["expires"]))
    except OSError as error:
        raise InputError(f"{path} cannot be read", error.strerror or "") from None
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is no approvals file: {error}",
            'it is {"plan_sha256", "server", "steps": [..], "by", "expires"}',
        ) from None


def _epoch(value: object) -> float:
    """Epoch seconds, or a date and time of ISO 8601, in UTC unless it says otherwise."""
    if isinstance(value, int | float):
        return float(value)
    moment = datetime.fromisoformat(str(value))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def numbers(words: Iterable[str]) -> tuple[frozenset[int], bool]:
    """Step numbers of words such as "0-3", "5,7" and "all"; whether "all" was among them. Raises InputError."""
    found: set[int] = set()
    everything = False
    for word in (part.strip() for one in words for part in one.split(",") if part.strip()):
        if word == "all":
            everything = True
            continue
        low, dash, high = word.partition("-")
        if not low.isdigit() or (dash and not high.isdigit()):
            raise InputError(f"{word!r} names no step", "write 3, 1-4, 1,2,5 or all")
        found.update(range(int(low), int(high or low) + 1))
    return frozenset(found), everything


def leave(plan: ChangePlan, connection: str, server: str, step: int, reason: str) -> Approval:
    """Leave for one step from the person at this terminal."""
    return Approval(
        connection, step_scope(plan.sha256, server, step), os_user(), reason, time.time() + SECONDS
    )


# ---- the run on staging that a run on production wants


@dataclass(frozen=True, slots=True)
class Receipt:
    """That a plan was run from its first step to its last on a server."""

    plan_sha256: str
    server: str
    environment: str
    by: str
    at: float  # epoch seconds


def record_run(plan: ChangePlan, server: str, environment: Environment) -> None:
    """Keep a receipt. Raises InputError when it cannot be written."""
    line = {
        "plan_sha256": plan.sha256,
        "server": server,
        "environment": environment.value,
        "by": os_user(),
        "at": time.time(),
    }
    file = _receipts()
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")
        file.chmod(0o600)
    except OSError as error:
        raise InputError(f"{file} cannot be written", error.strerror or "") from None


def staging_run(plan: ChangePlan, file: Path | None = None) -> Receipt | None:
    """The newest receipt of this very plan from a server that is not production; None without one.

    `file` is another machine's receipts: the `runs.jsonl` of its state folder. Raises InputError when one cannot
    be read.
    """
    found = None
    for place in filter(None, (_receipts(), file)):
        try:
            lines = place.read_text("utf-8").splitlines()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise InputError(f"{place} cannot be read", error.strerror or "") from None
        for line in lines:
            receipt = _receipt(line)
            wanted = receipt is not None and receipt.environment != Environment.PRODUCTION
            if receipt is not None and wanted and receipt.plan_sha256 == plan.sha256:
                found = receipt
    return found


def _receipt(line: str) -> Receipt | None:
    try:
        data = json.loads(line)
        return Receipt(*(data[name] for name in ("plan_sha256", "server", "environment", "by", "at")))
    except (json.JSONDecodeError, KeyError, TypeError):
        return None


def _receipts() -> Path:
    return state_folder() / "runs.jsonl"
