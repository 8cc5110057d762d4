"""Who is doing what: the operations that $currentOp lists."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from dbtui.documents import mapping
from dbtui.engines.mongodb import values
from dbtui.engines.mongodb.client import APPLICATION
from dbtui.model.activity import Progress, Session

# What drivers and routers add to a command, and no user typed.
_ADDED = frozenset(
    {"lsid", "$db", "$clusterTime", "$readPreference", "$configTime", "$topologyTime", "$audit", "$client",
     "clientOperationKey", "shardVersion", "databaseVersion", "mayBypassWriteBlocking", "txnNumber", "autocommit",
     "fromMongos", "fromRouter", "needsMerge", "writeConcern", "readConcern", "maxTimeMS", "signature",
     "$replData", "$oplogQueryData", "$configServerState", "$tenant", "apiVersion"}
)  # fmt: skip
_PROCESSES = 10**10  # of a node, in DocumentDB's numbers
LEFT_OUT = ", …}"  # how the text of an operation ends of which more is not told
QUERY_LIMIT = 20_000  # characters of a command that are kept
_PROGRESS = (("done", "total", "documents"), ("blocks_done", "blocks_total", "blocks"))
_LEVELS = ("Collection", "Database", "Global", "Mutex", "oplog", "ReplicationStateTransition")

Operation = Mapping[str, Any]


def session_of(operation: Operation) -> Session:
    """One entry of $currentOp. Ages are in seconds."""
    command = _originating(operation)
    transaction = mapping(operation.get("transaction"))
    open_for = _seconds(transaction.get("timeOpenMicros"))
    wait_type, wait = _wait(operation)
    client = _client(operation)
    idle = "idle in transaction" if transaction else "idle"
    return Session(
        id=id_of(operation),
        started=fingerprint(operation),
        user=_user(operation),
        database=database_of(operation),
        application=_application(operation),
        client=client,
        kind=_kind(operation, client),
        state="active" if operation.get("active") else idle,
        wait_type=wait_type,
        wait=wait,
        query=_shown(operation, command),
        query_id=str(operation.get("queryShapeHash") or operation.get("queryHash") or ""),
        query_age=_age(operation),
        transaction_age=open_for,
        state_age=_float(mapping(transaction).get("timeInactiveMicros"), 1e6)
        or _float(operation.get("secs_idle"), 1.0),
        plan=str(operation.get("planSummary") or ""),
        leader=_leader(operation),
    )


def id_of(operation: Operation) -> str:
    """The opid, or for a session without an operation its lsid; of DocumentDB's the process, which others name."""
    if isinstance(process := operation.get("op_prefix"), int):
        return _process(process)
    if operation.get("opid"):
        return str(operation["opid"])
    lsid = mapping(operation.get("lsid")).get("id")
    if lsid is not None:
        return f"lsid {values.cell(lsid)}"
    return f"{operation.get('desc') or 'unknown'}"


def fingerprint(operation: Operation) -> str:
    """What tells an operation from another that has its id later: client, connection, session and command."""
    lsid = values.text(mapping(operation.get("lsid")).get("id"))
    parts = (
        operation.get("opid") or id_of(operation),
        operation.get("client") or operation.get("client_s"),
        operation.get("connectionId"),
        lsid,
        operation.get("ns"),
        values.text(_originating(operation), QUERY_LIMIT),
    )
    return hashlib.sha256(repr(parts).encode("utf-8", "replace")).hexdigest()[:16]


def is_ours(operation: Operation) -> bool:
    """Whether it is the console's own: by appName, and where there is none by what only $currentOp looks like."""
    if operation.get("appName") == APPLICATION:
        return True
    metadata = mapping(mapping(operation.get("clientMetadata")).get("application"))
    return metadata.get("name") == APPLICATION or (
        "client" not in operation and "ns" not in operation and operation.get("command") == {"aggregate": ""}
    )


def database_of(operation: Operation) -> str:
    """The database that it works in."""
    named = mapping(operation.get("command")).get("$db")
    return str(named) if named else str(operation.get("ns") or "").partition(".")[0]


def progress_of(operations: Iterable[Operation]) -> tuple[Progress, ...]:
    """Index builds, mostly: those that say how far they are, and of collections without such those that run."""
    everyone = list(operations)
    told = [found for one in everyone if (found := _told(one)) is not None]
    targets = {one.target for one in told}
    silent = [
        Progress(id_of(one), "createIndexes", "builds", str(one.get("ns") or ""), 0.0, None, "")
        for one in everyone
        if one.get("active")
        and "createIndexes" in mapping(one.get("command"))
        and not one.get("parallelWorker")
    ]
    return (*told, *(one for one in silent if one.target not in targets))


