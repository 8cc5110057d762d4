"""What the servers, HTTP, the system and TLS say when something fails, as the console's own errors in one line."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from dbtui.engines.elasticsearch.address import Parameters
from dbtui.engines.elasticsearch.wire import Answer
from dbtui.engines.elasticsearch.words import Request
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

ROLE = "dbtui"  # begins the name of a role that a remedy makes: one for each privilege, so that none is lost
_LONG = 300  # characters of what the server says
_AGAIN = "it is opened again by itself"
_GRANTED = re.compile(r"granted by the (cluster|index) privileges \[([^\]]*)\]")
_INDICES = re.compile(r"on (?:restricted )?indices \[([^\]]*)\]")
_ACTION = re.compile(r"action \[([^\]]+)\]|no permissions for \[([^\]]+)\]")
_LACKS = re.compile(
    r"no handler found|Incorrect HTTP method|failed to find action|Invalid index name \[_", re.I
)
_HINTS = {
    "cluster_block_exception": "PUT INDEX/_settings with the block set to null lifts it, once its cause is gone",
    "circuit_breaking_exception": "the heap is nearly full: ask for less, or wait",
    "es_rejected_execution_exception": "a thread pool's queue is full: wait, or send less at once",
    "rejected_execution_exception": "a thread pool's queue is full: wait, or send less at once",
    "index_not_found_exception": "the tree in pane 3 has the names",
    "index_closed_exception": "POST INDEX/_open opens it, as a write",
    "master_not_discovered_exception": "the cluster has no elected master: look at the logs of its nodes",
    "cluster_manager_not_discovered_exception": "the cluster has no elected manager: look at the logs of its nodes",
    "no_shard_available_action_exception": "a shard has no copy that is up: see Shards of the index in pane 3",
    "search_phase_execution_exception": "no shard answered: see Shards of the index in pane 3",
}


def lacks(error: QueryError) -> bool:
    """Whether the server does not have what was asked for: an endpoint of another product, version or module."""
    return error.code in ("405", "not_found") or bool(_LACKS.search(error.message))


def described(answer: Answer, user: str, request: Request) -> DbtuiError:
    """The console's error for an answer that refuses a request."""
    kind, reason, error = _said(answer)
    if answer.status == 401:
        return SessionLost("the server does not take the login any more", "it is opened again by itself")
    if answer.status == 403 and kind != "cluster_block_exception":
        return denied(reason, user, request.index)
    if answer.status in (408, 504):
        return QueryTimeout(
            "the server, or what stands before it, gave up waiting", reason[:_LONG], code=kind
        )
    if answer.status in (502, 503) and not kind:
        return SessionLost(f"what stands before the server answers {answer.status}", _AGAIN)
    code = kind or str(answer.status)
    return QueryError(reason[:_LONG], _HINTS.get(kind, ""), code=code, position=_position(error, request))


def _said(answer: Answer) -> tuple[str, str, Mapping[str, Any]]:
    """The type of an error, what it says in one line, and all of it. The deepest cause says most."""
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        document = None
    error = document.get("error") if isinstance(document, dict) else None
    if isinstance(error, str):
        return "", _line(error), {}
    if not isinstance(error, dict):
        if isinstance(document, dict) and isinstance(document.get("message"), str):  # AWS, proxies
            return "", _line(document["message"]), {}
        if isinstance(document, dict) and document.get("found") is False:
            return "not_found", "there is no such document", {}
        return "", f"HTTP {answer.status}, with an answer that is not the product's", {}
    causes = list(_causes(error))
    reasons = [str(cause["reason"]) for cause in causes if cause.get("reason")]
    first = str(error.get("type") or "")
    said = reasons[-1] if reasons else first or f"HTTP {answer.status}"
    placed = next((cause for cause in causes if isinstance(cause.get("line"), int)), {})
    kinds = [str(cause.get("type") or "") for cause in causes]
    known = next(
        (kind for kind in kinds if kind in _HINTS and kind != "search_phase_execution_exception"), first
    )
    return known, _line(said), placed


