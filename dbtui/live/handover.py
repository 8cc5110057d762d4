"""The incident note: what a colleague needs who takes over, as Markdown, without the values in statements."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dbtui import text
from dbtui.config import Target, state_folder
from dbtui.engines import nouns
from dbtui.live.blocking import Blocked, forest
from dbtui.live.history import History
from dbtui.live.masking import Mask, masker
from dbtui.model.activity import Session
from dbtui.model.snapshot import Metric, Snapshot
from dbtui.output.shift_text import words
from dbtui.safety import os_user

MOST_LINES = 40  # of the blocking tree, and of the longest statements
MOST_STATEMENTS = 10
POINTS = 60  # of a graph
_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that was done from here: what the audit line says. `at` is epoch seconds."""

    at: float
    action: str
    target: str
    reason: str
    result: str


def note(
    target: Target,
    engine: str,
    snapshot: Snapshot,
    history: History,
    metrics: Sequence[Metric],
    deeds: Sequence[Deed],
    findings: Sequence[str] = (),
) -> str:
    """The note on one moment of a server. `findings` are what rules say of it, the gravest first."""
    mask = masker(engine)
    sections = [
        _head(target, snapshot),
        _listed("What is wrong", [_masked(said, snapshot, mask) for said in findings]),
        _tree(snapshot, mask, nouns(engine).unblocked),
        _longest(snapshot, mask),
        _statements(snapshot, mask),
        _listed("What changed: the last minute against the ten before", _shifts(snapshot, mask)),
        _graphs(snapshot, history, metrics),
        _listed("Settings that are not the default", _settings(snapshot)),
        _listed("Done from here", [_told(deed, mask) for deed in deeds]),
    ]
    return "\n".join(section for section in sections if section)


def save(target: Target, content: str) -> Path:
    """Write a note into the state folder (0600). Raises OSError."""
    folder = state_folder() / "notes"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = "".join(c if c.isalnum() or c in ".-" else "-" for c in target.name)[:60].strip("-.") or "server"
    path = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{name}.md"
    path.touch(0o600)
    path.write_text(content, encoding="utf-8", errors="replace")
    return path


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(at))


def _code(said: str, limit: int = 300) -> str:
    """Server text as Markdown code, on one line: nothing in it is obeyed."""
    return f"`{text.one_line(said, limit).replace('`', 'ˋ')}`" if said else ""


def _cell(said: str, limit: int = 200) -> str:
    return _code(said, limit).replace("|", "\\|")


def _head(target: Target, snapshot: Snapshot) -> str:
    lines = [f"# Incident note: {_code(target.name)} ({target.environment})", ""]
    lines.append(f"- taken {_clock(snapshot.at)} by {_code(os_user())}")
    if (server := snapshot.server) is not None:
        place = "/".join(part for part in (server.address, server.database) if part)
        facts = " ".join(part for part in (server.product, server.version, server.role) if part)
        lines.append(f"- {_code(facts)} at {_code(place)}")
        if server.started is not None:
            lines.append(f"- up since {_clock(server.started)}")
        lines += [f"- {_code(said)}" for said in server.notes]
    if (activity := snapshot.activity.value) is not None:
        limit = f" of {activity.limit}" if activity.limit else ""
        lines.append(f"- {activity.connections}{limit} connections; {len(activity.sessions)} seen")
        age = snapshot.activity.age(snapshot.at) or 0.0
        if age > 5:
            lines.append(f"- **the figures are {age:.0f} s old**")
    if trouble := snapshot.trouble or snapshot.activity.error:
        lines.append(f"- trouble: {_code(trouble)}")
    return "\n".join([*lines, ""])


def _listed(title: str, lines: Sequence[str]) -> str:
    return "\n".join([f"## {title}", "", *(f"- {line}" for line in lines), ""]) if lines else ""


def _masked(said: str, snapshot: Snapshot, mask: Mask) -> str:
    """A sentence of a rule, in which the statement of a session may stand, as code."""
    activity = snapshot.activity.value
    for session in activity.sessions if activity else ():
        beginning = text.one_line(session.query)[:40]
        if len(beginning) >= 10 and (at := said.find(beginning)) >= 0:
            said = said[:at] + mask(session.query)
    return _code(said)


