"""What MongoDB calls its things: see `model.nouns`."""

from __future__ import annotations

from dbtui.model.nouns import Nouns

NOUNS = Nouns(
    session="operation",
    sessions="operations",
    statement="operation",
    statements="operations",
    language="Command",
    dialect="",
    definition="Commands",
    headings={
        "live.id": "Opid",
        "live.transaction": "Txn age",
        "live.query": "Command",
        "statements.read": "",
        "statements.plans": "",
        "statements.hit": "",
        "statements.temp": "",
        "statements.wal": "",
        "statements.query": "Operation",
        "schema.columns": "Fields",
        "schema.name": "Field",
        "schema.type": "Types",
        "schema.null": "",
        "schema.default": "",
        "schema.constraints": "Validator",
        "schema.rows": "Documents",
        "schema.scans": "Uses",
        "kind.table": "collection",
        "kind.column": "field",
    },
)
