"""What a user types, as one command: `{"find": "orders", "filter": {…}}`, or `db.orders.find({…}).limit(5)`.

The forms of mongosh that are known are listed in FORMS; they are read, never evaluated. Anything else is refused
with its position.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dbtui.engines.mongodb.literals import Reader
from dbtui.errors import QueryError

HOW = 'write db.orders.find({…}), db.orders.aggregate([…]), or a command such as {"find": "orders"}'


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `database` is "" unless the text names one; `explain` is the wanted verbosity, "" for none."""

    document: Mapping[str, Any]
    database: str = ""
    explain: str = ""

    @property
    def name(self) -> str:
        """The command's verb: the document's first key."""
        return next(iter(self.document), "")


def parse(text: str) -> Command:
    """The one command of a text. Raises QueryError with a position."""
    reader = Reader(text)
    first = reader.next()
    if not first:
        raise QueryError("there is no command to run", HOW)
    if first == "{":
        document = reader.value()
        if not isinstance(document, dict):
            raise reader.error("this is a value, not a command", HOW, at=0)
        command = _unwrapped(Command(document))
    else:
        command = _shell(reader)
    reader.take(";")
    if rest := reader.next():
        raise reader.error(f"{rest!r} stands after the end of the command", "run one command at a time")
    return command


def _unwrapped(command: Command) -> Command:
    """`{"explain": {…}, "verbosity": …}` as the command inside; $db as the database."""
    document = dict(command.document)
    database = str(document.pop("$db", command.database))
    inner = document.get("explain")
    if command.name == "explain" and isinstance(inner, dict):
        inner = dict(inner)
        database = str(inner.pop("$db", database))
        return Command(inner, database, str(document.get("verbosity", "queryPlanner")))
    return Command(document, database, command.explain)


def _shell(reader: Reader) -> Command:
    start = reader.at
    if reader.name() != "db":
        raise reader.error("this is no command", HOW, at=start)
    path: list[str] = []
    database = ""
    while True:
        if reader.take("["):
            path.append(reader.string())
            reader.expect("]", "after a collection's name")
            continue
        reader.expect(".", "after db")
        at = reader.at
        name = reader.name()
        if not name:
            raise reader.error("a name is missing after the dot", HOW)
        if reader.next() != "(":
            path.append(name)
            continue
        if name in ("getSiblingDB", "getCollection"):
            (argument,) = _texts(reader, name, 1)
            if name == "getSiblingDB":
                database = argument
            else:
                path.append(argument)
            continue
        return _called(reader, database, ".".join(path), name, at)


def _texts(reader: Reader, name: str, count: int) -> list[str]:
    start = reader.at
    found = reader.arguments()
    if len(found) != count or not all(isinstance(one, str) and one for one in found):
        raise reader.error(f"{name} takes {count} text{'' if count == 1 else 's'}", at=start)
    return found


def _called(reader: Reader, database: str, collection: str, name: str, at: int) -> Command:
    """The method with its arguments, and what is chained behind it."""
    explain = ""
    if name == "explain":  # db.orders.explain("executionStats").find(…)
        explain = str(next(iter(reader.arguments()), "queryPlanner"))
        reader.expect(".", "after explain()")
        at = reader.at
        name = reader.name()
    forms = FORMS if collection else DATABASE_FORMS
    if name not in forms:
        known = ", ".join(sorted(forms))
        raise reader.error(
            f"{name}() is not known here", f"known are {known}; or write the command itself", at=at
        )
    arguments = reader.arguments()
    try:
        document = forms[name](*((collection, *arguments) if collection else arguments))
    except (TypeError, ValueError, AttributeError):
        raise reader.error(f"{name}() takes other arguments", HOW, at=at) from None
    database = "admin" if name == "adminCommand" else database
    return _chained(reader, dict(document), database, explain, name)


def _chained(reader: Reader, document: dict[str, Any], database: str, explain: str, name: str) -> Command:
    while reader.take("."):
        at = reader.at
        link = reader.name()
        arguments = reader.arguments()
        if link == "explain":
            explain = str(arguments[0]) if arguments else "queryPlanner"
        elif link in ("count", "size", "itcount") and name == "find":
            options = ("limit", "skip", "hint", "collation")
            kept: Document = {key: document[key] for key in options if key in document}
            document = {"count": document["find"], "query": document.get("filter", {}), **kept}
        elif link in _LINKS and len(arguments) == 1 and name in ("find", "findOne", "aggregate"):
            document[_LINKS[link]] = arguments[0]
        elif link not in ("toArray", "pretty") or arguments:
            raise reader.error(
                f".{link}() is not known here", "known are " + ", ".join(sorted(_LINKS)), at=at
            )
    return _unwrapped(Command(document, database, explain))


