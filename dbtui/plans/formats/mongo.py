"""Plans of MongoDB and its kin, as `explain` answers: classic and slot-based, aggregations, shards, DocumentDB.

Read from JSON, or as mongosh prints it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from dbtui.documents import listing, mapping
from dbtui.errors import InputError
from dbtui.model.plan import Plan
from dbtui.plans.formats import mongo_documentdb, mongo_sbe, mongo_shell
from dbtui.plans.formats.mongo_stages import clock, properties, stage_of
from dbtui.plans.formats.postgres_document import figure, text_of, too_deep
from dbtui.plans.formats.stages import SHARD, Stage, finish

_MARK = re.compile(r"""["']?(?:queryPlanner|mergeType|splitPipeline|explainVersion)["']?\s*:""")
_CURSORS = ("$cursor", "$geoNearCursor")
_NUMBERS = frozenset({"$numberLong", "$numberInt", "$numberDouble", "$numberDecimal"})
_BEGINNING = 20_000  # characters in which a plan says what it is


def recognise(text: str) -> bool:
    """Whether a text is a plan of MongoDB or DocumentDB."""
    head = text.lstrip("\ufeff \t\r\n")
    return head[:1] in ("{", "[") and bool(_MARK.search(head, 0, _BEGINNING))


def read(text: str) -> Plan:
    """The measured plan. Raises InputError."""
    try:
        return _plan(_document(text), text)
    except RecursionError:
        raise too_deep() from None


def _document(text: str) -> Mapping[str, Any]:
    bare = text.lstrip("\ufeff \t\r\n")
    try:
        document = json.loads(bare, object_hook=_number)
    except ValueError:
        try:
            document = json.loads(mongo_shell.as_json(bare), object_hook=_number)
        except ValueError as error:
            line = getattr(error, "lineno", 1)
            raise InputError("the plan breaks off", f"the text cannot be read from line {line} on") from None
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    if not isinstance(document, Mapping):
        raise InputError("this is not a plan of MongoDB", "it has no queryPlanner")
    return document


def _number(pairs: dict[str, Any]) -> Any:
    """Extended JSON's numbers, {"$numberLong": "5"}, as numbers."""
    if len(pairs) == 1:
        ((key, value),) = pairs.items()
        if key in _NUMBERS and isinstance(value, str):
            try:
                return (
                    int(value) if key in ("$numberLong", "$numberInt") and len(value) < 25 else float(value)
                )
            except ValueError:
                return pairs
    return pairs


def _plan(document: Mapping[str, Any], text: str) -> Plan:
    planner = mapping(document.get("queryPlanner"))
    if isinstance(planner.get("Plan"), Mapping):
        return mongo_documentdb.read(document, text)
    about = _about(document)
    if isinstance(document.get("shards"), Mapping):
        return finish(_merged(document), "mongo-sharded", text, **about)
    if isinstance(document.get("stages"), list):
        root, spent = _pipeline(document["stages"])
        return finish(root, "mongo-aggregate", text, execution_ms=spent, **about)
    if planner:
        root, spent = _found(document)
        if "shards" in mapping(planner.get("winningPlan")):
            form = "mongo-sharded"
        else:
            form = "mongo-sbe" if "queryPlan" in mapping(planner.get("winningPlan")) else "mongo-classic"
        return finish(root, form, text, execution_ms=spent, **about)
    raise InputError("this is not a plan of MongoDB", "it has no queryPlanner, stages or shards")


def _about(document: Mapping[str, Any]) -> dict[str, Any]:
    """What a plan says besides its stages."""
    planner = mapping(document.get("queryPlanner"))
    command = {
        key: value for key, value in mapping(document.get("command")).items() if not key.startswith("$")
    }
    rejected = planner.get("rejectedPlans")
    notes = []
    if isinstance(rejected, list) and rejected:
        notes.append(f"{len(rejected)} other plan{'' if len(rejected) == 1 else 's'} rejected")
    stats = mapping(document.get("executionStats"))
    if stats.get("executionSuccess") is False:
        notes.append(f"the run failed: {text_of(stats.get('errorMessage'))}")
    kept = ("explainVersion", "mergeType", "serverParameters")
    return {
        "query": json.dumps(command, ensure_ascii=False) if command else "",
        "server_version": text_of(mapping(document.get("serverInfo")).get("version")),
        "planning_ms": figure(planner.get("optimizationTimeMillis"), "optimizationTimeMillis"),
        "extra": {key: document[key] for key in kept if key in document},
        "notes": tuple(notes),
    }


def _found(document: Mapping[str, Any]) -> tuple[Stage, float | None]:
    """The stages of a find, or of an aggregation that was pushed down; and the server's time for the whole."""
    planner, stats = mapping(document.get("queryPlanner")), mapping(document.get("executionStats"))
    winning = mapping(planner.get("winningPlan"))
    executed = mapping(stats.get("executionStages"))
    namespace = text_of(planner.get("namespace"))
    spent = figure(stats.get("executionTimeMillis"), "executionTimeMillis")
    if "shards" in winning or "shards" in executed:
        return _sharded(winning, executed), spent
    if isinstance(winning.get("queryPlan"), Mapping):
        return mongo_sbe.stage_of(winning["queryPlan"], executed or None, namespace), spent
    if executed:
        return stage_of(executed, namespace, ran=True), spent
    if winning:
        return stage_of(winning, namespace, ran=False), None
    raise InputError("this is not a plan of MongoDB", "it has no winningPlan")


def _sharded(winning: Mapping[str, Any], executed: Mapping[str, Any]) -> Stage:
    """A find over shards: each has a plan of its own, and they run at once."""
    source = executed or winning
    planned = {text_of(mapping(one).get("shardName")): mapping(one) for one in listing(winning.get("shards"))}
    made = Stage(
        name=text_of(source.get("stage")) or "SHARD_MERGE",
        ms=figure(executed.get("executionTimeMillis"), "time") if executed else None,
        rows=figure(executed.get("nReturned"), "nReturned") if executed else None,
        loops=1.0 if executed else None,
        properties=properties(source),
    )
    for one in listing(source.get("shards")):
        shard = mapping(one)
        name = text_of(shard.get("shardName"))
        about = {**planned.get(name, {}), **shard}
        made.children.append(
            _shard(name, {"queryPlanner": about, "executionStats": shard if executed else {}})
        )
    return made


def _shard(name: str, document: Mapping[str, Any]) -> Stage:
    """One shard, above its own plan: of a find, or stages of an aggregation."""
    if isinstance(document.get("stages"), list):
        root, spent = _pipeline(document["stages"])
    else:
        root, spent = _found(document)
    ran = root.loops is not None
    times = [time for time in (spent, root.ms) if time is not None]
    return Stage(
        name="shard",
        detail=name,
        relationship=SHARD,
        subplan=name,
        ms=max(times, default=None),
        rows=root.rows,
        loops=1.0 if ran else None,
        properties={key: text_of(document[key]) for key in ("host",) if key in document},
        children=[root],
    )


def _pipeline(stages: list[Any]) -> tuple[Stage, float | None]:
    """The stages of an aggregation, the last on top; their times contain those of the stages before them."""
    below: Stage | None = None
    spent: float | None = None
    ran = any(
        "nReturned" in mapping(stage) or "executionStats" in _cursor(mapping(stage)) for stage in stages
    )
    for one in stages:
        stage = mapping(one)
        name = next((key for key in stage if key.startswith("$")), "")
        if not name:
            raise InputError("this is not a plan of MongoDB", "a stage of the pipeline has no name")
        made = _pipeline_stage(name, stage, ran=ran)
        if name in _CURSORS:
            root, spent = _found(_cursor(stage))
            made.children = [root]
            made.rows = root.rows if made.rows is None else made.rows
        elif below is not None:
            made.children = [below]
        below = made
    if below is None:
        raise InputError("this is not a plan of MongoDB", "its pipeline has no stage")
    if spent is None or (below.ms or 0.0) > spent:
        spent = below.ms
    return below, spent


def _cursor(stage: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((mapping(stage[key]) for key in _CURSORS if key in stage), {})


def _pipeline_stage(name: str, stage: Mapping[str, Any], *, ran: bool) -> Stage:
    body = stage.get(name)
    shown = "" if name in _CURSORS else json.dumps(body, ensure_ascii=False)
    namespace = text_of(mapping(_cursor(stage).get("queryPlanner")).get("namespace"))
    return Stage(
        name=name,
        detail=_short(name, body),
        relation=namespace,
        index=", ".join(map(text_of, listing(stage.get("indexesUsed")))),
        ms=clock(stage) if ran else None,
        rows=figure(stage.get("nReturned"), "nReturned") if ran else None,
        loops=1.0 if ran else None,
        properties={
            **({name: shown} if shown else {}),
            **properties({key: value for key, value in stage.items() if key != name}),
        },
    )


def _short(name: str, body: object) -> str:
    """What a stage is about, for its label."""
    about = mapping(body)
    if name == "$lookup":
        return f"from {text_of(about.get('from'))} as {text_of(about.get('as'))}"
    if name == "$group":
        return f"by {json.dumps(about.get('_id'), ensure_ascii=False)[:60]}"
    if name in ("$limit", "$skip"):
        return text_of(body)
    if name == "$unwind":
        return text_of(about.get("path") or body)
    if name == "$sort":
        return json.dumps(about.get("sortKey", body), ensure_ascii=False)[:60]
    return ""


def _merged(document: Mapping[str, Any]) -> Stage:
    """An aggregation over shards: each has stages or a plan; what the merger does has no figures."""
    shards = document["shards"]
    made = Stage(name="SHARD_MERGE" if len(shards) > 1 else "SINGLE_SHARD", properties={})
    made.children = [_shard(text_of(name), mapping(one)) for name, one in shards.items()]
    ran = any(child.loops is not None for child in made.children)
    made.loops = 1.0 if ran else None
    counted = [child.rows for child in made.children if child.rows is not None]
    made.rows = sum(counted) if counted else None
    if document.get("mergeType"):
        made.properties = {"mergeType": text_of(document["mergeType"])}
    for stage in listing(mapping(document.get("splitPipeline")).get("mergerPart")):
        name = next((key for key in mapping(stage) if key.startswith("$")), "")
        if not name or name == "$mergeCursors":
            continue
        above = _pipeline_stage(name, mapping(stage), ran=False)
        above.loops = 1.0 if ran else None
        above.children = [made]
        made = above
    return made
