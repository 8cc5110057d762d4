"""PostgreSQL's own parser, imported by name: the stub file of postgast 0.2 is not valid Python for mypy."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_postgast: Any = import_module("postgast")

parse: Any = _postgast.parse
ParseError: type[Exception] = _postgast.PgQueryError
# The protobuf classes and enum values of the parse tree.
pb: Any = import_module("postgast.pg_query_pb2")
# A tree nested more than a hundred levels deep does not fit protobuf's limit.
TooDeep: type[Exception] = import_module("google.protobuf.message").DecodeError
