"""A script cut into statements: offsets, lines, psql's and mysql's own commands, and what is left half open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dbtui.model.migration import Engine


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a script. `kind` is "sql", "command" (of the client, not the server) or "open" (never ended)."""

    sql: str  # the user's own text without the terminator and without comments before it
    start: int
    line: int
    kind: str = "sql"
    comments: str = ""  # what stood before it


_POSTGRESQL = re.compile(
    r"(?P<line>--[^\n]*)|(?P<block>/\*)|(?P<escape>(?<![\w$])[eE]')|(?P<single>')|(?P<double>\")"
    r"|(?P<dollar>(?<![\w$])\$(?:[^\W\d]\w*)?\$)|(?P<open>\()|(?P<close>\))|(?P<end>;)|(?P<command>\\)"
)
_MYSQL = re.compile(
    r"(?P<line>--(?=\s)[^\n]*|\#[^\n]*)|(?P<block>/\*(?!!))|(?P<escape>')|(?P<escape2>\")|(?P<back>`)"
    r"|(?P<open>\()|(?P<close>\))|(?P<end>;)|(?P<delimiter>^[ \t]*DELIMITER[ \t]+(\S+)[^\n]*)",
    re.I | re.M,
)
_SQLITE = re.compile(
    r"(?P<line>--[^\n]*)|(?P<block>/\*)|(?P<single>')|(?P<double>\")|(?P<back>`)|(?P<bracket>\[)"
    r"|(?P<open>\()|(?P<close>\))|(?P<end>;)|(?P<command>^\.)",
    re.M,
)
_PATTERNS = {
    Engine.POSTGRESQL: _POSTGRESQL,
    Engine.MYSQL: _MYSQL,
    Engine.MARIADB: _MYSQL,
    Engine.SQLITE: _SQLITE,
}
_BLOCK_EDGE = re.compile(r"/\*|\*/")
_CLOSERS = {
    "single": re.compile(r"[^']*(?:''[^']*)*'"),
    "double": re.compile(r'[^"]*(?:""[^"]*)*"'),
    "back": re.compile(r"[^`]*(?:``[^`]*)*`"),
    "bracket": re.compile(r"[^\]]*\]"),
    "escape": re.compile(r"[^'\\]*(?:(?:''|\\.)[^'\\]*)*'", re.S),
    "escape2": re.compile(r'[^"\\]*(?:(?:""|\\.)[^"\\]*)*"', re.S),
}
_LEADING = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|;)+")
_MYSQL_LEADING = re.compile(r"(?:\s+|(?:--(?=\s)|\#)[^\n]*(?:\n|$)|;)+")
_COPY_FROM_STDIN = re.compile(r"\\?COPY\b.*\bFROM\s+STDIN\b", re.I | re.S)
_COMPOUND = re.compile(
    r"CREATE\s+(?:OR\s+REPLACE\s+)?(?:TEMP(?:ORARY)?\s+)?(?:DEFINER\s*=\s*\S+\s+)?(?:AGGREGATE\s+)?"
    r"(?:TRIGGER|FUNCTION|PROCEDURE|EVENT)\b",
    re.I,
)
_SKIPPED_IN_BODY = re.compile(r"'(?:[^'\\]|''|\\.)*'|\"[^\"]*\"|`[^`]*`|--[^\n]*|/\*.*?\*/", re.S)
_BODY_WORD = re.compile(r"\b(BEGIN|CASE|END)\b(?:\s+(IF|LOOP|WHILE|REPEAT|CASE|FOR)\b)?", re.I)


def split_script(text: str, engine: Engine) -> Iterator[Chunk]:
    """The statements of a script in order.

    Nothing is lost: a statement that never ends is a chunk of kind "open", and a client's own commands are
    chunks of kind "command". Data lines after COPY … FROM STDIN are skipped.
    """
    return _Splitter(text, engine).chunks()


