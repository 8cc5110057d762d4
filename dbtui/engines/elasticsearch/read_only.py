"""What only reads, decided before anything is sent: the servers have no read-only sessions.

A request passes by its verb and its path: GET and HEAD of the endpoints that are listed here, and POST of those that
take a question as a body. A verb alone says too little: GET _refresh and GET _flush act, GET
_security/enroll/kibana makes a token, and POST _search only reads. Endpoints that keep something at the server for
the asker (scrolls, points in time, asynchronous searches) are no reading either.
"""

from __future__ import annotations

from dbtui.engines.elasticsearch.words import Request
from dbtui.errors import NotApproved

Pattern = tuple[str, ...]


def _patterns(text: str) -> tuple[Pattern, ...]:
    """Paths: * stands for one segment, ** at the end for any number of them."""
    return tuple(tuple(path.split("/")) for path in text.split())


# Questions with a body: POST as well as GET. The first list stands behind an index, or alone.
_ASKED = _patterns(
    "_search _msearch _count _mget _field_caps _search_shards _rank_eval _validate/query _analyze "
    "_termvectors _termvectors/* _mtermvectors _explain/* _terms_enum _search/template _msearch/template "
    "_knn_search"
)
_ASKED_ALONE = _patterns(
    "_render/template _render/template/* _query _sql _sql/translate _cluster/allocation/explain "
    "_ingest/pipeline/_simulate _ingest/pipeline/*/_simulate _index_template/_simulate "
    "_index_template/_simulate/* _index_template/_simulate_index/* _security/user/_has_privileges"
)
# GET and HEAD only: behind an index, or alone.
_READ = _patterns(
    "_mapping _mapping/** _mappings _settings _settings/* _alias _alias/* _aliases _stats _stats/* "
    "_segments _recovery _shard_stores _ilm/explain _lifecycle/explain _field_usage_stats _ccr/info "
    "_ccr/stats"
)
_READ_BEHIND_INDEX = _patterns("_doc/* _source/* _explain/*")
_READ_ALONE = _patterns(
    "_cat _cat/** _cluster/health _cluster/health/* _cluster/state _cluster/state/** _cluster/stats "
    "_cluster/stats/** _cluster/settings _cluster/pending_tasks _cluster/decommission/** _nodes _nodes/** "
    "_tasks _tasks/* _health_report _health_report/* _internal/_health _remote/info _data_stream "
    "_data_stream/* _data_stream/*/_stats _data_stream/*/_lifecycle _index_template _index_template/* "
    "_component_template _component_template/* _template _template/* _ingest/pipeline _ingest/pipeline/* "
    "_ingest/geoip/stats _ingest/processor/grok _scripts/* _script_context _script_language _snapshot "
    "_snapshot/** _slm/policy _slm/policy/* _slm/stats _slm/status _ilm/policy _ilm/policy/* _ilm/status "
    "_resolve/index/* _resolve/cluster/* _dangling _license _license/basic_status _license/trial_status "
    "_xpack _xpack/usage _features _ssl/certificates _migration/deprecations _migration/system_features "
    "_enrich/policy _enrich/policy/* _enrich/_stats _transform _transform/* _transform/*/_stats "
    "_ccr/stats _ccr/auto_follow _ccr/auto_follow/* _watcher/stats _watcher/stats/* "
    "_searchable_snapshots/stats _searchable_snapshots/cache/stats _query/queries _query/queries/* "
    "_synonyms _synonyms/* _security/_authenticate _security/user _security/user/* "
    "_security/user/_privileges _security/role _security/role/* _security/role_mapping "
    "_security/role_mapping/* _security/privilege _security/privilege/** _security/api_key "
    "_security/_query/role _security/service _security/service/** _ml/info _ml/anomaly_detectors "
    "_ml/anomaly_detectors/* _ml/anomaly_detectors/*/_stats _ml/datafeeds _ml/datafeeds/* "
    "_ml/datafeeds/*/_stats _ml/data_frame/analytics _ml/data_frame/analytics/* _ml/trained_models "
    "_ml/trained_models/* _ml/memory/_stats _plugins/_ism/policies _plugins/_ism/policies/* "
    "_plugins/_ism/explain/* _plugins/_security/authinfo _plugins/_security/api/** "
    "_plugins/_security/health _plugins/_knn/stats _plugins/_sql/stats _plugins/_ppl/stats "
    "_insights/top_queries _insights/live_queries _search_pipeline _search_pipeline/* "
    "_remotestore/stats/** _list/indices _list/shards"
)
# Parameters that turn a question into something that acts, or that stays.
_ACTING = {
    "scroll": "scroll keeps a context open at the server: size and search_after read on",
    "refresh": "refresh writes a new segment before it reads",
    "keep_alive": "keep_alive holds something open at the server",
    "keep_on_completion": "keep_on_completion stores the answer at the server",
    "wait_for_completion_timeout": "wait_for_completion_timeout stores the answer at the server",
}
_APPROVE = "approve it as a write to run it"


def check(request: Request) -> None:
    """Raise NotApproved unless a request only reads."""
    if reason := why_not(request):
        raise NotApproved(f"read-only: {reason}", _APPROVE)


def why_not(request: Request) -> str:
    """Why a request is not let through, "" when it only reads."""
    method, segments = request.method, request.segments
    for name, _ in request.parameters:
        if name in _ACTING:
            return _ACTING[name]
    if method not in ("GET", "HEAD", "POST"):
        return f"{method} changes something"
    if method == "POST" and any("/" in segment and not segment.startswith("<") for segment in segments):
        return "a name with a slash in it could be taken for a path"
    if not segments:
        return "" if method != "POST" else "POST / is nothing that reads"
    with_index = not segments[0].startswith("_") or segments[0] == "_all"
    endpoint = segments[1:] if with_index else segments
    if not endpoint:
        return "" if method != "POST" else "POST to an index writes a document"
    allowed = _ASKED if with_index else (*_ASKED, *_ASKED_ALONE)
    if method != "POST":
        allowed += (*_READ, *(_READ_BEHIND_INDEX if with_index else _READ_ALONE))
    if any(_fits(endpoint, pattern) for pattern in allowed):
        return ""
    return f"{method} {'/'.join(endpoint)} is not among what is known to only read"


def _fits(endpoint: Pattern, pattern: Pattern) -> bool:
    if pattern[-1] == "**":
        fixed = pattern[:-1]
        return len(endpoint) >= len(fixed) and _fits(endpoint[: len(fixed)], fixed)
    return len(endpoint) == len(pattern) and all(
        want in ("*", name) for name, want in zip(endpoint, pattern, strict=True)
    )
