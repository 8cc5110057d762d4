"""What programs put around and into each line of a text: colours, collectors' prefixes, escapes, Python's rows.

Undone before any format looks at the text. Linear; every pattern is anchored and bounded.
"""

from __future__ import annotations

import ast
import html
import json
import re
import warnings

from dbtui.errors import InputError

_COLOUR = re.compile(r"\x1b\[[0-9;]{0,20}m")
_STAMP = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
_PREFIXES = tuple(
    re.compile(pattern)
    for pattern in (
        r"[\w.-]{1,60} {1,30}\| ",  # docker compose
        rf"{_STAMP} std(?:out|err) [FP] ",  # Kubernetes
        rf"(?:{_STAMP}|[A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d) \S{{1,80}} [\w./-]{{1,40}}\[\d{{1,9}}\]: (?!\[\d)",
        rf"{_STAMP} (?= *->| {{2,}}\S|[A-Z][a-z]+ )",  # a stamp alone
        r" {0,6}\d{1,5}(?:[:.)|│]| \||) ",  # line numbers
    )
)
_MOST = 0.9  # of the lines have the prefix, or it is none
_LOOKED_AT = 400  # lines
_BEGINNING = 20_000  # characters in which a web page's escapes show
_ESCAPED = re.compile(r"-&gt; |&quot;(?:Plan|Node Type|query_block)&quot;|&lt;explain")
_PLAIN = re.compile(r'-> |"(?:Plan|Node Type|query_block)"|<explain|Node Type:')
_PYTHON = re.compile(r"\s*(?:\[\s*\(|\[\s*\{'|\{')")
_PYTHON_LIMIT = 4 * 1024 * 1024  # characters
_FENCES = frozenset({"{noformat}", "{code}", "{code:sql}"})


def unwrapped(text: str) -> str:
    """The text as EXPLAIN, psql or the server's log wrote it, as far as that can be told.

    Raises InputError where a log of JSON records holds several plans.
    """
    if not text.isascii():
        text = text.replace("\u00a0", " ")
    if "\x1b[" in text:
        text = _COLOUR.sub("", text)
    if _ESCAPED.search(text, 0, _BEGINNING) and not _PLAIN.search(text, 0, _BEGINNING):
        text = html.unescape(text)
    if text.lstrip()[:6] in ("{nofor", "{code}", "{code:"):
        text = "\n".join(line for line in text.split("\n") if line.strip() not in _FENCES)
    if text.lstrip()[:1] in ("{", "[", '"'):
        return _of_a_program(text)
    return _without_prefixes(text)


def _without_prefixes(text: str) -> str:
    lines = text.split("\n")
    sample = [line for line in lines[:_LOOKED_AT] if line.strip()]
    if len(sample) < 2:
        return text
    for prefix in _PREFIXES:
        if sum(1 for line in sample if prefix.match(line)) >= _MOST * len(sample):
            return "\n".join(prefix.sub("", line, count=1) for line in lines)
    return text


def _of_a_program(text: str) -> str:
    """JSON inside a string, rows as Python prints them, or records of a log."""
    if _PYTHON.match(text):
        return _python(text)
    if '"Node Type"' in text:
        return text
    if text.lstrip().startswith("{") and '"message"' in text and "duration:" in text:
        return _records(text)
    bare = text.strip()
    if bare.startswith(('"[', '"{')):
        try:
            value = json.loads(bare)
        except ValueError:
            return text
        return value if isinstance(value, str) else text
    if '\\"Node Type\\"' in text:
        return text.replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")
    return text


def _python(text: str) -> str:
    """Rows as a driver of Python returns them: a list of tuples of one text, or a document."""
    if len(text) > _PYTHON_LIMIT:
        return text
    try:
        with warnings.catch_warnings():  # about escapes that Python does not have
            warnings.simplefilter("ignore")
            value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return text
    if isinstance(value, list) and value and all(isinstance(row, tuple) and len(row) == 1 for row in value):
        cells = [row[0] for row in value]
        if all(isinstance(cell, str) for cell in cells):
            return "\n".join(cells)
        value = cells[0] if len(cells) == 1 else cells
    try:
        return json.dumps(value)
    except (ValueError, TypeError, RecursionError):
        return text


def _records(text: str) -> str:
    """The message of the one record of jsonlog that has a plan, among records of other kinds."""
    messages = []
    lines = [line for line in text.split("\n") if line.strip()]
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            return text
        message = record.get("message") if isinstance(record, dict) else None
        if isinstance(message, str) and " plan:" in message[:200]:
            messages.append(message)
    if len(messages) > 1:
        raise InputError(f"the log holds {len(messages)} plans", "give one plan at a time")
    return messages[0] if messages else text
