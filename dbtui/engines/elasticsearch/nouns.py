"""What Elasticsearch and OpenSearch call their things: see `model.nouns`."""

from __future__ import annotations

from dbtui.model.nouns import Nouns

NOUNS = Nouns(
    session="task",
    sessions="tasks",
    statement="request",
    statements="requests",
    language="Request",
    definition="Request",
    dialect="",
    unblocked="",
    headings={
        "live.id": "Task",
        "live.user": "",
        "live.database": "Index",
        "live.application": "Opaque id",
        "live.client": "Node",
        "live.wait": "",
        "live.transaction": "",
        "live.query": "Request",
        "statements.rows": "",
        "statements.read": "",
        "statements.plans": "",
        "statements.hit": "",
        "statements.temp": "",
        "statements.wal": "",
        "statements.user": "",
        "statements.database": "",
        "statements.query": "Work",
        "kind.database": "cluster",
        "kind.table": "index",
        "kind.view": "alias",
        "kind.column": "field",
        "schema.columns": "Fields",
        "schema.name": "Field",
        "schema.null": "",
        "schema.default": "",
        "schema.indexes": "",
        "schema.constraints": "",
        "schema.rows": "Documents",
    },
)