_LINKS = {
    "sort": "sort",
    "limit": "limit",
    "skip": "skip",
    "hint": "hint",
    "batchSize": "batchSize",
    "collation": "collation",
    "comment": "comment",
    "maxTimeMS": "maxTimeMS",
    "allowDiskUse": "allowDiskUse",
    "projection": "projection",
    "min": "min",
    "max": "max",
    "let": "let",
    "readConcern": "readConcern",
}

Document = dict[str, Any]


def _object(value: Any) -> Document:
    if not isinstance(value, dict):
        raise TypeError("an object is wanted")
    return value


def _find(collection: str, query: Any = None, projection: Any = None, options: Any = None) -> Document:
    made: Document = {"find": collection, "filter": _object(query or {})}
    if projection is not None:
        made["projection"] = _object(projection)
    return made | _object(options or {})


def _find_one(collection: str, query: Any = None, projection: Any = None, options: Any = None) -> Document:
    return _find(collection, query, projection, options) | {"limit": 1}


def _aggregate(collection: str | int, *arguments: Any) -> Document:
    """`aggregate([…], options)`, and the old form with stages as arguments."""
    if arguments and isinstance(arguments[0], list):
        pipeline, options = arguments[0], _object(arguments[1] if len(arguments) > 1 else {})
    else:
        pipeline, options = [_object(stage) for stage in arguments], {}
    return {"aggregate": collection, "pipeline": pipeline, "cursor": {}} | options


def _count_documents(collection: str, query: Any = None, options: Any = None) -> Document:
    options = _object(options or {})
    stages: list[Document] = [{"$match": _object(query or {})}]
    stages += [{f"${name}": options[name]} for name in ("skip", "limit") if name in options]
    return {
        "aggregate": collection,
        "pipeline": [*stages, {"$group": {"_id": 1, "n": {"$sum": 1}}}],
        "cursor": {},
    }


def _update(multi: bool) -> Callable[..., Document]:
    def made(collection: str, query: Any, change: Any, options: Any = None) -> Document:
        one = {"q": _object(query), "u": change, "multi": multi} | _object(options or {})
        return {"update": collection, "updates": [one]}

    return made


def _delete(limit: int) -> Callable[..., Document]:
    def made(collection: str, query: Any) -> Document:
        return {"delete": collection, "deletes": [{"q": _object(query), "limit": limit}]}

    return made


def _index(collection: str, keys: Any, options: Any = None) -> Document:
    keys = _object(keys)
    name = "_".join(f"{field}_{direction}" for field, direction in keys.items())
    return {"createIndexes": collection, "indexes": [{"key": keys, "name": name} | _object(options or {})]}


def _change(collection: str, query: Any, change: Any, options: Any = None) -> Document:
    return {"findAndModify": collection, "query": _object(query), "update": change} | _object(options or {})


FORMS: Mapping[str, Callable[..., Document]] = {
    "find": _find,
    "findOne": _find_one,
    "aggregate": _aggregate,
    "count": lambda collection, query=None: {"count": collection, "query": _object(query or {})},
    "countDocuments": _count_documents,
    "estimatedDocumentCount": lambda collection: {"count": collection},
    "distinct": lambda collection, key, query=None: {
        "distinct": collection,
        "key": str(key),
        "query": _object(query or {}),
    },
    "insertOne": lambda collection, document: {"insert": collection, "documents": [_object(document)]},
    "insertMany": lambda collection, documents: {"insert": collection, "documents": list(documents)},
    "updateOne": _update(False),
    "updateMany": _update(True),
    "replaceOne": _update(False),
    "deleteOne": _delete(1),
    "deleteMany": _delete(0),
    "findOneAndUpdate": _change,
    "findOneAndReplace": _change,
    "findOneAndDelete": lambda collection, query: {
        "findAndModify": collection,
        "query": _object(query),
        "remove": True,
    },
    "createIndex": _index,
    "dropIndex": lambda collection, index: {"dropIndexes": collection, "index": index},
    "drop": lambda collection: {"drop": collection},
    "getIndexes": lambda collection: {"listIndexes": collection},
    "stats": lambda collection: {"collStats": collection},
}
DATABASE_FORMS: Mapping[str, Callable[..., Document]] = {
    "runCommand": _object,
    "adminCommand": _object,
    "aggregate": lambda *arguments: _aggregate(1, *arguments),
    "getCollectionNames": lambda: {"listCollections": 1, "nameOnly": True},
    "getCollectionInfos": lambda query=None: {"listCollections": 1, "filter": _object(query or {})},
    "stats": lambda: {"dbStats": 1},
    "hello": lambda: {"hello": 1},
    "version": lambda: {"buildInfo": 1},
    "serverStatus": lambda: {"serverStatus": 1},
    "currentOp": lambda: {"currentOp": 1},
    "createCollection": lambda name, options=None: {"create": str(name)} | _object(options or {}),
    "dropDatabase": lambda: {"dropDatabase": 1},
}
