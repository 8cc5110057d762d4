"""A snapshot as one line of a recording, and back.

A line holds what changed since the line before; a whole one stands alone. Literals are masked as it is written.
Of very many statements and sessions the most telling are kept, and what was left out is counted.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dbtui.errors import InputError
from dbtui.live.masking import Masked
from dbtui.live.plain import Plain, freeze, table, thaw
from dbtui.model.activity import Activity, Session, Statement, StatementDelta, Statements
from dbtui.model.snapshot import Section, Snapshot

WHOLE_EVERY = 60.0  # seconds between two lines that stand alone
MOST_DELTAS, MOST_STATEMENTS = 500, 200  # by their time, since the sample before and since the server's reset
MOST_BUSY, MOST_IDLE = 5_000, 200  # sessions
_APART = frozenset({"at", "activity", "counters", "statements", "deltas"})
_REST = tuple(name for name in Snapshot.__dataclass_fields__ if name not in _APART)


class Encoder:
    """Writes the lines of one recording, in order."""

    def __init__(self, texts: Masked) -> None:
        self._texts = texts
        self._before: Snapshot | None = None
        self._whole_at = 0.0
        self._told: set[str] = set()  # statements whose text stands in a line since the last whole one

    def begin_anew(self) -> None:
        """Let the next line be a whole one: the one before may be missing."""
        self._before = None

    def line(self, snapshot: Snapshot) -> tuple[bytes, bool] | None:
        """The line of a snapshot, and whether it stands alone; None when nothing of it is new."""
        before = self._before
        if before is not None and _alike(before, snapshot):
            return None
        self._texts.next_frame()
        whole = before is None or self._is_due(before, snapshot)
        frame: dict[str, Any] = {"at": round(snapshot.at, 3), "whole": whole}
        if whole:
            before, self._whole_at = None, snapshot.at
            self._told.clear()
        for name in _REST:
            value = getattr(snapshot, name)
            if before is None or value != getattr(before, name):
                frame[name] = _frozen(value)
        self._sections(frame, before, snapshot)
        self._before = snapshot
        return json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"), whole

    def _is_due(self, before: Snapshot, snapshot: Snapshot) -> bool:
        gone = (before.counters.value or {}).keys() - (snapshot.counters.value or {}).keys()
        return bool(gone) or not 0 <= snapshot.at - self._whole_at < WHOLE_EVERY

    def _sections(self, frame: dict[str, Any], before: Snapshot | None, now: Snapshot) -> None:
        if before is None or now.activity is not before.activity:
            same = before is not None and now.activity.value is before.activity.value
            frame["activity"] = _section(now.activity, None if same else self._activity)
        if before is None or now.counters is not before.counters:
            known = (before.counters.value if before is not None else None) or {}
            frame["counters"] = _section(
                now.counters, lambda value: {k: v for k, v in value.items() if known.get(k) != v}
            )
        if before is None or now.statements is not before.statements or now.deltas is not before.deltas:
            self._statements(frame, now)

    def _activity(self, activity: Activity) -> Plain:
        kept, left_out = _telling(activity.sessions)
        data = freeze(replace(activity, sessions=()))
        sessions = table(kept)
        if kept:
            at = sessions["fields"].index("query")
            sessions["rows"] = [(*row[:at], self._texts(row[at]), *row[at + 1 :]) for row in sessions["rows"]]
        return {**data, "sessions": sessions, "left_out": left_out}

    def _statements(self, frame: dict[str, Any], now: Snapshot) -> None:
        deltas = now.deltas[:MOST_DELTAS]
        kept = {delta.statement.id: delta.statement for delta in deltas}

        def shortened(value: Statements) -> Plain:
            for one in heapq.nlargest(MOST_STATEMENTS, value.statements, key=lambda s: s.total_ms):
                kept.setdefault(one.id, one)
            data = freeze(replace(value, statements=()))
            chosen = tuple(kept.values())
            return {
                **data,
                "statements": table(chosen, frozenset({"query"})),
                "left_out": len(value.statements) - len(chosen),
            }

        frame["statements"] = _section(now.statements, shortened)
        told = table(deltas, frozenset({"statement"}))
        if deltas:
            told = {
                "fields": ["statement", *told["fields"]],
                "rows": [(d.statement.id, *row) for d, row in zip(deltas, told["rows"], strict=True)],
            }
        frame["deltas"] = told
        new = {id_: s.query for id_, s in kept.items() if s.query is not None and id_ not in self._told}
        self._told |= new.keys()
        frame["texts"] = {id_: self._texts(query) for id_, query in new.items()}


def _alike(before: Snapshot, now: Snapshot) -> bool:
    """Whether nothing but the time and our own cost differs."""
    return replace(before, at=now.at, cost=now.cost) == now


def _frozen(value: object) -> Plain:
    """A field of a snapshot; a section with all it says of itself, so that none is taken for the one before."""
    return _section(value, freeze) if isinstance(value, Section) else freeze(value)


def _section(section: Section[Any], of: Any) -> Plain:
    """A section; without a value where that is still the one before (`of` is None)."""
    said: dict[str, Any] = {
        "taken_at": section.taken_at, "took": round(section.took, 6), "error": section.error,
        "remedy": section.remedy, "next_try": section.next_try,
    }  # fmt: skip
    if of is not None:
        said["value"] = None if section.value is None else of(section.value)
    return said


def _telling(sessions: Sequence[Session]) -> tuple[Sequence[Session], int]:
    """The sessions that are kept: those that do or hold something first; and how many are not."""
    if len(sessions) <= MOST_IDLE:
        return sessions, 0
    blockers = {id_ for session in sessions for id_ in session.blocked_by}
    busy: list[Session] = []
    idle: list[Session] = []
    for session in sessions:
        (busy if session.active or session.hidden or session.id in blockers else idle).append(session)
    kept = busy[:MOST_BUSY] + idle[:MOST_IDLE]
    return kept, len(sessions) - len(kept)


# ---- reading


def parsed(line: bytes) -> dict[str, Any]:
    """One line as an object. Raises InputError."""
    try:
        frame = json.loads(line, parse_constant=lambda _name: None)
    except (ValueError, RecursionError) as error:
        raise InputError(f"a line of the recording is not JSON: {error}") from error
    if not isinstance(frame, dict):
        raise InputError("a line of the recording is no object")
    return frame


def merged(state: Mapping[str, Any], frame: Mapping[str, Any]) -> dict[str, Any]:
    """What holds after a line, given what held before it. Raises InputError."""
    if frame.get("whole") is True:
        return dict(frame)
    made = {**state, **frame}
    for name in Snapshot.__dataclass_fields__:
        former, now = state.get(name), frame.get(name)
        if isinstance(former, dict) and isinstance(now, dict) and "taken_at" in now:
            made[name] = {**former, **now}
    for path in (("texts",), ("counters", "value")):
        _add(made, state, frame, path)
    return made


def _add(
    made: dict[str, Any], state: Mapping[str, Any], frame: Mapping[str, Any], path: tuple[str, ...]
) -> None:
    """Put an object together from what it was and what was added."""
    former: Any = state
    now: Any = frame
    for step in path:
        former = former.get(step) if isinstance(former, dict) else None
        now = now.get(step) if isinstance(now, dict) else None
    if isinstance(former, dict) and isinstance(now, dict):
        inner: dict[str, Any] = made
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = {**former, **now}


def snapshot_of(state: Mapping[str, Any]) -> Snapshot:
    """The snapshot that a merged state describes. Raises InputError."""
    data = dict(state)
    texts = data.get("texts")
    texts = texts if isinstance(texts, dict) else {}
    deltas = data.pop("deltas", None)
    snapshot = thaw(Snapshot, data)
    value = snapshot.statements.value
    if value is None:
        return snapshot
    named = tuple(replace(one, query=_text(texts, one.id)) for one in value.statements)
    found = _deltas(deltas, {one.id: one for one in named})
    statements = replace(snapshot.statements, value=replace(value, statements=named))
    return replace(snapshot, statements=statements, deltas=found)


def _text(texts: Mapping[str, Any], id_: str) -> str | None:
    text = texts.get(id_)
    return text if isinstance(text, str) else None


def _deltas(data: Any, statements: Mapping[str, Statement]) -> tuple[StatementDelta, ...]:
    """What statements did, joined with the statements by their ids."""
    if not isinstance(data, dict) or not isinstance(fields := data.get("fields"), list) or not fields:
        return ()
    rows = data.get("rows")
    if not isinstance(rows, list) or fields[0] != "statement":
        raise InputError("a line of the recording has deltas without statements")
    kept = [row for row in rows if isinstance(row, list) and row and row[0] in statements]
    whose = [statements[row[0]] for row in kept]
    made = thaw(_Deltas, {"fields": fields, "rows": [[_NOBODY, *row[1:]] for row in kept]})
    return tuple(replace(delta, statement=statement) for statement, delta in zip(whose, made, strict=True))


_Deltas: Any = tuple[StatementDelta, ...]
_NOBODY = freeze(Statement(id="", query_id="", database="", user="", query=None, calls=0, total_ms=0.0))
