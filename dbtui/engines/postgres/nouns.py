"""What PostgreSQL calls its things: see `model.nouns`."""

from __future__ import annotations

from dbtui.model.nouns import Nouns

NOUNS = Nouns()
