"""What the driver, the system and TLS raise, as the console's own errors: one line, what to do, no secret."""

from __future__ import annotations

import json
import re

from bson.errors import BSONError
from pymongo import errors

from dbtui.engines.login import PasswordRefused
from dbtui.errors import (
    AuthenticationError,
    ConnectError,
    DbtuiError,
    NoSlotsLeft,
    PermissionDenied,
    QueryError,
    QueryTimeout,
    SessionLost,
)

FAILURES = (errors.PyMongoError, BSONError, OSError, ValueError)
"""Everything that a call of the driver raises when something outside goes wrong; TimeoutError is an OSError."""

UNAUTHORIZED, AUTHENTICATION_FAILED = 13, 18
COMMAND_NOT_FOUND, NOT_SUPPORTED, NO_REPLICATION, NOT_IMPLEMENTED, UNKNOWN_STAGE = 59, 115, 76, 238, 40324
_TIMED_OUT = frozenset({50, 262, 24})  # MaxTimeMSExpired, ExceededTimeLimit, LockTimeout
_INTERRUPTED = frozenset({11600, 11601, 11602})
_LACKING = frozenset(
    {COMMAND_NOT_FOUND, NOT_SUPPORTED, NO_REPLICATION, NOT_IMPLEMENTED, UNKNOWN_STAGE, 303, 40415}
)
_LOST_HINT = "it is opened again by itself"


def lacks(error: QueryError) -> bool:
    """Whether the server does not have what was asked: a command, a stage, an option, a replica set."""
    return error.code.isdecimal() and int(error.code) in _LACKING


def grant(user: str, role: str, database: str = "admin") -> str:
    """The command of mongosh that gives a user a role."""
    roles = json.dumps([{"role": role, "db": database}])
    return f'db.getSiblingDB("admin").grantRolesToUser({json.dumps(user)}, {roles})'


def describe(error: BaseException, *, user: str = "", role: str = "") -> DbtuiError:
    """The console's error for a failed command. `role` is what the command needs, for the remedy."""
    if isinstance(error, DbtuiError):
        return error
    if isinstance(error, errors.OperationFailure):
        return _refused(error, user, role)
    if isinstance(error, errors.NotPrimaryError):
        hint = "this member takes no writes: connect to the primary, or name the set in the URL: replicaSet=…"
        return QueryError(_one_line(error).partition(", full error")[0], hint)
    if isinstance(error, errors.NetworkTimeout | TimeoutError):
        return QueryTimeout("the server did not answer in time", "give it more time, or narrow it down")
    if isinstance(error, errors.ServerSelectionTimeoutError):
        return SessionLost("the server cannot be reached", _LOST_HINT)
    if isinstance(error, errors.DocumentTooLarge):
        return QueryError("the command is larger than the server takes", "48 MB in all, 16 MB a document")
    if isinstance(error, errors.PyMongoError):
        if error.timeout:
            return QueryTimeout("the server did not answer in time", "give it more time, or narrow it down")
        if isinstance(error, errors.ConnectionFailure | errors.InvalidOperation):
            return SessionLost("the connection to the server is lost", _LOST_HINT)
        return QueryError(f"the driver refuses it: {_one_line(error)}")
    if isinstance(error, BSONError | ValueError | UnicodeError):
        return QueryError(f"this is no valid BSON: {_one_line(error)}", "no document can hold it")
    return SessionLost("the connection to the server is lost", _LOST_HINT)


def _refused(error: errors.OperationFailure, user: str, role: str) -> DbtuiError:
    said, code = _said(error), error.code or 0
    if code == UNAUTHORIZED:
        remedy = grant(user, role) if role and user else ""
        if "requires authentication" in said:
            return PermissionDenied(said, "give a user and a password in the URL", code=str(code))
        return PermissionDenied(said, remedy or "the user lacks a role for it", code=str(code), remedy=remedy)
    if code in _TIMED_OUT:
        return QueryTimeout(
            "the server's time for it was up", "give it more time, or narrow it down", code=str(code)
        )
    if code in _INTERRUPTED:
        return QueryError("the operation was stopped at the server", said, code=str(code))
    if code == COMMAND_NOT_FOUND:
        return QueryError(f"this server does not have it: {said}", code=str(code))
    return QueryError(said, code=str(code) if code else "")


