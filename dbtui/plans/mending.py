"""MariaDB's JSON made JSON: it prints conditions as SQL writes them, with quotes and with escapes of its own."""

from __future__ import annotations

import re

_PROPERTY = re.compile(r'^([ \t]*(?:"[^"\n]*": )?")(.*)("[ \t]*,?[ \t]*)$', re.MULTILINE)
_ODD = re.compile(r'\\(.)|"')
_KNOWN = frozenset('"\\/bfnrtu')


def mended(text: str) -> str:
    """The text with its strings escaped as JSON has it; one property a line, as MariaDB prints them.

    Text that is JSON already, printed so, stays as it is.
    """
    return _PROPERTY.sub(lambda found: found[1] + _ODD.sub(_escaped, found[2]) + found[3], text)


def _escaped(found: re.Match[str]) -> str:
    if found[1] is None:
        return '\\"'
    return found[0] if found[1] in _KNOWN else found[1]
