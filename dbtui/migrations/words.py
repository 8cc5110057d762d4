"""Reading a statement word by word, for dialects whose DDL is recognised here."""

from __future__ import annotations

from dbtui.migrations.not_understood import NotUnderstoodError
from dbtui.migrations.tokens import Token, parts, tokens
from dbtui.model.migration import Engine, Relation

_END = Token("end", "", 0)


class Words:
    """A cursor over the tokens of a statement. What does not fit raises NotUnderstoodError."""

    def __init__(self, sql: str, engine: Engine) -> None:
        self.sql = sql
        self.engine = engine
        self.found = tuple(tokens(sql, engine))
        self.at = 0

    @property
    def next(self) -> Token:
        return self.found[self.at] if self.at < len(self.found) else _END

    @property
    def done(self) -> bool:
        return self.at >= len(self.found)

    def ahead(self, *words: str) -> bool:
        """Whether these words come next."""
        following = self.found[self.at : self.at + len(words)]
        return len(following) == len(words) and all(
            t.upper == w for t, w in zip(following, words, strict=True)
        )

    def take(self, *words: str) -> bool:
        """Go past these words, if all of them come next."""
        if self.ahead(*words):
            self.at += len(words)
            return True
        return False

    def take_any(self, *words: str) -> str:
        """Go past one of these words and say which; "" when none comes next."""
        for word in words:
            if self.take(word):
                return word
        return ""

    def expect(self, *words: str) -> None:
        if not self.take(*words):
            raise self.unexpected(" ".join(words))

    def unexpected(self, wanted: str) -> NotUnderstoodError:
        near = self.next.text or "the end"
        return NotUnderstoodError(f"{wanted} expected near {near[:40]}")

    def token(self) -> Token:
        """The next token, whatever it is."""
        if self.done:
            raise self.unexpected("more")
        self.at += 1
        return self.found[self.at - 1]

    def name(self) -> str:
        """A bare or quoted identifier."""
        if self.next.kind not in ("word", "quoted") and not (
            self.engine is Engine.SQLITE and self.next.kind == "string"
        ):
            raise self.unexpected("a name")
        token = self.token()
        return token.value if token.kind == "string" else token.name

    def relation(self) -> Relation:
        first = self.name()
        return Relation(self.name(), first) if self.take(".") else Relation(first)

    def inside(self) -> tuple[Token, ...]:
        """The tokens of a bracketed group that comes next, without its brackets."""
        self.expect("(")
        start, depth = self.at, 1
        while depth:
            token = self.token()
            depth += {"(": 1, ")": -1}.get(token.text, 0)
        return self.found[start : self.at - 1]

    def inside_text(self) -> str:
        held = self.inside()
        return self.sql[held[0].start : held[-1].end] if held else ""

    def items(self) -> tuple[str, ...]:
        """The user's texts of a bracketed list."""
        return parts(self.sql, self.inside())

    def rest_until_comma(self) -> str:
        """What is left up to a comma outside brackets, which is not taken."""
        start, depth = self.at, 0
        while not self.done and not (depth == 0 and self.next.text == ","):
            depth += {"(": 1, ")": -1}.get(self.token().text, 0)
            if depth < 0:
                raise NotUnderstoodError("a bracket is closed that was not opened")
        if self.at == start:
            return ""
        return self.sql[self.found[start].start : self.found[self.at - 1].end]

    def skip(self) -> None:
        """Go past everything that is left."""
        self.at = len(self.found)

    def finish(self) -> None:
        """Nothing may be left."""
        if not self.done:
            raise self.unexpected("the end")

    def since(self, start: int) -> str:
        """The user's text from a token on to where the cursor is."""
        if self.at <= start:
            return ""
        return self.sql[self.found[start].start : self.found[self.at - 1].end]