def _said(error: errors.OperationFailure) -> str:
    details = error.details or {}
    return str(details.get("errmsg") or details.get("err") or _one_line(error))


def describe_connect(error: BaseException, place: str, user: str) -> ConnectError:
    """The console's error for a connection that could not be had."""
    if isinstance(error, ConnectError):
        return error
    text = _one_line(error)
    if isinstance(error, errors.OperationFailure):
        return _not_let_in(error, place, user)
    if "password is required" in text:
        return PasswordRefused(f"{place} wants a password for {user}", "give one when asked, or in the URL")
    if isinstance(error, errors.ConfigurationError | errors.InvalidURI | errors.InvalidName):
        return ConnectError(f"the URL cannot be used: {text}", "see MongoDB's connection string options")
    lower = text.lower()
    if "certificate" in lower or "ssl" in lower or "tls" in lower:
        return _no_tls(lower, text, place)
    if "too many" in lower or "connection slots" in lower:
        return NoSlotsLeft(f"{place} has no connection left", "end some clients, or raise its limit")
    if "refused" in lower:
        return ConnectError(f"{place} refuses connections", "is the server running, and is the port right?")
    if "name or service not known" in lower or "nodename nor servname" in lower or "no address" in lower:
        return ConnectError(f"the name of {place} is not known", "check the host in the URL")
    if re.search(r"dns|srv|resolution|nxdomain", lower):
        return ConnectError(
            f"{place}: no servers were found in DNS", "check the name of the mongodb+srv:// URL"
        )
    if "timed out" in lower or isinstance(error, TimeoutError):
        return ConnectError(f"{place} does not answer", "check the address, a firewall, or a VPN that is off")
    if "connection closed" in lower or "reset" in lower:
        hint = "it may want TLS (tls=true), speak another protocol, or have no connection left"
        return ConnectError(f"{place} closes the connection", hint)
    return ConnectError(f"no connection to {place}: {text}", "check the URL")


def _not_let_in(error: errors.OperationFailure, place: str, user: str) -> ConnectError:
    said = _said(error)
    if error.code == AUTHENTICATION_FAILED or "auth" in said.lower():
        if not user:
            return AuthenticationError(f"{place} wants a user", "write mongodb://USER@HOST/, and a password")
        hint = "check the password, and authSource: the database that the user was created in"
        return PasswordRefused(f"{place} refuses user {user}", hint)
    if "too many" in said.lower() or "connection slots" in said.lower():
        return NoSlotsLeft(f"{place} has no connection left: {said}", "end some clients, or raise its limit")
    return ConnectError(f"{place} refuses the connection: {said}", "")


def _no_tls(lower: str, text: str, place: str) -> ConnectError:
    if "certificate verify failed" in lower or "certificate_verify_failed" in lower:
        reason = text.rsplit("certificate verify failed:", 1)[-1].split("(_ssl")[0].strip(" :")
        return ConnectError(
            f"{place}: its certificate is not trusted: {reason}", "give tlsCAFile=FILE in the URL"
        )
    if "timed out" in lower:
        return ConnectError(
            f"{place} does not answer with TLS", "check the port, or take tls=true out of the URL"
        )
    if "wrong version number" in lower or "record layer" in lower or "eof" in lower:
        return ConnectError(f"{place} does not speak TLS", "take tls=true out of the URL")
    return ConnectError(f"no TLS with {place}: {text[:200]}", "check the tls… options of the URL")


def _one_line(error: BaseException) -> str:
    """The first sentence of the driver's text, which goes on with timeouts and topologies."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = re.split(r",? \(configured timeouts:|, Timeout: [0-9.]+s, Topology Description:", text)[0]
    return text[:400]
