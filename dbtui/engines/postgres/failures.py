"""What asyncpg, the system and TLS raise, as the console's own errors: one line, what to do, no secret."""

from __future__ import annotations

import re
import ssl

import asyncpg

from dbtui.engines.login import PasswordRefused
from dbtui.engines.unreached import no_tls, unreached
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
from dbtui.sql.quoting import identifier

FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    EOFError,
    UnicodeError,
)
"""Everything that a call of asyncpg raises when something outside goes wrong; TimeoutError is an OSError."""

_LOST = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03", "25P04"})
# feature_not_supported (of BEGIN READ WRITE), read_only_sql_transaction, object_not_in_prerequisite_state
_ON_STANDBY = frozenset({"0A000", "25006", "55000"})
_GRANTS = (
    (
        r"permission denied for (?:table|view|relation|materialized view|sequence|foreign table) (.+)",
        "SELECT ON",
    ),
    (r"permission denied for (schema) (.+)", "USAGE ON SCHEMA"),
    (r"permission denied for (database) (.+)", "CONNECT ON DATABASE"),
    (r"permission denied for (function) (.+)", "EXECUTE ON FUNCTION"),
)


def describe(error: BaseException, user: str = "") -> DbtuiError:
    """The console's error for a failed statement. Unknown kinds become QueryError with the kind's name."""
    if isinstance(error, DbtuiError):
        return error
    if isinstance(error, asyncpg.PostgresConnectionError):
        return SessionLost("the connection to the server is lost", "it is opened again by itself")
    if isinstance(error, asyncpg.PostgresError):
        return _refused(error, user)
    if isinstance(error, TimeoutError):
        return QueryTimeout(
            "the server did not answer in time", "the statement was cancelled; give it more time"
        )
    if isinstance(error, asyncpg.DataError):
        return QueryError("a value does not fit its parameter", _first_line(error))
    if isinstance(error, asyncpg.InterfaceError | OSError | EOFError | asyncpg.InternalClientError):
        return SessionLost("the connection to the server is lost", "it is opened again by itself")
    if isinstance(error, UnicodeError):
        return SessionLost(
            "the server sent a message that is not text in its own encoding", "the session was ended"
        )
    return QueryError(f"the statement failed: {type(error).__name__}")


def _refused(error: asyncpg.PostgresError, user: str) -> DbtuiError:
    code = error.sqlstate or ""
    message = str(error.args[0]) if error.args else type(error).__name__
    hint = str(getattr(error, "hint", None) or getattr(error, "detail", None) or "")
    if code in _LOST or code.startswith("08"):
        return SessionLost(f"the server ended the session: {message}", "it is opened again by itself")
    if code == "57014":
        if "timeout" in message:
            return QueryTimeout(message, "give it more time", code=code)
        return QueryError(message, hint, code=code)
    if code == "55P03":
        return QueryTimeout(
            message, "another session holds a lock that this needs; see the blocking tree", code=code
        )
    if code == "42501":
        return PermissionDenied(message, hint, code=code, remedy=_remedy(message, user))
    if code in _ON_STANDBY and "recovery" in message:
        return QueryError(message, "this server is a standby: write to its primary", code=code)
    text_position = str(getattr(error, "position", None) or "")
    position = int(text_position) if text_position.isdigit() else None
    return QueryError(message, hint, code=code, position=position)


def _remedy(message: str, user: str) -> str:
    for pattern, privilege in _GRANTS:
        match = re.fullmatch(pattern, message)
        if match and user:
            return f"GRANT {privilege} {quoted(match[match.lastindex or 1])} TO {quoted(user)};"
    return ""


def quoted(name: str) -> str:
    """A name as an SQL identifier, quoted where it has to be."""
    plain = re.fullmatch(r"[a-z_][a-z0-9_$]*", name)
    return name if plain else identifier(name)


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]


def describe_connect(error: BaseException, where: str, user: str, database: str) -> DbtuiError:
    """The console's error for a connection that could not be had; `where` is the address."""
    if isinstance(error, DbtuiError):
        return error
    if isinstance(error, asyncpg.PostgresError):
        return _rejected(error, where, user, database)
    if isinstance(error, ssl.SSLError):
        return no_tls(error, where, authority="sslrootcert", otherwise="check sslmode and its files")
    if isinstance(error, ConnectionError) and "rejected SSL upgrade" in str(error):
        return ConnectError(f"{where} speaks no TLS", "switch ssl on at the server, or give sslmode=prefer")
    if (found := unreached(error, where, "connect_timeout=30")) is not None:
        return found
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError):
        return _unusable(error, where)
    reason = error.strerror if isinstance(error, OSError) else None
    return ConnectError(f"no connection to {where}: {reason or type(error).__name__}", "is that PostgreSQL?")


def _unusable(error: BaseException, where: str) -> ConnectError:
    text = _first_line(error)
    if "authentication" in text.lower() or "gssapi" in text.lower():
        return AuthenticationError(f"{where} wants a way to log in that is not supported", text)
    return ConnectError(f"no connection to {where}", "is that a PostgreSQL server?")


def _rejected(error: asyncpg.PostgresError, where: str, user: str, database: str) -> ConnectError:
    code = error.sqlstate or ""
    message = str(error.args[0]) if error.args else type(error).__name__
    if code == "28P01" or re.search(r"(password|SASL) authentication failed|no such user", message):
        return PasswordRefused(
            f"{where} refused user {user} or its password",
            "check both; a password can come from ~/.pgpass or PGPASSWORD",
        )
    if code.startswith("28"):
        return AuthenticationError(f"{where} refused user {user}: {message}", _access_hint(message))
    if code == "53300" or "no more connections allowed" in message:
        return NoSlotsLeft(f"{where} has no free connection slot: {message}", _slots_hint(message, user))
    if code == "3D000":
        return ConnectError(
            f"there is no database {database} on {where}", "give another one; postgres is nearly always there"
        )
    if code == "57P03":
        return ConnectError(f"{where} takes no connections now: {message}", "try again in a moment")
    if code in ("57P01", "57P02"):
        return ConnectError(f"{where} is shutting down", "try again when it runs")
    if code == "42501":
        return ConnectError(
            f"user {user} may not connect to database {database}: {message}",
            f"GRANT CONNECT ON DATABASE {quoted(database)} TO {quoted(user)};",
        )
    if isinstance(error, asyncpg.ConnectionDoesNotExistError):
        return ConnectError(f"{where} closed the connection at once", "is that a PostgreSQL server?")
    return ConnectError(f"{where} refused the connection: {message}", f"SQLSTATE {code}" if code else "")


def _access_hint(message: str) -> str:
    if "not permitted to log in" in message:
        return "ALTER ROLE … LOGIN, or take another user"
    if "pg_hba" in message:
        return "an administrator has to allow it in pg_hba.conf; sslmode may matter too"
    return "check the user, and how the server lets it log in"


def _slots_hint(message: str, user: str) -> str:
    if message.startswith("too many connections for"):
        return "its own limit is reached; end a session, or raise the limit with ALTER ROLE or ALTER DATABASE"
    if "pool" in message or "max_client_conn" in message:
        return "the pooler is full; connect to the server itself"
    if "superuser" in message.lower() and "pg_use_reserved_connections" not in message:
        return "the last slots are kept for superusers; log in as one of them"
    if "pg_use_reserved_connections" in message:
        grant = f"GRANT pg_use_reserved_connections TO {quoted(user)}"
        return f"the last slots are kept: log in as a superuser, or let one run {grant}"
    return "even the reserved ones are taken; end a session, or raise max_connections"