def _causes(error: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """An error, its first root cause, and the chain of what caused it."""
    yield error
    roots = error.get("root_cause")
    if isinstance(roots, list) and roots and isinstance(roots[0], dict):
        yield roots[0]
    cause = error.get("caused_by")
    for _ in range(8):
        if not isinstance(cause, dict):
            return
        yield cause
        cause = cause.get("caused_by")


def _line(said: str) -> str:
    return " ".join(said.split())


def _position(error: Mapping[str, Any], request: Request) -> int | None:
    """Where in what was typed it went wrong, from 1; None where the body is not sent as it stands there."""
    line, column, lines = error.get("line"), error.get("col"), request.body.split("\n")
    if not isinstance(line, int) or not isinstance(column, int) or request.body_at is None:
        return None
    if not 0 < line <= len(lines) or column < 1:
        return None
    return request.body_at + sum(len(one) + 1 for one in lines[: line - 1]) + column


def denied(reason: str, user: str, index: str = "") -> PermissionDenied:
    """A missing privilege, with the role that has exactly it.

    Elasticsearch names the privileges that would do, the smallest first; OpenSearch's security plugin the action.
    """
    granted, action, indices = _GRANTED.search(reason), _ACTION.search(reason), _INDICES.search(reason)
    names = (indices[1] if indices else index or "*").split(",")
    who = f"user {user}" if user else "the user"
    if granted:
        privilege = granted[2].split(",")[0]
        role: dict[str, Any] = {"cluster": [privilege]}
        if granted[1] == "index":
            role = {"indices": [{"names": names, "privileges": [privilege]}]}
        needs = f"the {granted[1]} privilege {privilege}"
        if granted[1] == "index" and (indices or index):
            needs += f" on {', '.join(names)}"
        remedy = f"POST _security/role/{ROLE}-{privilege} {json.dumps(role)}, and give {who} that role"
        return PermissionDenied(f"{who} lacks {needs}", remedy, code="403", remedy=remedy)
    if action:
        name = action[1] or action[2]
        role = {"cluster_permissions": [name]}
        if name.startswith("indices:"):
            role = {"index_permissions": [{"index_patterns": names, "allowed_actions": [name]}]}
        path = f"_plugins/_security/api/roles/{ROLE}-{name.rpartition('/')[2]}"
        remedy = f"PUT {path} {json.dumps(role)}, and map {who} to that role"
        return PermissionDenied(f"{who} may not do {name}", remedy, code="403", remedy=remedy)
    return PermissionDenied(
        f"{who} may not do that: {reason[:_LONG]}", "ask an administrator for it", code="403"
    )


def lost(error: BaseException) -> DbtuiError:
    """The console's error for a request that had no answer."""
    if isinstance(error, DbtuiError):
        return error
    if isinstance(error, httpx.DecodingError | httpx.InvalidURL | UnicodeError):
        return QueryError("the answer or the request is not proper HTTP", "is it another product?")
    return SessionLost("the connection to the server is lost", _AGAIN)


# ---- connecting


def described_connect(error: BaseException, parameters: Parameters) -> DbtuiError:
    """The console's error for a connection that could not be had."""
    if isinstance(error, DbtuiError):
        return error
    where = parameters.where
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLError):
            hint = "is that its TLS port? Without TLS write elasticsearch:// or opensearch://"
            return no_tls(
                cause, where, authority="give ?ca_certs=FILE for an authority of your own", otherwise=hint
            )
        if (told := unreached(cause, where, "?timeout=30")) is not None:
            return told
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
        hint = (
            "is that its TLS port?"
            if parameters.tls
            else "does it speak TLS? Then write +https:// in the URL"
        )
        return ConnectError(f"{where} closed the connection, or speaks no HTTP", hint)
    reason = next(
        (cause.strerror for cause in _chain(error) if isinstance(cause, OSError) and cause.strerror), ""
    )
    return ConnectError(f"no connection to {where}: {reason or type(error).__name__}", "check host and port")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it came from: httpx wraps what the system says twice."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def rejected(answer: Answer, parameters: Parameters) -> ConnectError:
    """The error for a first answer that lets nobody in."""
    where, (_, reason, _) = parameters.where, _said(answer)
    if answer.status == 401:
        if parameters.login != "basic":
            return PasswordRefused(
                f"{where} refused the {_KEYS[parameters.login]}", "is it expired or revoked?"
            )
        if not parameters.user:
            hint = "write USER@ before the host, or ?auth=apikey for an API key"
            return AuthenticationError(f"{where} wants a login", hint)
        return PasswordRefused(
            f"{where} refused user {parameters.user} or the password",
            "give it when asked, or save it in the keyring",
        )
    if answer.status == 429:
        return NoSlotsLeft(f"{where} takes no more requests now: {reason[:_LONG]}", "wait a moment")
    if answer.status in (301, 302, 307, 308):
        return ConnectError(
            f"{where} sends elsewhere", f"connect to {answer.headers.get('location', '')[:200]}"
        )
    if answer.status in (502, 503, 504):
        return ConnectError(
            f"{where} answers {answer.status}: {reason[:_LONG]}", "is the cluster behind it up?"
        )
    return ConnectError(
        f"{where} answers {answer.status}: {reason[:_LONG]}", "is it Elasticsearch or OpenSearch?"
    )


_KEYS = {"apikey": "API key", "bearer": "token"}
