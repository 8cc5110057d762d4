"""The processes that hold a file, as sessions."""

from __future__ import annotations

from dbtui.engines.sqlite.holders import DELETED, IDLE, READING, Seen
from dbtui.model.activity import Activity, Session

UNSEEN = "processes of other users, seen only while they hold a lock: run as root to see all that have the file open"


class Tracker:
    """Turns looks into sessions, and remembers since when each was seen in its state."""

    def __init__(self) -> None:
        self._since: dict[tuple[int, str], tuple[str, float]] = {}

    def activity(self, seen: Seen, database: str, *, now: float) -> Activity:
        """The sessions of one look; `now` is of a steady clock. Ages are at least so: locks have no date."""
        self._since = {
            (one.pid, one.started): self._began((one.pid, one.started), one.state, now)
            for one in seen.processes
        }
        readers = tuple(str(one.pid) for one in seen.processes if one.state in READING)
        sessions = []
        for one in seen.processes:
            age = now - self._since[one.pid, one.started][1]
            waits = one.state == "pending" and bool(readers)  # a writer that lets nobody in until all are out
            sessions.append(
                Session(
                    id=str(one.pid),
                    started=one.started,
                    user=one.user,
                    database=database,
                    application=_short(one.command),
                    client="",
                    kind="",
                    state=one.state,
                    wait_type="Lock" if waits else "",
                    wait="readers" if waits else "",
                    query="",
                    transaction_age=None if one.state in (IDLE, DELETED) else age,
                    state_age=age,
                    blocked_by=readers if waits else (),
                )
            )
        return Activity(
            sessions=tuple(sessions),
            connections=len(sessions),
            limit=None,
            hidden=seen.unseen,
            remedy=UNSEEN if seen.unseen else "",
        )

    def _began(self, key: tuple[int, str], state: str, now: float) -> tuple[str, float]:
        before = self._since.get(key)
        return before if before is not None and before[0] == state else (state, now)


def _short(command: str) -> str:
    """A command line without the folder of its program, which is what a narrow column would show of it."""
    program, blank, rest = command.partition(" ")
    return program.rpartition("/")[2] + blank + rest
