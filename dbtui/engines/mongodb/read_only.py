"""Which commands only read. MongoDB has no read-only session, so this list and the user's roles are the guard.

What passes is a command of READING, its pipelines made of stages of STAGES, and nowhere in it, at any depth, a key
of what writes or runs JavaScript: $out, $merge, $where, $function, $accumulator, and everything that is internal.
That FerretDB lets a user with the role readAnyDatabase insert and $out has been seen on 2.7: there this list is all.

What no look at a command can see: views whose own pipeline runs JavaScript. A view cannot write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dbtui.engines.mongodb.shell import Command
from dbtui.errors import NotApproved

READING = frozenset({
    "find", "aggregate", "count", "distinct", "listCollections", "listDatabases", "listIndexes", "explain",
    "dbStats", "dbstats", "collStats", "collstats", "dataSize", "datasize", "hello", "isMaster", "ismaster",
    "buildInfo", "buildinfo", "ping", "serverStatus", "hostInfo", "connectionStatus", "whatsmyuri",
    "getParameter", "getCmdLineOpts", "getLog", "top", "currentOp", "lockInfo", "listCommands", "features",
    "replSetGetStatus", "replSetGetConfig", "getDefaultRWConcern", "connPoolStats", "listShards",
    "getShardMap", "balancerStatus", "balancerCollectionStatus", "shardingState", "usersInfo", "rolesInfo",
    "planCacheListFilters",
})  # fmt: skip
STAGES = frozenset({
    "$addFields", "$bucket", "$bucketAuto", "$collStats", "$count", "$currentOp", "$densify", "$documents",
    "$facet", "$fill", "$geoNear", "$graphLookup", "$group", "$indexStats", "$limit", "$listLocalSessions",
    "$listSampledQueries", "$listSearchIndexes", "$listSessions", "$lookup", "$match", "$planCacheStats",
    "$project", "$queryStats", "$querySettings", "$rankFusion", "$redact", "$replaceRoot", "$replaceWith",
    "$sample", "$score", "$scoreFusion", "$search", "$searchMeta", "$set", "$setWindowFields",
    "$shardedDataDistribution", "$skip", "$sort", "$sortByCount", "$unionWith", "$unset", "$unwind",
    "$vectorSearch",
})  # fmt: skip
PLANNED = frozenset(
    {"find", "aggregate", "count", "distinct", "update", "delete", "findAndModify", "findandmodify"}
)
_ACTING = frozenset(
    {"$out", "$merge", "$where", "$function", "$accumulator", "$changeStream", "$mergeCursors"}
)
_NOT_FOR_USERS = frozenset(
    {"lsid", "txnNumber", "autocommit", "startTransaction", "speculativeAuthenticate", "noCursorTimeout"}
)
_DOLLARS = frozenset({"$readPreference", "$all", "$ownOps"})  # the last two are options of currentOp
_HINT = "approve it as a write to run it"


def check(command: Command) -> None:
    """Raise NotApproved unless a command only reads. A change of documents may be explained, not measured."""
    if command.explain:
        _check_explain(command)
        return
    _check_fields(command.document)
    if command.name not in READING:
        raise NotApproved(f"read-only: {command.name or 'an empty command'} is not known to only read", _HINT)
    if command.name == "explain":
        raise NotApproved("read-only: explain holds no command", 'write it as {"explain": {…}}')
    _check_content(command.document)


def only_reads(command: Command) -> bool:
    """Whether `check` passes."""
    try:
        check(command)
    except NotApproved:
        return False
    return True


def _check_explain(command: Command) -> None:
    if command.name not in PLANNED:
        raise NotApproved(
            f"read-only: {command.name} has no plan", "only queries and changes of documents have one"
        )
    if command.explain != "queryPlanner" and command.name not in READING:
        raise NotApproved("read-only: the plan of a change is measured only with an approval", _HINT)
    _check_fields(command.document)
    _check_content(command.document)


def _check_fields(document: Mapping[str, Any]) -> None:
    """Fields beside the command that belong to the protocol, and could change what is meant."""
    for key in document:
        if key in _NOT_FOR_USERS or (key.startswith("$") and key not in _DOLLARS):
            raise NotApproved(f"read-only: {key} is not for users to give", "leave it out")


def _check_content(document: Mapping[str, Any]) -> None:
    for stage in _stages(document.get("pipeline", [])):
        if stage not in STAGES:
            raise NotApproved(f"read-only: {stage} is not known to only read", _HINT)
    for key in _keys(document):
        if key in _ACTING or key.startswith(("$_internal", "_internal")):
            what = (
                "runs JavaScript on the server" if key in ("$where", "$function", "$accumulator") else "acts"
            )
            raise NotApproved(f"read-only: {key} {what}", _HINT)


def _stages(pipeline: object) -> Iterator[str]:
    """The names of a pipeline's stages. What is no stage is named too, so that it is refused."""
    if not isinstance(pipeline, list):
        yield "a pipeline that is no list"
        return
    for stage in pipeline:
        if not isinstance(stage, Mapping) or len(stage) != 1:
            yield "a stage that is not one key"
            continue
        name, body = next(iter(stage.items()))
        yield str(name)
        yield from _nested(name, body)


def _nested(name: str, body: object) -> Iterator[str]:
    """The stages of pipelines inside a stage: $lookup, $unionWith, $facet, $rankFusion and their like."""
    if not isinstance(body, Mapping):
        return
    if name == "$facet":
        for pipeline in body.values():
            yield from _stages(pipeline)
        return
    if "pipeline" in body and name in ("$lookup", "$unionWith"):
        yield from _stages(body["pipeline"])
    several = body.get("input") if name in ("$rankFusion", "$scoreFusion") else None
    pipelines = several.get("pipelines") if isinstance(several, Mapping) else None
    if isinstance(pipelines, Mapping):
        for pipeline in pipelines.values():
            yield from _stages(pipeline)


def _keys(value: object) -> Iterator[str]:
    """Every key at every depth."""
    waiting: list[object] = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            yield from (str(key) for key in one)
            waiting.extend(one.values())
        elif isinstance(one, list | tuple):
            waiting.extend(one)