def _tree(snapshot: Snapshot, mask: Mask, unblocked: str) -> str:
    activity = snapshot.activity.value
    lines = forest(activity.sessions) if activity else ()
    if not lines:
        alone = [s for s in activity.sessions if s.stranded] if activity else []
        said = f"{len(alone)} wait for a lock; who holds it is not told" if alone else unblocked
        return f"## Blocking\n\n{said[0].upper()}{said[1:]}.\n" if said else ""
    shown = [_branch(line, mask) for line in lines[:MOST_LINES]]
    if len(lines) > MOST_LINES:
        shown.append(f"… and {len(lines) - MOST_LINES} more")
    return "\n".join(["## Blocking, roots first", "", "```text", *shown, "```", ""])


def _branch(line: Blocked, mask: Mask) -> str:
    session = line.session
    about = f"{session.id} {session.user}@{session.database} {session.application} [{session.state}"
    about += f" {text.duration(session.transaction_age)}]" if session.transaction_age is not None else "]"
    if line.waiting:
        about += f" blocks {line.waiting}, longest {text.duration(line.longest)}"
    said = f"{'  ' * line.depth}{'└ ' if line.depth else '▶ '}{about}: {mask(session.query)}"
    indent = len(said) - len(said.lstrip())
    return (" " * indent + text.one_line(said, 200)).replace("```", "ˋˋˋ")


def _longest(snapshot: Snapshot, mask: Mask) -> str:
    activity = snapshot.activity.value
    running = [s for s in activity.sessions if s.active and (_age(s) or 0.0) >= 1.0] if activity else []
    running.sort(key=lambda s: -(_age(s) or 0.0))
    if not running:
        return ""
    rows = [
        f"| {_cell(s.id)} | {_cell(s.user)} | {_cell(s.application)} | {_cell(s.state)} |"
        f" {_cell(s.waits_on)} | {text.duration(_age(s))} | {_cell(mask(s.query))} |"
        for s in running[:MOST_STATEMENTS]
    ]
    head = ["| id | user | application | state | wait | age | statement |", "|---|---|---|---|---|--:|---|"]
    return "\n".join(["## The longest at work", "", *head, *rows, ""])


def _age(session: Session) -> float | None:
    return session.query_age if session.state == "active" else session.transaction_age


def _statements(snapshot: Snapshot, mask: Mask) -> str:
    deltas = snapshot.deltas[:MOST_STATEMENTS]
    if not deltas:
        return ""
    rows = [
        f"| {text.percent(d.share)} | {d.calls / d.seconds if d.seconds else 0:.1f} | {text.milliseconds(d.mean_ms)} |"
        f" {_cell(mask(d.statement.query or ''))} |"
        for d in deltas
    ]
    head = ["| load | calls/s | mean | statement |", "|--:|--:|--:|---|"]
    title = f"## Top statements in {deltas[0].seconds:.1f} s"
    return "\n".join([title, "", *head, *rows, ""])


def _shifts(snapshot: Snapshot, mask: Mask) -> list[str]:
    shifts = snapshot.shifts[:MOST_STATEMENTS]
    told = [replace(s, subject=mask(s.subject)) if s.kind == "statement" else s for s in shifts]
    return [_code(words(shift, 160)) for shift in told]


def _settings(snapshot: Snapshot) -> list[str]:
    return [_code(said) for said in snapshot.server.settings] if snapshot.server is not None else []


def _graphs(snapshot: Snapshot, history: History, metrics: Sequence[Metric]) -> str:
    lines = []
    for metric in metrics:
        values = history.series(metric.id, POINTS, until=snapshot.at)
        seen = [value for value in values if value is not None]
        if seen and max(seen) > 0:
            lines.append(f"{metric.label[:18]:<18} {_spark(values)} {_figure(metric, seen[-1])} (max {_figure(metric, max(seen))})")  # fmt: skip # noqa: E501
    return "\n".join(["## Figures", "", "```text", *lines, "```", ""]) if lines else ""


def _spark(values: Sequence[float | None]) -> str:
    top = max((value for value in values if value is not None), default=0.0) or 1.0
    return "".join(" " if v is None else _BARS[min(7, max(0, round(v / top * 7)))] for v in values)


def _figure(metric: Metric, value: float) -> str:
    if metric.unit == "fraction":
        return text.percent(value)
    if metric.unit == "bytes":
        return text.size(value)
    return text.milliseconds(value * 1000) if metric.unit == "seconds" else text.count(value)


def _told(deed: Deed, mask: Mask) -> str:
    what = mask(deed.target) if deed.action in ("write", "explain analyze") else deed.target
    reason = f", because {_code(deed.reason)}" if deed.reason else ""
    return f"{_clock(deed.at)} {deed.action} {_code(what)}{reason}: {_code(deed.result)}"
