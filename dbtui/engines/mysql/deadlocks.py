"""The last deadlock in SHOW ENGINE INNODB STATUS.

The text differs from release to release, so it is read by what has stayed: the heading, a line for each transaction,
its thread's line, and what stands between that and the lock. What cannot be read is left out.
"""

from __future__ import annotations

import re

from dbtui.model.activity import Deadlock, Party

_SECTION = re.compile(
    r"\n-{5,}\nLATEST DETECTED DEADLOCK\n-{5,}\n(.*?)(?:\n-{5,}\n[A-Z][A-Z /]+\n-{5,}\n|\Z)", re.S
)
_TRANSACTION = re.compile(r"^\*\*\* \((\d+)\) TRANSACTION:?$", re.M)
_THREAD = re.compile(r"^(?:MySQL|MariaDB) thread id (\d+)\b.*$", re.M)
_WANTED = re.compile(
    r"WAITING FOR THIS LOCK TO BE GRANTED:\s*\n(?:RECORD LOCKS.*? of table (\S+).*? (lock_mode [^\n]*|lock mode [^\n]*)"
    r"|TABLE LOCK table (\S+).*? (lock mode [^\n]*))"
)
_VICTIM = re.compile(r"^\*\*\* WE ROLL BACK TRANSACTION \((\d+)\)", re.M)
_MOST = 4000  # characters of a statement


def read(status: str) -> Deadlock:
    """The deadlock in a text of SHOW ENGINE INNODB STATUS; without parties when there was none."""
    section = _SECTION.search(status)
    if section is None:
        return Deadlock(note="InnoDB has seen no deadlock since the server started")
    text = section[1]
    victim = _VICTIM.search(text)
    marks = list(_TRANSACTION.finditer(text))
    parties = []
    for mark, end in zip(marks, [*(m.start() for m in marks[1:]), len(text)], strict=True):
        part = text[mark.end() : end]
        thread = _THREAD.search(part)
        if thread is not None:
            parties.append(
                Party(thread[1], _statement(part[thread.end() :]), _wanted(part), _is(mark[1], victim))
            )
    first = text.partition("\n")[0]
    return Deadlock(
        tuple(parties), first[:19].strip(), "from SHOW ENGINE INNODB STATUS, which keeps the last one"
    )


def _is(number: str, victim: re.Match[str] | None) -> bool:
    return victim is not None and victim[1] == number


def _statement(text: str) -> str:
    """What stands between the thread's line and the first lock; InnoDB cuts it itself."""
    lines = []
    for line in text.strip("\n").splitlines():
        if line.startswith(("***", "RECORD LOCKS", "TABLE LOCK", "Record lock")):
            break
        lines.append(line)
    return "\n".join(lines).strip()[:_MOST]


def _wanted(text: str) -> str:
    match = _WANTED.search(text)
    if match is None:
        return ""
    table, mode = (match[1], match[2]) if match[1] else (match[3], match[4])
    return f"{mode.replace('lock_mode', 'lock mode')} on {table}"
