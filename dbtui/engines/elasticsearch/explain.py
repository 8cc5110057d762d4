"""Plans of searches. The products plan nothing ahead: what can be had without running is the rewritten query, and a
run with the profile switched on says where the time went.
"""

from __future__ import annotations

import json
from typing import Any

from dbtui.documents import mapping, mappings
from dbtui.engines.elasticsearch import words
from dbtui.engines.elasticsearch.connection import Connection
from dbtui.engines.elasticsearch.reply import decoded
from dbtui.engines.elasticsearch.words import Request
from dbtui.engines.work import Work
from dbtui.errors import QueryError
from dbtui.model.plan import RawPlan
from dbtui.safety import Approval

PROFILE, VALIDATE = "elasticsearch-profile", "elasticsearch-validate"
_HOW = 'only searches have plans: GET index/_search, and its {"query": …} below'


class ElasticExplainer:
    """See `engines.base.Explainer`."""

    def __init__(self, work: Work[Connection]) -> None:
        self._work = work

    async def explain(
        self,
        sql: str,
        *,
        database: str = "",
        analyze: bool = False,
        timeout: float = 30.0,
        approval: Approval | None = None,
    ) -> RawPlan:
        """The rewritten query of a search; with `analyze` it is run and profiled. A search changes nothing, so no
        approval is needed.
        """
        request = words.parse(sql)
        if request.segments[-1:] != ("_search",) or request.method not in ("GET", "POST"):
            raise QueryError(f"{request.shown} is no search", _HOW)
        body = json.loads(request.body) if request.body else {}
        if not isinstance(body, dict):
            raise QueryError("the body of a search is an object", _HOW)
        made = _profiled(request, body) if analyze else _validated(request, body)
        async with self._work.use() as connection:
            answer = await connection.send(made, timeout=timeout)
            version = connection.server.version
        if not analyze:
            _raise_invalid(decoded(answer.body))
        notes = () if analyze else ("not run: the query as it is rewritten for Lucene",)
        return RawPlan(
            answer.body.decode("utf-8", "replace"), PROFILE if analyze else VALIDATE, sql, version, notes
        )


def _raise_invalid(answer: Any) -> None:
    """What _validate says is no error to the server: a query that it cannot read."""
    for one in (mapping(answer), *mappings(mapping(answer).get("explanations"))):
        if one.get("valid") is False and one.get("error"):
            raise QueryError(" ".join(str(one["error"]).split())[:300])


def _profiled(request: Request, body: dict[str, Any]) -> Request:
    whole = json.dumps({**body, "profile": True}, ensure_ascii=False)
    return Request(request.method, request.segments, request.parameters, whole)


def _validated(request: Request, body: dict[str, Any]) -> Request:
    query = json.dumps({"query": body["query"]}, ensure_ascii=False) if "query" in body else ""
    asked = (("explain", "true"), ("rewrite", "true"))
    kept = tuple((name, value) for name, value in request.parameters if name in ("q", "df", "analyzer"))
    return Request(request.method, (*request.segments[:-1], "_validate", "query"), (*kept, *asked), query)
