"""MongoDB: indexes are looked at before they are built and hidden before they go; validators warn before they refuse.

The calls are read, never evaluated, and what runs is the user's own text or a command that is shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from dbtui.migrations.planner.one import application, check
from dbtui.model.change import (
    Backfill,
    Blocks,
    ChangeStep,
    Condition,
    Kind,
    Phase,
    Reversibility,
    Source,
    Transaction,
)
from dbtui.model.migration import Relation

_CALL = re.compile(
    r"""db\.(?:getCollection\(\s*(['"])(?P<quoted>[^'"]+)\1\s*\)\.|(?P<name>[\w.]+?)\.)?(?P<method>\w+)\s*\(""",
    re.X,
)
_QUOTES = "\"'`"


@dataclass(frozen=True, slots=True)
class Call:
    """`db.collection.method(arguments)`."""

    text: str
    line: int
    collection: str
    method: str
    arguments: tuple[str, ...]

    @property
    def relation(self) -> Relation:
        return Relation(self.collection)

    @property
    def target(self) -> str:
        plain = re.fullmatch(r"\w+", self.collection)
        return f"db.{self.collection}" if plain else f"db.getCollection({json.dumps(self.collection)})"


def read(text: str, name: str) -> Iterator[tuple[Source, tuple[ChangeStep, ...]]]:
    """Each call of a script with its steps."""
    for call in calls(text):
        planner = _PLANNERS.get(call.method)
        known = planner is not None
        steps = planner(call) if planner is not None else (_unknown(call),)
        yield Source(call.text, name, call.line, None if not known else True, understood=known), steps


def calls(text: str) -> Iterator[Call]:
    """The calls of a script in order; comments and what stands between calls are left out."""
    bare = _without_comments(text)
    position = 0
    while (found := _CALL.search(bare, position)) is not None:
        end = _closing(bare, found.end() - 1)
        inside = text[found.end() : end]
        collection = found.group("quoted") or found.group("name") or ""
        position = end + 1
        arguments = tuple(_split(inside))
        whole = text[found.start() : position]
        line = 1 + text.count("\n", 0, found.start())
        yield Call(whole, line, collection, found.group("method"), arguments)


def _without_comments(text: str) -> str:
    """The text with comments as blanks, at the same places."""
    pattern = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|(//[^\n]*|/\*.*?\*/)", re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group()) if m.group(1) else m.group(), text)


def _closing(text: str, opening: int) -> int:
    depth, quote, at = 0, "", opening
    while at < len(text):
        character = text[at]
        if quote:
            at += character == "\\"
            quote = "" if character == quote else quote
        elif character in _QUOTES:
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
            if not depth:
                return at
        at += 1
    return len(text)


def _split(inside: str) -> Iterator[str]:
    """The arguments of a call."""
    start = at = 0
    while at < len(inside):
        if inside[at] in "([{":
            at = _closing(inside, at)
        elif inside[at] in _QUOTES:
            quote = inside[at]
            at += 1
            while at < len(inside) and inside[at] != quote:
                at += 2 if inside[at] == "\\" else 1
        elif inside[at] == ",":
            yield inside[start:at].strip()
            start = at + 1
        at += 1
    if inside[start:].strip():
        yield inside[start:].strip()


def _unknown(call: Call) -> ChangeStep:
    return _command(
        call, f"run as written what was not understood: {call.method}", call.text, blocks=Blocks.EVERYTHING,
        notes=("not understood: approve it only if you know what it does",), reversibility=Reversibility.NEEDS_DATA,
    )  # fmt: skip


def _command(call: Call, title: str, *texts: str, **more: object) -> ChangeStep:
    base = ChangeStep(
        0, Kind.DDL, title, statements=texts, transaction=Transaction.EACH,
        relation=call.relation if call.collection else None, verbatim=texts == (call.text,),
        down_transaction=Transaction.EACH,
    )  # fmt: skip
    return replace(base, **more)  # type: ignore[arg-type]


def _field(document: str, name: str) -> str:
    """The text of a field of a document; "" when it has none."""
    for item in _split(document.strip()[1:-1]):
        key, _, value = item.partition(":")
        if key.strip().strip("\"'") == name:
            return value.strip()
    return ""


def _keys(document: str) -> list[tuple[str, str]]:
    pairs = (item.partition(":") for item in _split(document.strip()[1:-1]))
    return [(key.strip().strip("\"'"), value.strip().strip("\"'")) for key, _, value in pairs]


def _index_there(call: Call, name: str) -> Condition:
    match = json.dumps({"$match": {"name": name}})
    return Condition(
        f'{call.target}.aggregate([{{"$indexStats": {{}}}}, {match}, {{"$count": "n"}}])',
        f"the index {name} is there",
    )


def _none(call: Call, stages: str, means: str) -> Condition:
    """Whether an aggregation finds nothing: it always answers with one document."""
    facet = f'{{"$facet": {{"found": [{stages}, {{"$limit": 1}}]}}}}'
    project = '{"$project": {"none": {"$eq": [{"$size": "$found"}, 0]}}}'
    return Condition(f"{call.target}.aggregate([{facet}, {project}])", means, costly=True)


def _create_index(call: Call) -> tuple[ChangeStep, ...]:
    options = call.arguments[1] if len(call.arguments) > 1 else "{}"
    keys = _keys(call.arguments[0])
    name = _field(options, "name").strip("\"'") or "_".join(f"{key}_{value}" for key, value in keys)
    steps: list[ChangeStep] = []
    if _field(options, "unique") == "true":
        group = json.dumps({key: f"${key}" for key, _ in keys})
        stages = f'{{"$group": {{"_id": {group}, "n": {{"$sum": 1}}}}}}, {{"$match": {{"n": {{"$gt": 1}}}}}}'
        question = _none(call, stages, f"no two documents of {call.collection} have the same {name}")
        steps.append(
            check(f"no duplicates stand in the way of {name}", question, relation=call.relation,
                  why="a duplicate is found only at the end of the build, on every member of the set")
        )  # fmt: skip
    steps.append(
        _command(
            call, f"build the index {name} of {call.collection}", call.text, kind=Kind.INDEX, blocks=Blocks.DDL,
            down=(f"{call.target}.dropIndex({json.dumps(name)})",), index=name,
            postconditions=(_index_there(call, name),),
            why="from 4.2 on reading and writing go on but for a moment at the beginning and at the end",
            notes=("all members build at once: watch the cache and the oplog; build member by member on large sets",),
        )
    )  # fmt: skip
    return tuple(steps)


def _drop_index(call: Call) -> tuple[ChangeStep, ...]:
    """Hidden first: then it costs and serves as before, but no plan uses it, and it is back in a moment."""
    name = call.arguments[0].strip("\"'") if call.arguments else ""
    if call.arguments and call.arguments[0].startswith("{"):
        name = "_".join(f"{key}_{value}" for key, value in _keys(call.arguments[0]))
    hide = {"collMod": call.collection, "index": {"name": name, "hidden": True}}
    show = {"collMod": call.collection, "index": {"name": name, "hidden": False}}
    missing = _none(
        call,
        f'{{"$indexStats": {{}}}}, {json.dumps({"$match": {"name": name}})}',
        f"the index {name} is gone",
    )
    gone = replace(missing, costly=False)
    return (
        _command(call, f"hide the index {name}", f"db.runCommand({json.dumps(hide)})",
                 down=(f"db.runCommand({json.dumps(show)})",), superseded=gone,
                 why="no plan uses it any more, and it comes back in a moment"),
        application(f"watch whether anybody misses {name}", "building it again takes long",
                    phase=Phase.CONTRACT, relation=call.relation, superseded=gone),
        _command(call, f"drop the index {name}", call.text, kind=Kind.INDEX, phase=Phase.CONTRACT,
                 postconditions=(gone,), reversibility=Reversibility.NEEDS_DATA),
    )  # fmt: skip


def _run_command(call: Call) -> tuple[ChangeStep, ...]:
    document = call.arguments[0] if call.arguments else "{}"
    collection = _field(document, "collMod").strip("\"'")
    validator = _field(document, "validator")
    if not collection:
        return (_unknown(call),)
    named = replace(call, collection=collection)
    if not validator or _field(document, "validationAction").strip("\"'") == "warn":
        return (_command(named, f"change {collection}", call.text, reversibility=Reversibility.NEEDS_DATA),)
    warn = f'db.runCommand({{"collMod": "{collection}", "validator": {validator}, '
    warn += '"validationLevel": "moderate", "validationAction": "warn"})'
    off = f'db.runCommand({{"collMod": "{collection}", "validator": {{}}, "validationLevel": "off"}})'
    valid = _none(
        named,
        f'{{"$match": {{"$nor": [{validator}]}}}}',
        f"every document of {collection} obeys the validator",
    )
    return (
        _command(named, f"{collection} warns of what its validator will refuse", warn, down=(off,),
                 why="the server's log tells who writes what, and nothing is refused yet",
                 notes=("the validator that was there before is not known here",)),
        application(f"fix code and documents of {collection} that the log warns of",
                    "a strict validator refuses later updates of documents that do not obey it",
                    phase=Phase.BACKFILL, relation=named.relation, postconditions=(valid,)),
        _command(named, f"the validator of {collection} refuses", call.text, phase=Phase.VALIDATE,
                 down=(warn,), preconditions=(valid,)),
    )  # fmt: skip


def _write(call: Call) -> tuple[ChangeStep, ...]:
    verb = "delete" if call.method == "deleteMany" else "update"
    where = call.arguments[0] if call.arguments else "{}"
    change = call.arguments[1] if verb == "update" and len(call.arguments) > 1 else ""
    options = call.arguments[2] if len(call.arguments) > 2 else "{}"
    every = where.replace(" ", "") == "{}"
    if _field(options, "upsert") == "true":
        return (
            _command(call, f"update {call.collection}", call.text, kind=Kind.DATA, phase=Phase.BACKFILL,
                     reversibility=Reversibility.IMPOSSIBLE),
        )  # fmt: skip
    if verb == "update" and not _may_be_repeated(change):
        return (_by_hand(call),)
    return (
        _command(
            call, f"{verb} {call.collection} in batches", kind=Kind.BACKFILL, phase=Phase.BACKFILL, verbatim=False,
            transaction=Transaction.BATCHES, reversibility=Reversibility.IMPOSSIBLE,
            destructive=verb == "delete" and every,
            backfill=Backfill(call.relation, ("_id",), change, "" if every else where, verb),
            why=f"one call would flood the oplog and the cache; the user's words: {call.text}",
        ),
    )  # fmt: skip


def _by_hand(call: Call) -> ChangeStep:
    """A change that a batch cut off and done again would do twice: no batch and its checkpoint are one here."""
    return ChangeStep(
        0, Kind.COMMAND, f"update {call.collection} by hand", Phase.BACKFILL, command=call.text,
        relation=call.relation, reversibility=Reversibility.IMPOSSIBLE,
        why="done twice it would change documents twice, so it is not done in batches here",
        notes=("run it in mongosh, and say when it is done; or write it with $set, and a filter for what is left",),
    )  # fmt: skip


# Operators that leave a document as it is when they are used on it once more.
_IDEMPOTENT = frozenset({"$set", "$unset", "$setOnInsert", "$min", "$max", "$addToSet", "$pull", "$pullAll",
                         "$currentDate", "$rename"})  # fmt: skip


def _may_be_repeated(change: str) -> bool:
    """Whether a change made of operators does nothing more the second time; a pipeline may do anything."""
    return change.startswith("{") and {key for key, _ in _keys(change)} <= _IDEMPOTENT


def _drop(call: Call) -> tuple[ChangeStep, ...]:
    return (
        application(f"deploy code that does not use {call.collection} any more", "code that reads it finds nothing",
                    phase=Phase.CONTRACT, relation=call.relation),
        _command(call, f"drop {call.collection}", call.text, phase=Phase.CONTRACT, destructive=True,
                 reversibility=Reversibility.IMPOSSIBLE),
    )  # fmt: skip


def _rename(call: Call) -> tuple[ChangeStep, ...]:
    new = call.arguments[0].strip("\"'") if call.arguments else ""
    over = len(call.arguments) > 1 and "true" in call.arguments[1]
    back = f"{replace(call, collection=new).target}.renameCollection({json.dumps(call.collection)})"
    return (
        application(f"deploy code that works with {call.collection} and with {new}",
                    "the old name is gone in the same moment", phase=Phase.CONTRACT, relation=call.relation),
        _command(call, f"rename {call.collection} to {new}", call.text, phase=Phase.CONTRACT, blocks=Blocks.EVERYTHING,
                 down=() if over else (back,), destructive=over,
                 reversibility=Reversibility.IMPOSSIBLE if over else Reversibility.FREE,
                 notes=(f"{new} is dropped if it is there",) if over else ()),
    )  # fmt: skip


def _create_collection(call: Call) -> tuple[ChangeStep, ...]:
    name = call.arguments[0].strip("\"'") if call.arguments else ""
    made = replace(call, collection=name)
    return (_command(made, f"create {name}", call.text, down=(f"{made.target}.drop()",)),)


_PLANNERS = {
    "createIndex": _create_index,
    "dropIndex": _drop_index,
    "runCommand": _run_command,
    "updateMany": _write,
    "deleteMany": _write,
    "drop": _drop,
    "renameCollection": _rename,
    "createCollection": _create_collection,
}
