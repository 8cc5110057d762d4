"""Names and texts as SQL reads them back. MySQL's names in backquotes: see `engines.mysql.lex`."""

from __future__ import annotations


def identifier(name: str) -> str:
    """A name in double quotes, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a string constant of the standard: a backslash is nothing but that."""
    return "'" + text.replace("'", "''") + "'"


def postgres_literal(text: str) -> str:
    """A string constant that means the same whatever PostgreSQL's standard_conforming_strings is."""
    quoted = literal(text)
    return "E" + quoted.replace("\\", "\\\\") if "\\" in text else quoted


def mysql_literal(text: str) -> str:
    """A string constant of MySQL and MariaDB, where sql_mode lacks NO_BACKSLASH_ESCAPES (the usual)."""
    return literal(text.replace("\\", "\\\\"))
