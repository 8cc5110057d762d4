"""What aiomysql, the system and TLS raise, as the console's own errors: one line, what to do, no secret."""

from __future__ import annotations

import re
import ssl
import struct

from pymysql import err

from dbtui.engines.login import PasswordRefused
from dbtui.engines.mysql.lex import identifier
from dbtui.engines.mysql.wire import ClearPassword, NoTls
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
from dbtui.sql.quoting import mysql_literal

FAILURES = (
    err.Error,
    OSError,
    EOFError,
    UnicodeError,
    struct.error,
    IndexError,
    AssertionError,
    RuntimeError,
    NoTls,
    ClearPassword,
)
"""What a call of aiomysql raises when something outside goes wrong, an answer that is none among it."""

CANCELLED = "1317"
_AGAIN = "it is opened again by itself"
# Gone away, lost, out of sync, shutdown, aborted, network errors, killed, idle for too long.
_LOST = frozenset({2006, 2013, 2014, 2055, 1053, 1080, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 3169, 4031})
_TIMEOUTS = frozenset({3024, 1969, 1907})
_SLOTS = frozenset({1040, 1203, 1226})


def account(current_user: str) -> str:
    """`user@host`, as CURRENT_USER() gives it, in the quotes of a GRANT."""
    user, _, host = current_user.rpartition("@")
    return f"{mysql_literal(user)}@{mysql_literal(host)}"


def code_of(error: BaseException) -> int:
    """The server's or the driver's number, 0 for none."""
    first = error.args[0] if error.args else None
    return first if isinstance(first, int) else 0


def message_of(error: BaseException) -> str:
    """The server's words."""
    return (
        str(error.args[1]) if len(error.args) > 1 else str(error).partition("\n")[0] or type(error).__name__
    )


def describe(error: BaseException, current_user: str = "", sql: str = "") -> DbtuiError:
    """The console's error for a failed statement. `current_user` is whom a GRANT would name."""
    if isinstance(error, DbtuiError):
        return error
    if isinstance(error, TimeoutError):
        return QueryTimeout("the server did not answer in time", "give it more time")
    if not isinstance(error, err.Error) or isinstance(error, err.InterfaceError):
        return SessionLost("the connection to the server is lost", _AGAIN)
    return _refused(code_of(error), message_of(error), current_user, sql)


def _refused(code: int, message: str, current_user: str, sql: str) -> DbtuiError:
    text_code = str(code) if code else ""
    if code in _LOST:
        return SessionLost("the connection to the server is lost", _AGAIN)
    if code in _TIMEOUTS:
        return QueryTimeout(
            "the statement took longer than it was given", "give it more time", code=text_code
        )
    if code == 1205:
        hint = "another session holds a lock that this needs; see the blocking tree"
        return QueryTimeout(message, hint, code=text_code)
    if code in (1044, 1142, 1143, 1227, 1370, 1419, 3530):
        return PermissionDenied(message, code=text_code, remedy=remedy(message, current_user, sql))
    if code == 1792:
        return QueryError(message, "this connection is read-only", code=text_code)
    if code in (1290, 1836) and "read" in message.lower():
        return QueryError(
            message, "the server takes no writes, as replicas do: write to its source", code=text_code
        )
    return QueryError(message, code=text_code, position=_position(message, sql))


def remedy(message: str, current_user: str, sql: str = "") -> str:
    """The GRANT that would help, "" where neither the message nor the statement says what is missing."""
    if not current_user:
        return ""
    who = account(current_user)
    privilege = re.search(r"at least one of\) the (.+?) privilege", message)
    if privilege:
        wanted = next(
            (one.strip() for one in privilege[1].split(",") if one.strip() != "SUPER"), privilege[1]
        )
        return f"GRANT {wanted} ON *.* TO {who};"
    table = re.search(
        r"^(.+?) command denied to user .* for table [`'](?:([^`']+)`\.`)?([^`']+)[`']$", message
    )
    if table:
        schema = table[2] or _schema_of(table[3], sql)
        if schema.lower() == "performance_schema":
            return f"GRANT SELECT ON performance_schema.* TO {who};"
        return f"GRANT {table[1]} ON {identifier(schema)}.{identifier(table[3])} TO {who};" if schema else ""
    database = re.search(r"to database '(.+)'$", message)
    return f"GRANT SELECT, SHOW VIEW ON {identifier(database[1])}.* TO {who};" if database else ""


