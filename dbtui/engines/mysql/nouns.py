"""What MySQL and MariaDB call their things: see `model.nouns`."""

from __future__ import annotations

from dbtui.model.nouns import Nouns

NOUNS = Nouns(
    dialect="mysql",
    headings={
        "live.id": "Id",
        "live.transaction": "Trx age",
        "statements.read": "",
        "statements.plans": "",
        "statements.hit": "",
        "statements.temp": "",
        "statements.wal": "",
        "statements.user": "",
    },
)
