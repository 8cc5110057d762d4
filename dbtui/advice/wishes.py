"""What somebody would like to be otherwise, written as the SQL that would make it so."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from dbtui.errors import UsageError
from dbtui.model.advice import NOTHING, WhatIf
from dbtui.sql.classify import first_word
from dbtui.sql.lex import meaningful, word
from dbtui.sql.split import split

_SET = re.compile(r"\s*set\s+(?:session\s+|local\s+)?(\w+(?:\.\w+)?)\s*(?:=|\bto\b)\s*(.+?)\s*", re.I | re.S)
_QUERIES = frozenset({"select", "with", "values", "update", "delete", "insert", "merge"})
EXPECTED = "write CREATE INDEX, CREATE STATISTICS, DROP INDEX, SET, or the query in other words"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be otherwise, and the statement in other words; "" for the same one."""

    what_if: WhatIf = NOTHING
    query: str = ""

    @property
    def empty(self) -> bool:
        return self == Wish()


def wished(text: str) -> Wish:
    """The wishes of a text, one statement each. Raises UsageError for what cannot be tried."""
    found = Wish()
    for statement in split(text):
        verb = first_word(statement.text)
        words = [word(statement.text, token) for token in meaningful(statement.text)]
        what_if = found.what_if
        if verb in _QUERIES:
            found = replace(found, query=statement.text)
        elif verb == "create" and "index" in words[1:3]:
            what_if = replace(what_if, indexes=(*what_if.indexes, statement.text))
        elif verb == "drop" and words[1:2] == ["index"]:
            what_if = replace(what_if, hidden=(*what_if.hidden, *dropped(statement.text)))
        elif verb == "set" and (setting := _SET.fullmatch(statement.text)) is not None:
            value = setting[2].strip("'")
            what_if = replace(what_if, settings={**what_if.settings, setting[1]: value})
        elif verb == "create" and "statistics" in words[1:2]:
            what_if = replace(what_if, statistics=(*what_if.statistics, statement.text))
        else:
            raise UsageError(f"{verb.upper() or 'this'} cannot be tried", EXPECTED)
        found = replace(found, what_if=what_if)
    return found


def dropped(statement: str) -> tuple[str, ...]:
    """The names in a DROP INDEX, as the planner knows them."""
    names: list[str] = []
    joined = False
    for token in list(meaningful(statement))[2:]:
        piece = statement[token.start : token.end]
        name = word(statement, token)
        if piece == ".":
            joined = True
        elif name and name not in ("concurrently", "if", "exists", "cascade", "restrict"):
            if joined and names:
                names[-1] = f"{names[-1]}.{name}"
            else:
                names.append(name)
            joined = False
    return tuple(names)