def _schema_of(table: str, sql: str) -> str:
    """MySQL names the table alone: its database, as far as the statement names it."""
    found = re.search(rf"`?([\w$]+)`?\s*\.\s*`?{re.escape(table)}\b", sql, re.IGNORECASE)
    return found[1] if found else ""


def _position(message: str, sql: str) -> int | None:
    """Where a syntax error is: the server quotes what follows, and names the line."""
    found = re.search(r"near '(.*)' at line (\d+)$", message, re.DOTALL)
    if found is None or not sql:
        return None
    line = int(found[2])
    if not found[1]:
        return len(sql) + 1
    start = 0
    for _ in range(line - 1):
        start = sql.find("\n", start) + 1
    at = len(sql) - len(found[1]) if sql.endswith(found[1]) else sql.find(found[1], start)
    return at + 1 if at >= 0 else None


def describe_connect(
    error: BaseException, where: str, user: str, database: str, door: str = ""
) -> DbtuiError:
    """The console's error for a connection that could not be had. `where` is the address, `door` the URL's part
    that reaches the server when its slots are taken.
    """
    if isinstance(error, DbtuiError):
        return error
    if isinstance(error, NoTls):
        return ConnectError(
            f"{where} speaks no TLS", "switch it on at the server, or give ssl-mode=PREFERRED"
        )
    if isinstance(error, ClearPassword):
        what = f"{where} asks for the password in clear text over a connection that others can read"
        return AuthenticationError(what, "give ssl-mode=REQUIRED")
    cause = error.__cause__ if isinstance(error, err.Error) and error.__cause__ is not None else error
    if isinstance(cause, ssl.SSLError):
        return no_tls(cause, where, authority="ssl-ca", otherwise="check ssl-mode and its files")
    if (found := unreached(cause, where, "connect_timeout=30")) is not None:
        return found
    if isinstance(cause, OSError):
        return ConnectError(
            f"no connection to {where}: {cause.strerror or type(cause).__name__}", "does it run?"
        )
    if isinstance(error, err.Error) and code_of(error):
        return _rejected(code_of(error), message_of(error), where, user, database, door)
    return ConnectError(f"{where} answers unlike MySQL", "is it another product?")


def _rejected(code: int, message: str, where: str, user: str, database: str, door: str) -> ConnectError:
    if code in (1045, 1698):
        hint = "check both; a password can come from ~/.my.cnf or MYSQL_PWD"
        return PasswordRefused(f"{where} refused user {user} or its password", hint)
    if code in _SLOTS:
        return NoSlotsLeft(f"{where} has no free connection slot: {message}", _slots_hint(code, door))
    if code == 1049:
        return ConnectError(
            f"there is no database {database} on {where}", "leave it out, or give another one"
        )
    if code == 1044:
        grant = f"GRANT SELECT ON {identifier(database)}.* TO …"
        return ConnectError(f"user {user} may not use database {database}: {message}", grant)
    if code in (1129, 1130):
        return ConnectError(
            f"{where} takes no connections from here: {message}", "an administrator has to allow it"
        )
    if code in (3159, 1524) or "insecure transport" in message:
        return ConnectError(f"{where} wants TLS: {message}", "give ssl-mode=REQUIRED")
    if code in (2059, 1251):
        what = f"{where} wants a way to log in that is not supported: {message}"
        return AuthenticationError(what, "take a user with caching_sha2_password or mysql_native_password")
    if code in (1820, 1862, 3118, 4151, 3955):
        return AuthenticationError(
            f"{where} refused user {user}: {message}", "an administrator has to unlock it"
        )
    if code in (1053, 1077, 2013, 2006):
        return ConnectError(f"{where} closed the connection at once", "it may be starting, or shutting down")
    return ConnectError(f"{where} refused the connection: {message}", f"error {code}")


def _slots_hint(code: int, door: str) -> str:
    if code != 1040:
        return "the limit of this user is reached; end a session, or raise MAX_USER_CONNECTIONS"
    if door:
        return f"an administrator still gets in at {door}"
    return (
        "one more is kept for CONNECTION_ADMIN or SUPER; a server with admin_address (MySQL) or extra_port "
        "(MariaDB) has a door of its own: name it in the URL, ?admin_port=33062 or ?extra_port=3307"
    )
