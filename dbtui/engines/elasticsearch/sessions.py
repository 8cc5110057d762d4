"""Tasks as sessions: what the nodes work on now, on whose behalf, and how far the long ones are.

A task is named by its number and its node, `442@node-0`; the part of a request that runs on one shard has the
request as its leader. A search is shown as the request that it was, so that it can be run or explained again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dbtui.engines.elasticsearch.wire import TAG
from dbtui.model.activity import Progress, Session

MOST = 5_000  # tasks of one sample
_LONG = 100_000  # characters of a description
_INDICES = re.compile(r"indices\[([^\]]*)\]")
_SHARD = re.compile(r"shardId\[\[([^\]]+)\]\[(\d+)\]\]|\[([^\]\[]+)\]\[(\d+)\]")
_SOURCE = "source["
_MERGE = "indices:admin/forcemerge"
_DONE = ("updated", "created", "deleted", "noops", "version_conflicts")
_NOT_ONES = ("cluster:monitor/tasks", "internal:", "cluster:monitor/nodes", "cluster:monitor/health")
_DECODER = json.JSONDecoder()
_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")


@dataclass(frozen=True, slots=True)
class Incarnation:
    """What tells a task from every other: its full id, and when it started (epoch milliseconds), doing what."""

    id: str  # "NODE:NUMBER", as the server takes it
    start: int
    action: str

    @classmethod
    def of(cls, started: str) -> Incarnation:
        id_, start, action = (*started.split(" ", 2), "", "")[:3]
        return cls(id_, int(start) if start.isdecimal() else 0, action)

    @classmethod
    def of_task(cls, task: Mapping[str, Any]) -> Incarnation:
        start = task.get("start_time_in_millis")
        return cls(full_id(task), start if isinstance(start, int) else 0, str(task.get("action") or ""))

    def __str__(self) -> str:
        return f"{self.id} {self.start} {self.action}"


def full_id(task: Mapping[str, Any]) -> str:
    return f"{task.get('node', '')}:{task.get('id', '')}"


def tasks_of(answer: Any) -> list[Mapping[str, Any]]:
    """The tasks in an answer of _tasks?group_by=none, without the console's own; at most MOST."""
    listed = answer.get("tasks") if isinstance(answer, Mapping) else None
    found = [task for task in listed if isinstance(task, Mapping)] if isinstance(listed, list) else []
    return [task for task in found if _headers(task).get("X-Opaque-Id") != TAG][:MOST]


def sessions_of(tasks: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> tuple[Session, ...]:
    """Tasks as sessions. `names` tells the names of nodes by their ids."""
    return tuple(_session(task, names) for task in tasks)


def _session(task: Mapping[str, Any], names: Mapping[str, str]) -> Session:
    node = str(task.get("node") or "")
    action, said = str(task.get("action") or ""), _described(task)[:_LONG]
    running = task.get("running_time_in_nanos")
    age = running / 1e9 if isinstance(running, int | float) else None
    indices = _INDICES.search(said)
    shard = _SHARD.search(said)
    parent = str(task.get("parent_task_id") or "")
    cancelled = task.get("cancelled") is True
    return Session(
        id=_short(full_id(task), names),
        started=str(Incarnation.of_task(task)),
        user="",
        database=indices[1] if indices else (shard[1] or shard[3]) if shard else "",
        application=_headers(task).get("X-Opaque-Id", ""),
        client=names.get(node, node),
        kind=_kind(task, action, parent),
        state="cancelling" if cancelled else "active",
        wait_type="",
        wait="",
        query=_query(action, said, indices[1] if indices else ""),
        query_age=age,
        state_age=age,
        leader=_short(parent, names) if parent else "",
    )


def _described(task: Mapping[str, Any]) -> str:
    """What a task says about itself. The products write a letter of four bytes as two escapes."""
    return _PAIR.sub(lambda pair: str(json.loads(f'"{pair[0]}"')), str(task.get("description") or ""))


def _short(full: str, names: Mapping[str, str]) -> str:
    node, _, number = full.rpartition(":")
    return f"{number}@{names.get(node, node)}"


def _kind(task: Mapping[str, Any], action: str, parent: str) -> str:
    """What is somebody's request has no kind of its own; the rest is shown with the background alone."""
    if parent:
        return "part of a request"
    if task.get("type") == "persistent" or action.endswith("[c]") or action.startswith(_NOT_ONES):
        return "background task"
    return ""


def _headers(task: Mapping[str, Any]) -> dict[str, str]:
    found = task.get("headers")
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, Mapping) else {}


def _query(action: str, said: str, indices: str) -> str:
    """A search as the request that it is; what anything else says about itself, behind its action."""
    start = said.find(_SOURCE)
    if action == "indices:data/read/search" and start >= 0:
        try:
            _, end = _DECODER.raw_decode(said, start + len(_SOURCE))
        except (ValueError, RecursionError):
            end = len(said)
        body = (
            said[start + len(_SOURCE) : end].rstrip("]")
            if end == len(said)
            else said[start + len(_SOURCE) : end]
        )
        where = f"{indices.replace(' ', '')}/" if indices else ""
        return f"GET {where}_search\n{body}".rstrip()
    if action == "indices:data/read/esql" and said:
        return f"POST _query\n{json.dumps({'query': said}, ensure_ascii=False)}"
    return f"{action} {said}".rstrip()


def progress_of(tasks: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> tuple[Progress, ...]:
    """Tasks that count documents (reindex, update and delete by query), and merges that were asked for."""
    found = []
    for task in tasks:
        status = task.get("status")
        if isinstance(status, Mapping) and isinstance(status.get("total"), int):
            found.append(_progress(task, status, names))
        elif task.get("action") == _MERGE:
            found.append(_progress(task, {}, names))
    return tuple(found)


def _progress(task: Mapping[str, Any], status: Mapping[str, Any], names: Mapping[str, str]) -> Progress:
    """Without a status the server does not tell how far it is."""
    done = sum(value for name in _DONE if isinstance(value := status.get(name), int))
    return Progress(
        _short(full_id(task), names),
        operation=str(task.get("action") or "").rpartition("/")[2].upper(),
        phase=f"batch {status['batches']}" if isinstance(status.get("batches"), int) else "",
        target=" ".join(_described(task).split())[:200],
        done=float(done),
        total=float(status.get("total", 0)) or None,
        unit="documents" if status else "",
    )
