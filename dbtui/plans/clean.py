"""Pasted plans freed from what surrounds them: frames, quotes, prompts, log prefixes, row counts.

Works line by line, each line once; what it does not know it leaves as it is.
"""

from __future__ import annotations

import re

from dbtui.errors import InputError

_LOGGED = re.compile(r"duration: [0-9.,]{1,30} ms {1,2}plan:")
_SYSLOG = re.compile(r"^[^\n\[]{0,120}\[[0-9]{1,10}\]: \[[0-9]{1,10}-[0-9]{1,10}\] ", re.MULTILINE)
_ROW_COUNT = re.compile(r"\s*[(（]\s*[0-9]{1,12}\s?[^()（）\n0-9:=.]{1,24}[)）]\s*\Z")
_PROMPT = re.compile(r"\w[\w.@:/~-]{0,80}[=\-('\"*][#>] ")
_TIMING = re.compile(r"[^\W\d_]{2,12} ?[:：] ?[0-9.,]{1,20} [^\W\d_]{1,6}(?: \([0-9:.,]{1,20}\))?\Z")
_RECORD = re.compile(
    r"(?:[-─═┌╔├╟+*\s]{0,400}\[ \S{1,24} [0-9]{1,9} \][-─═┐╗┤+*\s]*|\* \S{1,24} [0-9]{1,9}\s*)\Z"
)
_FRAME = frozenset("-+=─═━┬┼╪╤┴┌┐└┘├┤╔╗╚╝╟╢╠╣║│| \t")
_RULE_STARTS = _FRAME | {"*", "["}
_RULES = frozenset("-─═━=")
_BARS = "|║│"
_NEWLINE_MARKS = "+↵"
_WRAP_MARKS = ".…"
_NAMED = re.compile(r"QUERY PLAN(?: ?[|│║] ?| |,)(?=\S| {2,}\S)(?!$)")
_HEADINGS = frozenset({"query plan", "plan", "explain", "text"})


def clean(text: str) -> str:
    """The plan alone, as EXPLAIN printed it. Raises InputError where a log holds several plans."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\ufeff", "").replace("\u00a0", " ")
    text = _logged(text)
    lines = [line for line in text.split("\n") if not _is_rule(line) and not _is_noise(line)]
    lines = _without_names(_without_bars(lines))
    lines = [line for line in lines if line.strip().lower().strip("\"'| ") not in _HEADINGS]
    lines = _without_quotes(_without_marks(lines))
    return "\n".join(line for line in lines if not _is_noise(line)).strip("\n")


def _logged(text: str) -> str:
    """What auto_explain logged, without the prefix of the log and the lines of other messages."""
    found = [match.end() for match in _LOGGED.finditer(text)]
    if not found:
        return text
    if len(found) > 1:
        raise InputError(f"the log holds {len(found)} plans", "give one plan at a time")
    start = _LOGGED.search(text)
    quoted = start is not None and start.start() > 0 and text[start.start() - 1] == '"'
    if quoted and ('""' in text[found[0] :] or text[found[0] : found[0] + 1] == "\n"):
        return _csv_field(text, found[0])
    rest = text[found[0] :]
    rest = _SYSLOG.sub("", rest).replace("#011", "\t")
    lines = rest.split("\n")
    body = lines[1:] if not lines[0].strip() else lines
    if body and body[0].startswith("\t"):
        kept: list[str] = []
        for line in body:
            if line.strip() and not line.startswith("\t"):
                break
            kept.append(line[1:])
        body = kept
    return "\n".join(body)


def _csv_field(text: str, start: int) -> str:
    """The rest of a quoted field of csvlog, whose quotes are doubled."""
    at = text.find('"', start)
    while at >= 0 and text[at + 1 : at + 2] == '"':
        at = text.find('"', at + 2)
    return text[start : at if at >= 0 else len(text)].replace('""', '"').lstrip("\n")


def _is_rule(line: str) -> bool:
    """Whether a line is a ruled line of a frame, or the heading of a record in psql's expanded form."""
    stripped = line.strip()
    if stripped[:1] not in _RULE_STARTS:
        return stripped.startswith("```")
    if _RECORD.match(line):
        return True
    if len(stripped) < 3 or stripped.startswith("->") or not set(stripped) <= _FRAME:
        return False
    return any(char in _RULES for char in stripped)


