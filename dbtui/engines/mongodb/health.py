"""What changes slowly: the members of the replica set, how far back the oplog reaches, and long operations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bson import Timestamp

from dbtui.engines.mongodb.session import Connection
from dbtui.errors import PermissionDenied, QueryError
from dbtui.model.activity import Replica

_TIMEOUT = 5.0


def replicas(status: Mapping[str, Any]) -> tuple[Replica, ...]:
    """The other members in an answer of replSetGetStatus, with how far each is behind the newest."""
    members = [member for member in status.get("members") or () if isinstance(member, Mapping)]
    moments = [
        m["optimeDate"] for m in members if isinstance(m.get("optimeDate"), datetime) and m.get("health", 1)
    ]
    newest = max(moments, default=None)
    found = []
    for member in members:
        if member.get("self"):
            continue
        at = member.get("optimeDate")
        healthy = bool(member.get("health", 1))
        lag = (newest - at).total_seconds() if healthy and newest and isinstance(at, datetime) else None
        source = str(member.get("syncSourceHost") or "")
        state = str(member.get("stateStr") or member.get("state") or "")
        found.append(
            Replica(str(member.get("name") or ""), f"from {source}" if source else "", state, None, lag)
        )
    return tuple(found)


def lag_counters(status: Mapping[str, Any]) -> dict[str, float]:
    """The greatest lag of a secondary that is up."""
    lags = [r.lag_seconds for r in replicas(status) if r.lag_seconds is not None and r.state == "SECONDARY"]
    own = next((m for m in status.get("members") or () if isinstance(m, Mapping) and m.get("self")), None)
    if own is not None and own.get("stateStr") == "SECONDARY" and isinstance(own.get("optimeDate"), datetime):
        moments = [m["optimeDate"] for m in status["members"] if isinstance(m.get("optimeDate"), datetime)]
        lags = [(max(moments) - own["optimeDate"]).total_seconds()]
    return {"replication_lag": max(lags)} if lags else {}


async def oplog_window(connection: Connection) -> float | None:
    """Seconds between the oldest and the newest entry of the oplog; None where it cannot be read."""
    moments: list[int] = []
    for direction in (1, -1):
        asked = {"find": "oplog.rs", "sort": {"$natural": direction}, "limit": 1, "projection": {"ts": 1}}
        try:
            found = await connection.documents(asked, database="local", timeout=_TIMEOUT, role="read")
        except QueryError:
            return None
        moments += [d["ts"].time for d in found if isinstance(d.get("ts"), Timestamp)]
    return float(moments[1] - moments[0]) if len(moments) == 2 else None


async def replica_status(connection: Connection) -> Mapping[str, Any]:
    """replSetGetStatus, empty where there is no replica set. Raises PermissionDenied, QueryTimeout, SessionLost."""
    if not connection.probe.replica_set or connection.probe.mongos:
        return {}
    try:
        return await connection.command({"replSetGetStatus": 1}, timeout=_TIMEOUT, role="clusterMonitor")
    except PermissionDenied:
        raise
    except QueryError:
        return {}
