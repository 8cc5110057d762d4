"""Who is doing what on the server.

The process list has no start of a session, so an incarnation of an id is told by what stands still for its
life: the server's own start, the account's user, and the client's host and port. Connection ids count up while
a server runs and are not handed out again before 2^32 of them, and a restart changes the first part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from dbtui.engines.mysql.connection import Connection
from dbtui.engines.mysql.failures import account
from dbtui.engines.mysql.server import Identity, Probe
from dbtui.engines.mysql.wire import MARK, OURS
from dbtui.errors import PermissionDenied, QueryError
from dbtui.model.activity import Activity, Progress, Session

MOST_CHARACTERS = 65_536  # of a statement's text in one sample
CLIENT = "client backend"
_IDLE = "Sleep"
# Where open transactions are seen: state, age in seconds, seconds that it waits for a lock. MySQL fails the whole
# reading of INNODB_TRX (3854) while any transaction in it runs a statement with a character of four bytes, so
# there performance_schema comes first.
_SEEN = {
    "events": (
        "x.STATE, ROUND(x.TIMER_WAIT / 1e12, 3), ''",
        " LEFT JOIN performance_schema.threads t ON t.PROCESSLIST_ID = p.ID"
        " LEFT JOIN performance_schema.events_transactions_current x"
        " ON x.THREAD_ID = t.THREAD_ID AND x.STATE = 'ACTIVE'",
    ),
    "innodb": (
        "x.trx_state, TIMESTAMPDIFF(SECOND, x.trx_started, NOW()),"
        " TIMESTAMPDIFF(SECOND, x.trx_wait_started, NOW())",
        " LEFT JOIN information_schema.INNODB_TRX x ON x.trx_mysql_thread_id = p.ID",
    ),
    "": ("'', '', ''", ""),
}
_UNREADABLE = "3854"  # ER_CANNOT_CONVERT_STRING
# MariaDB writes its PROCESSLIST to a file each time, and MySQL fails that of information_schema with 3854 too: SHOW
# does without both.
_NO_ROOM = frozenset({"1", "3", "20", "28", "1021", "1030", "1114"})
_SHOW = "SHOW FULL PROCESSLIST"


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading of the process list."""

    sessions: tuple[Session, ...]  # without the console's own
    clients: int  # that were seen, the console's own included
    users: frozenset[str]  # of those clients
    memory: float | None  # bytes of all sessions, where the server says
    progress: tuple[Progress, ...]


