"""What a server or the way to it says, as the console's own errors: one line, and what to do."""

from __future__ import annotations

import re
import ssl

import redis.exceptions as driver

from dbtui.engines.login import PasswordRefused
from dbtui.engines.redis.words import argument
from dbtui.engines.unreached import no_tls, unreached
from dbtui.errors import (
    AuthenticationError,
    ConnectError,
    DbtuiError,
    NoSlotsLeft,
    PermissionDenied,
    QueryError,
    SessionLost,
)

FAILURES = (driver.RedisError, OSError, ValueError, TypeError, RecursionError)
BUSY = "BUSY"
_AGAIN = "the connection is opened again by itself"
_COMMAND = re.compile(r"'([^']+)' command")

# code → what to do
_HINTS = {
    "BUSY": "a script runs for long: x on its row kills it if it has not written yet",
    "LOADING": "the server reads its data set from disk: wait until it is done",
    "READONLY": "this is a replica: write to its primary",
    "MASTERDOWN": "this replica has lost its primary and serves no stale data: look at the link between them",
    "MISCONF": "the last save to disk failed, so writes are refused: look at the server's log and disk",
    "OOM": "memory is at maxmemory and nothing may be evicted: free some, or raise it",
    "WRONGTYPE": "TYPE tells what the key holds",
    "CLUSTERDOWN": "some slots of the cluster are served by nobody: look at CLUSTER NODES",
    "CROSSSLOT": "in a cluster all keys of a command must be in one slot",
    "TRYAGAIN": "the slot is being moved: try again in a moment",
    "NOREPLICAS": "too few replicas are connected to take writes",
    "UNKILLABLE": "it has written already: only SHUTDOWN NOSAVE ends it, and loses what was not saved",
    "NOTBUSY": "it has ended meanwhile",
}
_MOVED = {"MOVED", "ASK"}


def described(error: BaseException, user: str, keys: tuple[bytes, ...] = ()) -> DbtuiError:
    """The console's error for an answer. `keys` are those of the command, for the grant that would help."""
    if isinstance(error, DbtuiError):
        return error
    if isinstance(error, driver.ResponseError | driver.BusyLoadingError | driver.AuthenticationError):
        return _refused(error, user, keys)
    if isinstance(error, driver.InvalidResponse | ValueError | TypeError | RecursionError):
        return SessionLost("the answer cannot be read: it is not the protocol of Redis", _AGAIN)
    return SessionLost("the connection to the server is lost", _AGAIN)


def code_of(error: BaseException) -> str:
    """The first word of what the server said: "WRONGTYPE", "NOPERM", … "ERR" where it says no other."""
    code = getattr(error, "status_code", None) or ""
    if not code:
        first = str(error).partition(" ")[0]
        code = first if re.fullmatch(r"[A-Z]{2,}", first) else ""
    return code or "ERR"


def _refused(error: driver.RedisError, user: str, keys: tuple[bytes, ...]) -> DbtuiError:
    code, said = code_of(error), str(error).strip()
    message = said.removeprefix(f"{code} ")
    if code == "NOPERM":
        return denied(message, user, keys)
    if code in _MOVED and len(place := message.split()) == 2:
        return QueryError(
            f"another node of the cluster holds that key: slot {place[0]}",
            f"connect to {place[1]}",
            code=code,
        )
    if code == "NOAUTH":
        return QueryError("the server wants a password now", "connect again with one", code=code)
    if "unknown command" in message or "unknown subcommand" in message:
        return QueryError(
            message.partition(", with args")[0], "the server may be older, or hide it", code=code
        )
    return QueryError(message, _HINTS.get(code, ""), code=code)


def denied(message: str, user: str, keys: tuple[bytes, ...] = ()) -> PermissionDenied:
    """A missing privilege, with the ACL rule that grants exactly it."""
    remedy = grant(user, _rule(message, keys))
    return PermissionDenied(f"user {user}: {_shortened(message)}", remedy, code="NOPERM", remedy=remedy)


def grant(user: str, *rules: str) -> str:
    """What an administrator would run."""
    return " ".join(("ACL SETUSER", argument(user.encode("utf-8", "surrogateescape")), *rules))


def _rule(message: str, keys: tuple[bytes, ...]) -> str:
    command = _COMMAND.search(message)
    if command:
        return f"+{command[1].lower()}"
    if "key" in message:
        pattern = b" ".join(keys) if len(keys) == 1 else b"*"
        return argument(b"%R~" + re.sub(rb"([*?\[\]\\])", rb"\\\1", pattern) if len(keys) == 1 else b"%R~*")
    return "resetchannels allchannels" if "channel" in message else "alldbs"


def _shortened(message: str) -> str:
    return re.sub(r"^(this user|User \S+) has no permissions to", "may not", message, flags=re.I)


# ---- connecting


def described_connect(error: BaseException, where: str, user: str, *, tls: bool) -> DbtuiError:
    """The console's error for a connection that could not be had; `where` is the address."""
    if isinstance(error, DbtuiError):
        return error
    if isinstance(error, driver.ResponseError | driver.AuthenticationError | driver.BusyLoadingError):
        return _rejected(error, where, user)
    if isinstance(error, ssl.SSLError):
        otherwise = "is that its TLS port? Without TLS write redis://"
        return no_tls(error, where, authority="?ssl_ca_certs=FILE", otherwise=otherwise)
    if isinstance(error, TimeoutError) and tls:
        hint = "check host, port and firewalls; where that port speaks no TLS, write redis://"
        return ConnectError(f"{where} does not answer", hint)
    if (found := unreached(error, where, "?timeout=30")) is not None:
        return found
    if isinstance(error, driver.ConnectionError | ConnectionError):
        hint = "is that its TLS port?" if tls else "does it speak TLS only? Then write rediss://"
        return _rejected_early(error, where) or ConnectError(f"{where} closed the connection at once", hint)
    reason = error.strerror if isinstance(error, OSError) else None
    return ConnectError(
        f"no connection to {where}: {reason or 'it speaks another protocol'}", "is that Redis?"
    )


def _rejected_early(error: BaseException, where: str) -> ConnectError | None:
    if "max number of clients" in str(error):
        return NoSlotsLeft(
            f"{where} has no free connection: maxclients is reached", "end a client, or raise maxclients"
        )
    return None


def _rejected(error: driver.RedisError, where: str, user: str) -> ConnectError:
    code, message = code_of(error), str(error).strip()
    if code in ("WRONGPASS", "NOAUTH") or "invalid password" in message:
        missing = code == "NOAUTH"
        what = "wants a password" if missing else f"refused user {user} or its password"
        return PasswordRefused(
            f"{where} {what}", "write redis://USER@HOST and give it when asked, or save it in the keyring"
        )
    if "without any password configured" in message:
        return AuthenticationError(f"{where} wants no password, and one was given", "leave it out of the URL")
    if "max number of clients" in message:
        early = _rejected_early(error, where)
        assert early is not None
        return early
    if code == "DENIED" or "protected mode" in message:
        return ConnectError(
            f"{where} is in protected mode and takes local connections only",
            "connect through ssh, or let an administrator set a password",
        )
    if "DB index is out of range" in message:
        return ConnectError(f"{where} has no such database", "give a smaller number, or none")
    if code == "NOPERM":
        refused = denied(message.removeprefix("NOPERM "), user)
        return ConnectError(f"{where}: {refused.message}", refused.remedy)
    return ConnectError(f"{where} refused the connection: {message[:200]}", "is that Redis?")
