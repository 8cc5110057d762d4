"""What a user types: requests as the products' consoles write them, a verb, a path, and JSON below it.

    GET shop/_search
    { "query": { "match": { "title": "tea" } } }

Lines that begin with # or // are comments; a text between triple quotes is one JSON string, line ends and all. The
path is taken apart and put together anew, so that what was judged is what is sent: no dots to climb with, no
second path behind an escape.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import parse_qsl, quote, unquote, urlencode

from dbtui.errors import QueryError

HOW = 'write GET index/_search, and its {"query": …} below'
_START = re.compile(r"[ \t]*(GET|HEAD|POST|PUT|DELETE|PATCH)[ \t]+(?=\S)", re.I)
_LINED = ("_bulk", "_msearch")  # whose bodies are several documents, one a line
_TRIPLE_OR_COMMENT = re.compile(r'"""(.*?)"""|^[ \t]*(?:#|//)[^\n]*', re.S | re.M)
_DECODER = json.JSONDecoder()
_BLANK = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `segments` and `parameters` are decoded; `body` is sent as it is."""

    method: str
    segments: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...] = ()
    body: str = ""
    body_at: int | None = None  # where the body begins in the text, None where it was changed for sending

    @property
    def target(self) -> str:
        """Path and query string as they are sent."""
        path = "/" + "/".join(quote(segment, safe=",*:") for segment in self.segments)
        return f"{path}?{urlencode(self.parameters)}" if self.parameters else path

    @property
    def index(self) -> str:
        """The index, alias or pattern that it is about; "" where it is about the cluster."""
        return next((first for first in self.segments[:1] if not first.startswith("_")), "")

    @property
    def shown(self) -> str:
        """The request in one line, without its body."""
        return f"{self.method} {self.target}"

    @property
    def lined(self) -> bool:
        """Whether the body is several documents, one a line."""
        return any(segment in _LINED for segment in self.segments)


def own(method: str, *segments: str, body: object = None, **parameters: str | int | bool) -> Request:
    """A request of the console's own. Segments are names as they are, an index with a % in it included."""
    given = tuple((name, _plain(value)) for name, value in parameters.items())
    return Request(method, segments, given, "" if body is None else json.dumps(body))


def _plain(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def parse(text: str) -> Request:
    """The one request of a text. Raises QueryError with a position."""
    found = [at for at, _ in _requests(text)]
    if not found or not _is_comment(text[: found[0]]):
        raise QueryError("this is no request", HOW, position=1)
    if len(found) > 1:
        raise QueryError(f"these are {len(found)} requests", "run them one at a time")
    start = _START.match(text, found[0])
    assert start is not None
    method = start[1].upper()
    line_end = text.find("\n", start.end())
    line = text[start.end() : len(text) if line_end < 0 else line_end]
    path = re.split(r"[ \t\r]", line, maxsplit=1)[0]
    segments, parameters = _path(path, start.end())
    made = Request(method, segments, parameters)
    body, at = _body(text, start.end() + len(path), lined=made.lined)
    return Request(method, segments, parameters, body, at)


def statement_at(text: str, offset: int) -> str:
    """The request around a position of a text, unchanged; the nearest before it, "" where there is none."""
    found = ""
    for at, end in _requests(text):
        if at > offset and found:
            break
        found = text[at:end].rstrip()
    return found


def _requests(text: str) -> list[tuple[int, int]]:
    """Where the requests of a text begin and end: a verb at the start of a line, outside triple quotes."""
    starts: list[int] = []
    at, quoted = 0, False
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        if not quoted and _START.match(line):
            starts.append(at)
        quoted ^= bool(line.count('"""') % 2)
        at += len(line)
    return list(pairwise([*starts, len(text)]))


def _is_comment(text: str) -> bool:
    return all(not line.strip() or line.lstrip().startswith(("#", "//")) for line in text.split("\n"))


def _path(typed: str, at: int) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    path, _, query = typed.partition("?")
    if "://" in path:
        raise QueryError(
            "the path holds a host", "begin it behind the host: GET _cluster/health", position=at + 1
        )
    segments = tuple(unquote(segment, errors="surrogateescape") for segment in path.split("/") if segment)
    for segment in segments:
        if {".", ".."} & set(re.split(r"[/\\]", segment)) or re.search(r"[\x00-\x1f\x7f]", segment):
            raise QueryError(
                "the path climbs with dots, or holds control codes", "write it out", position=at + 1
            )
    return segments, tuple(parse_qsl(query, keep_blank_values=True))


def _body(text: str, at: int, *, lined: bool) -> tuple[str, int | None]:
    """The body as it is sent, and where it begins in the text if every character of it is where it was."""
    rest = text[at:]
    made = _TRIPLE_OR_COMMENT.sub(_replaced, rest)
    in_place = '"""' not in rest
    documents = _documents(made, at if in_place else None)
    if not documents:
        return "", None
    if lined:
        return "".join(re.sub(r"[\r\n]", " ", one) + "\n" for one in documents), None
    if len(documents) > 1:
        raise QueryError(
            "several bodies stand below the request", "only _bulk and _msearch take more than one"
        )
    begin = _BLANK.match(made)
    assert begin is not None
    return documents[0], at + begin.end() if in_place else None


def _replaced(found: re.Match[str]) -> str:
    """A text between triple quotes as JSON has it; blanks for a comment, so that what follows stays where it is."""
    return " " * len(found[0]) if found[1] is None else json.dumps(found[1])


def _documents(text: str, at: int | None) -> Sequence[str]:
    """The JSON documents of a text, each as it stands there. Raises QueryError with the position."""
    found: list[str] = []
    start = 0
    while True:
        blank = _BLANK.match(text, start)
        assert blank is not None
        start = blank.end()
        if start == len(text):
            return found
        try:
            _, end = _DECODER.raw_decode(text, start)
        except ValueError as error:
            wrong = getattr(error, "pos", start)
            reason = getattr(error, "msg", "it is no JSON")
            position = None if at is None else at + wrong + 1
            raise QueryError(
                f"the body is no JSON: {reason}", "look before that place", position=position
            ) from None
        except RecursionError:
            raise QueryError("the body is nested too deeply", "no server takes that") from None
        found.append(text[start:end])
        start = end