class ProcessList:
    """Reads the process list, with the transactions of InnoDB where the user may see them."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        events = probe.consumes("events_transactions_current")
        self._ways = [
            way
            for way, there in (("events", events), ("innodb", probe.has("INNODB_TRX")), ("", True))
            if there
        ]
        self._programs: dict[str, str] = {}
        self._attributes = probe.has("session_connect_attrs") and probe.performance_schema
        self._last = probe.consumes("events_statements_current")

    async def read(
        self, connection: Connection, own: frozenset[int], waiting: frozenset[str], *, timeout: float
    ) -> Sample:
        """`waiting` are the ids that are known to wait for a row. Raises QueryError, QueryTimeout, SessionLost."""
        rows = await self._rows(connection, timeout)
        await self._learn_programs(connection, [row[0] for row in rows], timeout)
        sample = self._sample(rows, own, waiting)
        if self._last:
            sample = replace(sample, sessions=await self._with_last(connection, sample.sessions, timeout))
        return sample

    async def _rows(self, connection: Connection, timeout: float) -> list[tuple[str, ...]]:
        """With the transactions as the user may see them: what is refused is not asked for again."""
        unreadable = False
        while True:
            way = "" if unreadable else self._ways[0]
            try:
                return await connection.fetch(self._sql(way), timeout=timeout)
            except PermissionDenied:
                if not way:
                    raise
                self._ways.remove(way)
            except QueryError as error:
                if error.code in _NO_ROOM or (error.code == _UNREADABLE and not way):
                    return [_shown(row) for row in await connection.fetch(_SHOW, timeout=timeout)]
                if error.code != _UNREADABLE:
                    raise
                unreadable = True  # this time

    def _sql(self, way: str) -> str:
        transaction, join = _SEEN[way]
        if self._probe.mariadb:
            time, query = "p.TIME_MS / 1000", "p.INFO_BINARY"
            extra = "p.MEMORY_USED, p.STAGE, p.MAX_STAGE, p.PROGRESS"
            source = "information_schema.PROCESSLIST"
        else:
            time, query, extra = "p.TIME", "p.INFO", "'', '', '', ''"
            modern = self._probe.performance_schema and self._probe.number >= (8, 0, 22)
            source = "performance_schema.processlist" if modern else "information_schema.PROCESSLIST"
        return (
            f"SELECT p.ID AS {MARK}, p.USER, p.HOST, p.DB, p.COMMAND, {time}, p.STATE,"
            f" LEFT({query}, {MOST_CHARACTERS}), {extra}, {transaction} FROM {source} p{join}"
        )

    async def _learn_programs(self, connection: Connection, ids: Sequence[str], timeout: float) -> None:
        """program_name of sessions that are new; the others are known."""
        self._programs = {id_: self._programs[id_] for id_ in ids if id_ in self._programs}
        new = [id_ for id_ in ids if id_ not in self._programs and id_.isdigit()]
        if not self._attributes or not new:
            return
        sql = (
            f"SELECT PROCESSLIST_ID AS {MARK}, ATTR_VALUE FROM performance_schema.session_connect_attrs"
            f" WHERE ATTR_NAME = 'program_name' AND PROCESSLIST_ID IN ({', '.join(new)})"
        )
        try:
            found = await connection.fetch(sql, timeout=timeout)
        except PermissionDenied:
            self._attributes = False
            return
        self._programs |= dict.fromkeys(new, "") | {row[0]: row[1] for row in found}

    def _sample(
        self, rows: Sequence[tuple[str, ...]], own: frozenset[int], waiting: frozenset[str]
    ) -> Sample:
        sessions: list[Session] = []
        progress: list[Progress] = []
        users: set[str] = set()
        clients, memory = 0, 0.0
        for row in rows:
            application = self._programs.get(row[0], "")
            session = _session(row, application, self._probe.identity, waits=row[0] in waiting)
            memory += float(row[8] or 0)
            if session.kind == CLIENT:
                clients += 1
                users.add(session.user)
            if int(row[0]) in own or session.application == OURS:
                continue
            sessions.append(session)
            if row[10] not in ("", "0"):
                progress.append(_progress(session, *row[9:12]))
        known = memory if self._probe.mariadb else None
        return Sample(tuple(sessions), clients, frozenset(users), known, tuple(progress))

    async def _with_last(
        self, connection: Connection, sessions: tuple[Session, ...], timeout: float
    ) -> tuple[Session, ...]:
        """With the last statement of those that rest inside a transaction: it tells what they hold."""
        idle = [s.id for s in sessions if s.state == "idle in transaction" and not s.query]
        if not idle:
            return sessions
        sql = (
            f"SELECT t.PROCESSLIST_ID AS {MARK}, LEFT(s.SQL_TEXT, {MOST_CHARACTERS})"
            " FROM performance_schema.events_statements_current s"
            " JOIN performance_schema.threads t ON t.THREAD_ID = s.THREAD_ID"
            f" WHERE t.PROCESSLIST_ID IN ({', '.join(idle)}) AND s.SQL_TEXT IS NOT NULL"
        )
        try:
            last = {row[0]: row[1] for row in await connection.fetch(sql, timeout=timeout)}
        except PermissionDenied:
            self._last = False
            return sessions
        return tuple(replace(s, query=last[s.id]) if s.id in last and not s.query else s for s in sessions)


def _shown(row: tuple[str, ...]) -> tuple[str, ...]:
    """A row of SHOW FULL PROCESSLIST in the form of the other answers."""
    id_, user, host, database, command, time, state, query = row[:8]
    nothing = ("",) * 7
    return (id_, user, host, database, command, time, state, query[:MOST_CHARACTERS], *nothing)


def _session(row: tuple[str, ...], application: str, identity: Identity, *, waits: bool) -> Session:
    id_, user, host, database, command, time, state, query = row[:8]
    trx_state, trx_age, wait_age = row[12:15]
    kind = _kind(user, command)
    shown = _state(command, bool(trx_state))
    wait_type, wait = _wait(state, "LOCK WAIT" if waits else trx_state, shown)
    age = max(0.0, float(time)) if time else None
    return Session(
        id=id_,
        started=started(identity.boot, user, host),
        user=user,
        database=database,
        application=application,
        client="" if host == "localhost" else host,
        kind=kind,
        state=shown,
        wait_type=wait_type,
        wait=wait,
        query=query,
        query_age=age if shown == "active" else None,
        transaction_age=max(0.0, float(trx_age)) if trx_age else None,
        state_age=max(0.0, float(wait_age)) if wait_age else age,
    )


def started(boot: int, user: str, host: str) -> str:
    """What tells one incarnation of a connection id from another."""
    return f"{boot} {user}@{host}"


def _kind(user: str, command: str) -> str:
    if command == "Daemon" or user == "event_scheduler":
        return "daemon"
    if user == "system user":
        return "replication applier"
    return "binlog dump" if command.startswith("Binlog Dump") else CLIENT


def _state(command: str, in_transaction: bool) -> str:
    """The command in the words that the console uses for every engine; rare ones as they are."""
    if command == _IDLE:
        return "idle in transaction" if in_transaction else "idle"
    if command in ("Query", "Execute", "Fetch", "Prepare", "Close stmt", "Reset stmt", "Long Data", "Statistics",
                   "Field List", "Refresh", "Init DB", "Change user", "Create DB", "Drop DB", "Ping"):  # fmt: skip
        return "active"
    return command.lower()


def _wait(state: str, trx_state: str, shown: str) -> tuple[str, str]:
    if trx_state == "LOCK WAIT":
        return "Lock", "row"
    if trx_state == "ROLLING BACK":
        return "Stage", "rolling back"
    low = state.lower()
    if (low.startswith("waiting for ") and low.endswith(" lock")) or low == "user lock":
        return "Lock", state[12:-5] if low.startswith("waiting for ") else "user"
    return ("Stage", state) if state and shown not in ("idle", "idle in transaction") else ("", "")


def _progress(session: Session, stage: str, stages: str, percent: str) -> Progress:
    operation = " ".join(session.query.split()[:2]).upper()
    phase = f"stage {stage or '?'} of {stages}"
    return Progress(session.id, operation, phase, session.database, float(percent or 0), 100.0, "%")


def activity_of(sample: Sample, values: Mapping[str, float], probe: Probe) -> Activity:
    """The sessions with the room there is. What PROCESS hides shows in the count of threads alone, which is of
    another moment than the list.
    """
    connected = int(values.get("threads_connected", sample.clients))
    own = probe.identity.current_user.rpartition("@")[0]
    alone = sample.users <= {own} and not probe.sees_all
    hidden = max(0, connected - sample.clients) if alone else 0
    return Activity(
        sessions=sample.sessions,
        connections=connected,
        limit=probe.max_connections or None,
        hidden=hidden,
        remedy=f"GRANT PROCESS ON *.* TO {account(probe.identity.current_user)};" if hidden else "",
    )


def waits_for_lock(sessions: Iterable[Session]) -> bool:
    """Whether anyone is seen to wait for a lock."""
    return any(session.wait_type == "Lock" for session in sessions)