def _without_bars(lines: list[str]) -> list[str]:
    """The vertical lines of a frame taken away, where the frame has them on most lines."""
    filled = [line for line in lines if line.strip()]
    left = sum(1 for line in filled if _has_left_bar(line))
    right = sum(1 for line in filled if line.rstrip()[-1] in _BARS)
    marked = sum(1 for line in filled if line.startswith("> "))
    if marked and marked == len(filled):
        lines = [line[2:] for line in lines]
    if left and left * 10 >= len(filled) * 6:
        lines = [_without_left_bar(line) for line in lines]
    if right and right * 10 >= len(filled) * 6:
        lines = [line.rstrip().rstrip(_BARS) if line.strip() else line for line in lines]
    return lines


def _has_left_bar(line: str) -> bool:
    return line[:2].lstrip().startswith(tuple(_BARS))


def _without_left_bar(line: str) -> str:
    if not _has_left_bar(line):
        return line
    rest = line.lstrip()[1:]
    return rest[1:] if rest.startswith(" ") else rest


def _without_names(lines: list[str]) -> list[str]:
    """psql's expanded form, in which the column's name stands before each value (`QUERY PLAN | Seq Scan`)."""
    found = next((match for line in lines if (match := _NAMED.match(line))), None)
    if found is None:
        return lines
    column = found.end()
    padded = found[0][10] == " "
    return [_without_name(line, column, padded) for line in lines]


def _without_name(line: str, column: int, padded: bool) -> str:
    name, mark = line[:10], line[10:column].strip()
    if name == "QUERY PLAN" or (padded and name.isspace() and mark in ("", ":", ";", *_BARS)):
        return line[column:]
    return line


def _without_marks(lines: list[str]) -> list[str]:
    """psql's marks for a newline inside a value, where most lines have one, and for a line that it wrapped."""
    ends = [line.rstrip()[-1] for line in lines if line.strip()]
    if sum(1 for end in ends if end in _NEWLINE_MARKS) * 2 > len(ends):
        lines = [_without_mark(line) for line in lines]
    joined: list[list[str]] = []
    wrapped = False
    for line in lines:
        content = line.rstrip()
        if wrapped:
            content = content.removeprefix(" ").lstrip(_WRAP_MARKS)
        else:
            joined.append([])
        wrapped = content[-1:] in _WRAP_MARKS if content else False
        joined[-1].append(content[:-1] if wrapped else content)
    return ["".join(parts) for parts in joined]


def _without_mark(line: str) -> str:
    stripped = line.rstrip()
    return stripped[:-1].rstrip() if stripped and stripped[-1] in _NEWLINE_MARKS else line


def _without_quotes(lines: list[str]) -> list[str]:
    """Quotes around lines or around the whole, with the doubled ones inside made single."""
    filled = [line.strip() for line in lines if line.strip()]
    if not filled or filled[0][0] not in "\"'":
        return [_unquoted(line) for line in lines] if filled and filled[0][0] not in "[{<" else lines
    quote = filled[0][0]
    last = filled[-1].rstrip(",;")
    if not _is_quoted(filled[0]) and last[-1:] == quote:
        return "\n".join(lines).strip().rstrip(",;")[1:-1].replace(quote * 2, quote).split("\n")
    return [_unquoted(line) for line in lines]


def _is_quoted(line: str) -> bool:
    stripped = line.rstrip().rstrip(",;")
    return len(stripped) > 1 and stripped[0] in "\"'" and stripped[0] == stripped[-1]


def _unquoted(line: str) -> str:
    if not line.startswith(('"', "'")) or not _is_quoted(line):
        return line
    stripped = line.rstrip().rstrip(",;")
    return stripped[1:-1].replace(stripped[0] * 2, stripped[0])


def _is_noise(line: str) -> bool:
    """A row count in any language, psql's prompt, or its timing."""
    if not line or line[0] == " ":
        return False
    return bool(_ROW_COUNT.match(line) or _PROMPT.match(line) or _TIMING.match(line.strip()))
