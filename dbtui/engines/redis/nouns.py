"""What Redis and Valkey call their things: see `model.nouns`."""

from __future__ import annotations

from dbtui.model.nouns import Nouns

NOUNS = Nouns(
    session="client",
    sessions="clients",
    statement="command",
    statements="commands",
    language="Command",
    dialect="",
    unblocked="",
    definition="Command",
    headings={
        "live.id": "Client",
        "live.database": "DB",
        "live.application": "Name",
        "live.client": "Address",
        "live.transaction": "Multi age",
        "live.query": "Command",
        "statements.rows": "",
        "statements.read": "",
        "statements.plans": "",
        "statements.hit": "",
        "statements.temp": "",
        "statements.wal": "",
        "statements.user": "",
        "statements.database": "",
        "statements.query": "Command",
        "schema.columns": "",
        "schema.indexes": "",
        "schema.constraints": "",
        "schema.rows": "Value",
    },
)
