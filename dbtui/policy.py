"""What the administrator of this machine forbids in the console: a file of root's, `/etc/dbtui/policy.toml`.

    read_only = true                       # nothing is written: no lift, no approval of a statement
    forbid = ["terminate", "recording"]    # any of `Feature`
    reason = "changes go through the release team"
    syslog = true                          # audit lines go to the system's log as well

It is a guard rail and no more: whoever may run programs here may run another client. A file that cannot be
understood, or that is not root's alone, forbids everything until it is mended.
"""

from __future__ import annotations

import stat
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from dbtui.errors import Forbidden

PATH = Path("/etc/dbtui/policy.toml")  # fixed: a path that a user may choose would be no rail
OWNER = 0


class Feature(StrEnum):
    """What can be forbidden by name."""

    TERMINATE = "terminate"
    MIGRATE_RUN = "migrate run"
    PASSWORD_COMMAND = "password_command"  # noqa: S105 - a setting's name
    ALERT_COMMAND = "alert command"
    ALERT_WEBHOOK = "alert webhook"
    RECORDING = "recording"
    EDITOR = "editor"


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds on this machine. `trouble` says why a file that is there could not be used."""

    read_only: bool = False
    forbidden: frozenset[Feature] = frozenset()
    reason: str = ""
    syslog: bool = False
    trouble: str = ""

    def refuse(self, feature: Feature) -> None:
        """Raise Forbidden when this is not allowed here."""
        if feature in self.forbidden:
            raise Forbidden(f"{feature} is forbidden by {PATH}", self.trouble or self.reason)

    def refuse_writes(self) -> None:
        """Raise Forbidden when nothing may be written from here."""
        if self.read_only:
            raise Forbidden(f"writing is forbidden by {PATH}", self.trouble or self.reason)


def current() -> Policy:
    """What holds now; the file is read each time, so that a change needs no restart."""
    try:
        _distrust(PATH)
        return _policy(tomllib.loads(PATH.read_text("utf-8")))
    except FileNotFoundError:
        return Policy()
    except OSError as error:
        return _everything(f"it cannot be read: {error.strerror}")
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return _everything(f"it is not TOML: {error}")
    except ValueError as error:
        return _everything(str(error))


def _everything(trouble: str) -> Policy:
    return Policy(True, frozenset(Feature), "", False, trouble)


def _distrust(path: Path) -> None:
    """Raise ValueError for a file that others than root could have written."""
    state = path.stat()
    if state.st_uid != OWNER:
        raise ValueError("it does not belong to root")
    if state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ValueError("others than its owner may write it")
    folder = path.parent.stat()
    if folder.st_uid not in (OWNER, 0) or folder.st_mode & stat.S_IWOTH:
        raise ValueError("others than root may replace it in its folder")


def _policy(data: dict[str, object]) -> Policy:
    unknown = sorted(set(data) - {"read_only", "forbid", "reason", "syslog"})
    if unknown:
        raise ValueError(f"it holds an unknown key {unknown[0]}")
    read_only, syslog = data.get("read_only", False), data.get("syslog", False)
    reason, forbid = data.get("reason", ""), data.get("forbid", [])
    if not isinstance(read_only, bool) or not isinstance(syslog, bool) or not isinstance(reason, str):
        raise ValueError("read_only and syslog are true or false, and reason is a text")
    if not isinstance(forbid, list):
        raise ValueError("forbid is a list")
    try:
        forbidden = frozenset(Feature(str(one)) for one in forbid)
    except ValueError as error:
        raise ValueError(f"{error}: it knows {', '.join(Feature)}") from None
    return Policy(read_only, forbidden, reason, syslog)
