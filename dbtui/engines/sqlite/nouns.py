"""What SQLite calls its things: see `model.nouns`. Its sessions are processes that hold the file."""

from __future__ import annotations

from dbtui.model.nouns import Nouns

NOUNS = Nouns(
    dialect="sqlite",
    session="process",
    sessions="processes",
    headings={
        "live.application": "Program",
        "live.client": "",
        "live.transaction": "Lock age",
        "live.query": "",
        "schema.scans": "",
    },
)
