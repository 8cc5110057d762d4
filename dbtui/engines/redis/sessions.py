"""Who is connected, and what each client did last or waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from dbtui import text
from dbtui.engines.redis.info import clients, number, whole
from dbtui.model.activity import Session

OURS = "dbtui"  # the name of the console's own sessions
SCRIPT = "script"  # stands in for the client whose script blocks the server: nobody can tell which it is
_AT_ONCE = 500  # clients that are read in one go, about 6 ms
_LARGE_OUTPUT = 2**20  # bytes waiting to be sent, from which on a client counts as too slow a reader
_WAITS = {
    "blmove",
    "blmpop",
    "blpop",
    "brpop",
    "brpoplpush",
    "bzmpop",
    "bzpopmax",
    "bzpopmin",
    "xread",
    "xreadgroup",
}


@dataclass(frozen=True, slots=True)
class Incarnation:
    """What tells a client from a later one of the same id: the server's run and the client's address."""

    run: str  # "" where the server hides it
    address: str

    @classmethod
    def of(cls, started: str) -> Incarnation:
        run, _, address = started.partition(" ")
        return cls(run, address)

    def __str__(self) -> str:
        return f"{self.run} {self.address}"


async def of_list(answer: bytes, run: str) -> tuple[Session, ...]:
    """The clients in one answer of CLIENT LIST, without the console's own. Lets keys in between where they are many."""
    found = []
    for count, fields in enumerate(clients(answer), 1):
        if fields.get("name") != OURS:
            found.append(_session(fields, run))
        if count % _AT_ONCE == 0:
            await asyncio.sleep(0)
    return tuple(found)


def _session(fields: Mapping[str, str], run: str) -> Session:
    flags = fields.get("flags", "")
    idle, age = number(fields.get("idle")), number(fields.get("age"))
    state, kind = _state(flags, idle)
    command = fields.get("cmd", "").replace("NULL", "").replace("|", " ").upper()
    output = whole(fields.get("omem"))
    wait_type, wait = ("", "")
    if output >= _LARGE_OUTPUT:
        wait_type, wait = "Output", text.size(output)
    elif state == "blocked":
        wait_type, wait = "Blocked", "key" if fields.get("cmd", "") in _WAITS else command.lower()
    library = " ".join(filter(None, (fields.get("lib-name"), fields.get("lib-ver"))))
    return Session(
        id=fields["id"],
        started=str(Incarnation(run, fields.get("addr", ""))),
        user=fields.get("user", ""),
        database=fields.get("db", ""),
        application=fields.get("name") or library,
        client=_place(fields.get("addr", "")),
        kind=kind,
        state=state,
        wait_type=wait_type,
        wait=wait,
        query=command,
        query_age=idle if state == "active" else None,
        transaction_age=idle if state == "in transaction" else None,
        state_age=age if state in ("replica", "primary", "monitor") else idle,
    )


def _place(address: str) -> str:
    """Whence a client comes; of a socket the servers tell its own path, in the form of an address."""
    return "local" if address.startswith(("/", "[/")) else address


def _state(flags: str, idle: float | None) -> tuple[str, str]:
    """The state in words, and the kind: what only listens or replicates is no plain client."""
    if "S" in flags:
        return ("monitor", "") if "O" in flags else ("replica", "replica")
    if "M" in flags:
        return "primary", "primary"
    if "O" in flags:
        return "monitor", ""
    if "b" in flags:
        return "blocked", ""
    if "x" in flags:
        return "in transaction", ""
    if "P" in flags:
        return "subscribed", "subscriber"
    return ("idle" if idle is None or idle >= 1 else "active"), ""


def script(seconds: float, running: str) -> Session:
    """The row for a script that blocks the server; `running` is its command, where the server says it."""
    return Session(
        id=SCRIPT,
        started=SCRIPT,
        user="",
        database="",
        application="",
        client="",
        kind="",
        state="active",
        wait_type="",
        wait="",
        query=running or "a script, which blocks the server for everybody",
        query_age=seconds,
        state_age=seconds,
    )
