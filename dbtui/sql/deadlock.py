"""What the detail of PostgreSQL's message "deadlock detected" says, in whatever form a log has it.

Source: DeadLockReport in storage/lmgr/deadlock.c of PostgreSQL 13 to 18.
"""

from __future__ import annotations

import re

from dbtui.model.activity import Deadlock, Party

MESSAGE = "deadlock detected"
_WAITS = re.compile(r"Process (\d+) waits for (.+?); blocked by process (\d+)\.")
_RAN = re.compile(r"Process (\d+): (.*?)(?=\n\s*Process \d+: |\Z)", re.S)


def deadlock_of(detail: str, victim: str, at: str) -> Deadlock:
    """Who waited for what and ran what; `victim` is the process that wrote the message at the time `at`."""
    ran: dict[str, str] = {}
    for pid, statement in _RAN.findall(detail):
        ran.setdefault(pid, statement.strip())
    parties = tuple(
        Party(pid, ran.get(pid, ""), f"{lock}, blocked by {other}", pid == victim)
        for pid, lock, other in dict.fromkeys(_WAITS.findall(detail))
    )
    return Deadlock(parties, at, "from the server's log")
