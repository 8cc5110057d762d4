"""Redis and Valkey: keys by a pattern are changed in batches that a budget limits, found by SCAN and never by KEYS.

A line is a command. `EXPIRE session:* 3600`, `PERSIST a:*`, `UNLINK cache:*` and `RENAME user:* account:{1}` name
patterns, in which `{1}` stands for what the first star matched.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from dbtui.migrations.planner.one import application
from dbtui.model.change import (
    Backfill,
    Blocks,
    ChangeStep,
    Kind,
    Phase,
    Reversibility,
    Source,
    Transaction,
)
from dbtui.model.migration import Relation

_BY_PATTERN = {"EXPIRE": "expire", "PEXPIRE": "expire", "PERSIST": "persist", "DEL": "unlink", "UNLINK": "unlink",
               "RENAME": "rename", "RENAMENX": "rename"}  # fmt: skip
_WHOLE = {"FLUSHALL", "FLUSHDB", "SWAPDB"}


def read(text: str, name: str) -> Iterator[tuple[Source, tuple[ChangeStep, ...]]]:
    """Each command of a file with its steps; lines that begin with # are comments."""
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        try:
            words = shlex.split(bare)
        except ValueError as error:
            step = _step(f"not understood: {bare[:60]}", bare, notes=(f"not understood: {error}",))
            yield Source(bare, name, number, None, understood=False), (step,)
            continue
        yield Source(bare, name, number, True), _steps(bare, words)


def _step(title: str, text: str, **more: object) -> ChangeStep:
    return ChangeStep(
        0, Kind.DATA, title, Phase.BACKFILL, (text,), transaction=Transaction.EACH, verbatim=True,
        reversibility=more.pop("reversibility", Reversibility.NEEDS_DATA),  # type: ignore[arg-type]
        **more,  # type: ignore[arg-type]
    )  # fmt: skip


def _steps(text: str, words: list[str]) -> tuple[ChangeStep, ...]:
    verb = words[0].upper()
    patterns = [word for word in words[1:] if "*" in word or "?" in word]
    if verb in _BY_PATTERN and patterns and len(words) > 1:
        return tuple(_by_pattern(text, verb, words))
    if verb in _WHOLE:
        lost = verb != "SWAPDB"
        wait = application(
            f"deploy code that goes on after {verb}", "every key is gone, or another, in a moment"
        )
        step = _step(
            f"{verb}: all keys", text, destructive=lost, blocks=Blocks.EVERYTHING,
            reversibility=Reversibility.IMPOSSIBLE if lost else Reversibility.FREE, down=() if lost else (text,),
            notes=() if "ASYNC" in text.upper() or not lost else ("without ASYNC the server answers nobody meanwhile",),
        )  # fmt: skip
        return (wait, step)
    key = words[1] if len(words) > 1 else ""
    gone = verb in ("DEL", "UNLINK")
    return (
        _step(f"{verb} {key}", text, relation=Relation(key) if key else None, destructive=gone,
              reversibility=Reversibility.IMPOSSIBLE if gone else Reversibility.NEEDS_DATA),
    )  # fmt: skip


def _by_pattern(text: str, verb: str, words: list[str]) -> Iterator[ChangeStep]:
    work = _BY_PATTERN[verb]
    patterns = words[1:] if work == "unlink" else words[1:2]
    argument = " ".join(words[2:]) if work in ("expire", "rename") else ""
    if verb == "PEXPIRE" and words[2:] and words[2].isdigit():
        argument = " ".join([str(max(1, int(words[2]) // 1000)), *words[3:]])
    if work == "rename":
        yield application(
            f"deploy code that looks for {argument} first and for {words[1]} then",
            "keys change their names one after the other",
            phase=Phase.EXPAND,
        )
    for pattern in patterns:
        back = Reversibility.IMPOSSIBLE if work in ("unlink", "expire") else Reversibility.NEEDS_DATA
        yield ChangeStep(
            0, Kind.BACKFILL, f"{work} {pattern} in batches", Phase.BACKFILL, transaction=Transaction.BATCHES,
            relation=Relation(pattern), reversibility=back, destructive=work == "unlink",
            backfill=Backfill(Relation(pattern), (), argument, "", work, batch=200),
            why=f"SCAN finds a few keys a pass, so that others are answered meanwhile; the user's words: {text}",
            notes=("on a cluster the old and the new name must lie in one slot",) if work == "rename" else (),
        )  # fmt: skip