class _Splitter:
    """One pass over a script; the position and line only move forward."""

    def __init__(self, text: str, engine: Engine) -> None:
        self.text = text
        self.engine = engine
        self.mysql = engine in (Engine.MYSQL, Engine.MARIADB)
        self.pattern = _PATTERNS[engine]
        self.leading = _MYSQL_LEADING if self.mysql else _LEADING
        self.delimiter = ";"
        self.counted = 0
        self.line = 1

    def chunks(self) -> Iterator[Chunk]:
        position = 0
        while position < len(self.text):
            start = self._after_comments(position)
            if start >= len(self.text):
                return
            comments = self.text[position:start]
            end, following, kind = self._statement_end(start)
            sql = self.text[start:end].rstrip()
            if sql and kind != "delimiter":
                yield Chunk(sql, start, self._line_of(start), kind, comments)
            position = following

    def _after_comments(self, position: int) -> int:
        while True:
            before = self.leading.match(self.text, position)
            if before:
                position = before.end()
            comment = self.text.startswith("/*", position)
            if not comment or (self.mysql and self.text.startswith("/*!", position)):
                return position
            end = self._block_end(position + 2)
            if end is None:
                return position
            position = end

    def _line_of(self, offset: int) -> int:
        self.line += self.text.count("\n", self.counted, offset)
        self.counted = offset
        return self.line

    def _statement_end(self, start: int) -> tuple[int, int, str]:
        """End of the statement's text, start of the next, and the chunk's kind."""
        position, depth = start, 0
        while True:
            match = self._search(position)
            if match is None:
                return len(self.text), len(self.text), "sql"
            what, at = match.lastgroup or "", match.start()
            if what == "delimiter" or (
                match.re is _MYSQL and match.group().lstrip()[:9].upper() == "DELIMITER"
            ):
                if self.text[start:at].strip():
                    return at, at, "sql"
                self.delimiter = match.group().split()[1]
                return match.end(), match.end(), "delimiter"
            if what == "command":
                if not self.text[start:at].strip():
                    return self._command(at)
                # A psql command inside a statement (\gexec, \g) ends it and changes what it means.
                line_end = self._end_of_line(at)
                return line_end, line_end, "open"
            if what == "end":
                if depth > 0 or self._inside_body(start, at):
                    position = match.end()
                    continue
                return at, self._after(start, at, match.end()), "sql"
            if what in ("open", "close"):
                depth = max(0, depth + (1 if what == "open" else -1))
                position = match.end()
                continue
            closed = self._closed(what, match)
            if closed is None:
                return len(self.text), len(self.text), "open"
            position = closed

    def _search(self, position: int) -> re.Match[str] | None:
        if self.delimiter == ";":
            return self.pattern.search(self.text, position)
        return re.compile(
            rf"(?P<end>{re.escape(self.delimiter)})|{_MYSQL.pattern.replace('(?P<end>;)', '(?P<never>(?!))')}",
            re.I | re.M,
        ).search(self.text, position)

    def _closed(self, what: str, match: re.Match[str]) -> int | None:
        """Where a comment or quoted text ends, or None when it never does."""
        if what == "line":
            return match.end()
        if what == "dollar":
            found = self.text.find(match.group(), match.end())
            return None if found < 0 else found + len(match.group())
        if what == "block":
            return self._block_end(match.end())
        closer = _CLOSERS[what].match(self.text, match.end())
        return closer.end() if closer else None

    def _block_end(self, position: int) -> int | None:
        """PostgreSQL's comments nest, the others' do not."""
        depth = 1
        while depth:
            edge = _BLOCK_EDGE.search(self.text, position)
            if edge is None:
                return None
            position = edge.end()
            if edge.group() == "*/":
                depth -= 1
            elif self.engine is Engine.POSTGRESQL:
                depth += 1
        return position

    def _end_of_line(self, position: int) -> int:
        found = self.text.find("\n", position)
        return len(self.text) if found < 0 else found + 1

    def _command(self, at: int) -> tuple[int, int, str]:
        end = self._end_of_line(at)
        return end, self._after(at, end, end), "command"

    def _inside_body(self, start: int, at: int) -> bool:
        """Whether this semicolon stands inside the body of a trigger or routine (BEGIN … END)."""
        if not _COMPOUND.match(self.text, start):
            return False
        body = self.text[start:at]
        if self.engine is Engine.POSTGRESQL and not re.search(r"\bBEGIN\s+ATOMIC\b", body, re.I):
            return False
        depth = 0
        for word in _BODY_WORD.finditer(_SKIPPED_IN_BODY.sub(" ", body)):
            if word.group(1).upper() != "END":
                depth += 1
            elif (word.group(2) or "CASE").upper() == "CASE":
                depth -= 1
        return depth > 0

    def _after(self, start: int, at: int, following: int) -> int:
        """Where the next statement may start: after the data of a COPY, else after the terminator."""
        copies = self.text[start : start + 5].removeprefix("\\")[:4].upper() == "COPY"
        if (
            self.engine is not Engine.POSTGRESQL
            or not copies
            or not _COPY_FROM_STDIN.match(self.text, start, at)
        ):
            return following
        end = re.compile(r"^\\\.[ \t\r]*$", re.M).search(self.text, following)
        return end.end() if end else len(self.text)
