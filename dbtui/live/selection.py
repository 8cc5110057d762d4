"""Sessions by what they are: `user=report state:idle age>10m`, for acting on many at once."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dbtui.errors import UsageError
from dbtui.model.activity import Session

OWN_PROCESSES = ("client backend", "")  # kinds that a filter may take: the server's own are taken by hand
_FIELDS: dict[str, Callable[[Session], str]] = {
    "id": lambda s: s.id,
    "user": lambda s: s.user,
    "database": lambda s: s.database,
    "application": lambda s: s.application,
    "client": lambda s: s.client,
    "state": lambda s: s.state,
    "wait": lambda s: s.waits_on,
    "query": lambda s: s.query,
}
_AGES: dict[str, Callable[[Session], float | None]] = {
    "age": lambda s: s.query_age if s.state == "active" else s.state_age,
    "transaction": lambda s: s.transaction_age,
}
_SHORT = {"app": "application", "db": "database", "xact": "transaction", "tx": "transaction"}
_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_TERM = re.compile(r"([A-Za-z]+)([=:<>])(.+)", re.S)
_AGE = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)\Z")
HELP = (
    "user=NAME  app:PART  db=NAME  client:PART  state:idle  wait:lock  query:PART  age>10m  xact>1h\n"
    "= is the whole, : is a part, ages are in s, m, h or d; every term must hold; a bare word stands anywhere"
)


@dataclass(frozen=True, slots=True)
class Selector:
    """A filter over sessions: every one of `tests` must hold. Without any it takes nobody."""

    tests: tuple[Callable[[Session], bool], ...]

    def picks(self, session: Session) -> bool:
        """Whether the filter takes this session."""
        mine = session.kind in OWN_PROCESSES
        return bool(self.tests) and mine and all(test(session) for test in self.tests)

    def of(self, sessions: Iterable[Session]) -> tuple[Session, ...]:
        """Those of them that it takes."""
        return tuple(session for session in sessions if self.picks(session))


def selector(text: str) -> Selector:
    """The filter that a text means. Raises UsageError for a term that cannot be understood."""
    try:
        terms = shlex.split(text)
    except ValueError:
        raise UsageError("a quote is not closed", 'write state="idle in transaction"') from None
    return Selector(tuple(_test(term) for term in terms))


def _test(term: str) -> Callable[[Session], bool]:
    match = _TERM.fullmatch(term)
    if match is None:
        return _anywhere(term.casefold())
    name, sign, wanted = match.groups()
    name = _SHORT.get(name.lower(), name.lower())
    if name in _AGES:
        return _aged(name, sign, wanted)
    if name not in _FIELDS or sign in "<>":
        raise UsageError(f"{term} is no filter", f"it knows {', '.join((*_FIELDS, *_AGES))}")
    field, folded = _FIELDS[name], wanted.casefold()
    if sign == "=":
        return lambda session: field(session).casefold() == folded
    return lambda session: folded in field(session).casefold()


def _aged(name: str, sign: str, wanted: str) -> Callable[[Session], bool]:
    match = _AGE.match(wanted)
    if match is None or sign not in "<>":
        raise UsageError(f"{name}{sign}{wanted} is no age", f"write {name}>10m")
    seconds = float(match[1]) * _SECONDS[match[2]]
    age, older = _AGES[name], sign == ">"

    def test(session: Session) -> bool:
        has = age(session)
        return has is not None and (has > seconds if older else has < seconds)

    return test


def _anywhere(word: str) -> Callable[[Session], bool]:
    return lambda session: any(word in field(session).casefold() for field in _FIELDS.values())