def _told(operation: Operation) -> Progress | None:
    """How far it is, in the words of mongod, or of DocumentDB where it builds in the background."""
    progress = mapping(operation.get("progress"))
    for done, total, unit in _PROGRESS:
        reached = _float(progress.get(done), 1.0)
        if reached is not None:
            name = next(iter(_originating(operation)), "") or str(operation.get("op") or "")
            phase = str(operation.get("msg") or "").partition(":")[0]
            target = str(operation.get("ns") or "")
            return Progress(
                id_of(operation), name, phase, target, reached, _float(progress.get(total), 1.0), unit
            )
    return None


# ---- waiting


def waits(operation: Operation) -> bool:
    """Whether it waits for a lock. DocumentDB says so of background workers too, which rest and run nothing."""
    return bool(operation.get("waitingForLock")) and operation.get("active") is not False


def wanted_lock(operation: Operation) -> tuple[str, str]:
    """The level and mode that a waiting operation waits for: the innermost that it names."""
    locks = mapping(operation.get("locks"))
    level = next((level for level in _LEVELS if level in locks), "")
    return level, str(locks.get(level, ""))


def _wait(operation: Operation) -> tuple[str, str]:
    if waits(operation):
        level, mode = wanted_lock(operation)
        return "Lock", f"{level} {mode}".strip()
    if operation.get("waitingForFlowControl"):
        return "FlowControl", "replication is behind"
    latch = mapping(operation.get("waitingForLatch"))
    if latch:
        return "Latch", str(latch.get("captureName") or "")
    if queue := mapping(operation.get("currentQueue")).get("name"):  # from 8.0 on
        return "Queue", str(queue)
    return "", ""


# ---- parts of an entry


def _shown(operation: Operation, command: dict[str, Any]) -> str:
    """The command; an ellipsis stands for what DocumentDB leaves out, which is all but its first field."""
    shown = values.text(command, QUERY_LIMIT) if command else ""
    return shown[:-1] + LEFT_OUT if "op_prefix" in operation and len(command) == 1 else shown


def _originating(operation: Operation) -> dict[str, Any]:
    """The command without what drivers add; for getMore the one that opened the cursor."""
    command = mapping(operation.get("command"))
    opened = mapping(mapping(operation.get("cursor")).get("originatingCommand"))
    shown = opened if opened and "getMore" in command else command
    kept = {key: value for key, value in shown.items() if key not in _ADDED}
    return whole(kept, str(operation.get("op") or ""), str(operation.get("ns") or ""))


def whole(command: dict[str, Any], operation: str, namespace: str) -> dict[str, Any]:
    """The command that one update or delete was part of: the server shows {q, u, multi} alone."""
    collection = namespace.partition(".")[2]
    if "q" not in command or not collection:
        return command
    if operation == "update":
        one = {
            key: command[key]
            for key in ("q", "u", "multi", "upsert", "hint", "arrayFilters")
            if key in command
        }
        return {"update": collection, "updates": [one]}
    if operation in ("remove", "delete"):
        return {"delete": collection, "deletes": [{"q": command["q"], "limit": command.get("limit", 0)}]}
    return command


def _client(operation: Operation) -> str:
    """The client's own address, also behind a router."""
    routed = mapping(mapping(operation.get("clientMetadata")).get("mongos")).get("client")
    return str(routed or operation.get("client") or operation.get("client_s") or "")


def _user(operation: Operation) -> str:
    users = operation.get("effectiveUsers") or operation.get("runBy") or ()
    return str(mapping(users[0]).get("user", "")) if isinstance(users, list) and users else ""


def _application(operation: Operation) -> str:
    metadata = mapping(operation.get("clientMetadata"))
    name = operation.get("appName") or mapping(metadata.get("application")).get("name")
    return str(name or mapping(metadata.get("driver")).get("name") or "")


def _leader(operation: Operation) -> str:
    """The id of the operation that DocumentDB's parallel worker belongs to."""
    leader, prefix = operation.get("leaderOpPatter"), operation.get("op_prefix")
    if not isinstance(leader, int) or not isinstance(prefix, int):
        return ""
    return _process(prefix - prefix % _PROCESSES + leader)


def _process(prefix: int) -> str:
    """`op_prefix` is node * 10^10 + process: where there is but one node, the process alone says which."""
    return str(prefix - _PROCESSES if prefix // _PROCESSES == 1 else prefix)


def _kind(operation: Operation, client: str) -> str:
    """Operations of clients are told from the server's own by having a client, or on FerretDB a command."""
    if operation.get("parallelWorker"):
        return "parallel worker"
    if (
        client
        or operation.get("type") == "idleSession"
        or ("op_prefix" in operation and operation.get("opid"))
    ):
        return "client backend"
    return str(operation.get("desc") or "background").rstrip("0123456789-") or "background"


def _age(operation: Operation) -> float | None:
    if not operation.get("active"):
        return None
    micros = _seconds(operation.get("microsecs_running"))
    return micros if micros is not None else _float(operation.get("secs_running"), 1.0)


def _seconds(micros: object) -> float | None:
    return _float(micros, 1e6)


def _float(value: object, divisor: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) / divisor
