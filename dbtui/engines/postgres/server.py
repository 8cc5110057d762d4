"""The one question asked of every new session, and what its answer says about the server.

It goes as COPY over the simple protocol: one round trip, where a fetch of asyncpg takes two. That leaves the
first data of a TLS connection with SCRAM at nine round trips: TCP, SSLRequest, TLS, startup, SCRAM (2), this,
and the first fetch (2).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import asyncpg

from dbtui.engines.postgres.libpq import Address
from dbtui.model.server import Server

VIEWS = (
    "pg_stat_activity",
    "pg_stat_database",
    "pg_stat_bgwriter",
    "pg_stat_checkpointer",
    "pg_stat_wal",
    "pg_stat_io",
    "pg_stat_archiver",
    "pg_stat_replication",
    "pg_stat_wal_receiver",
    "pg_stat_progress_vacuum",
    "pg_stat_progress_create_index",
    "pg_stat_all_tables",
    "pg_stat_all_indexes",
    "pg_replication_slots",
    "pg_locks",
    "pg_class",
    "pg_index",
    "pg_attribute",
    "pg_constraint",
    "pg_proc",
    "pg_database",
)

SETTINGS = (
    "max_connections",
    "superuser_reserved_connections",
    "reserved_connections",
    "track_activities",
    "track_activity_query_size",
    "track_counts",
    "track_io_timing",
    "compute_query_id",
    "shared_preload_libraries",
    "pg_stat_statements.max",
    "pg_stat_statements.track",
    "autovacuum",
    "autovacuum_freeze_max_age",
    "block_size",
    "wal_segment_size",
    "max_wal_size",
    "search_path",
    "data_directory",
)

_SET_BY = (
    "configuration file", "command line", "environment variable", "global", "database", "user", "database user",
)  # fmt: skip
_TELLING = "_command$|conninfo|passphrase"  # settings in which a password may stand

# Names: PeerDB's GetDatabaseVariant and pgwatch; a placeholder setting shows in current_setting alone.
_CLOUD = """CASE
  WHEN to_regproc('pg_catalog.aurora_version') IS NOT NULL THEN 'aurora'
  WHEN current_setting('rds.extensions', true) <> '' THEN 'rds'
  WHEN current_setting('neon.endpoint_id', true) <> '' THEN 'neon'
  WHEN current_setting('supautils.privileged_extensions', true) <> '' THEN 'supabase'
  WHEN current_setting('extwlist.pscale_allowed_extensions', true) <> '' THEN 'planetscale'
  WHEN current_setting('cloudsql.logical_decoding', true) <> '' THEN 'cloudsql'
  WHEN current_setting('azure.extensions', true) <> '' THEN 'azure'
  ELSE '' END"""


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)


PROBE = f"""SELECT json_build_object(
  'version', current_setting('server_version'),
  'version_number', current_setting('server_version_num')::int,
  'pid', pg_backend_pid(),
  'application', current_setting('application_name'),
  'read_only', current_setting('default_transaction_read_only'),
  'database', current_database(),
  'user', current_user,
  'encoding', current_setting('server_encoding'),
  'superuser', current_setting('is_superuser') = 'on',
  'in_recovery', pg_is_in_recovery(),
  'started', extract(epoch FROM pg_postmaster_start_time()),
  'now', extract(epoch FROM clock_timestamp()),
  'cloud', {_CLOUD},
  'extensions', (SELECT json_object_agg(e.extname, json_build_array(n.nspname, e.extversion))
                 FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace),
  'settings', (SELECT json_object_agg(s.name, s.setting) FROM pg_catalog.pg_settings s
               WHERE s.name IN ({_quoted(SETTINGS)})),
  'changed', (SELECT json_object_agg(s.name, current_setting(s.name)) FROM pg_catalog.pg_settings s
              WHERE s.source IN ({_quoted(_SET_BY)}) AND s.setting IS DISTINCT FROM s.boot_val
                AND s.category <> 'Customized Options' AND s.name !~ '{_TELLING}'),
  'columns', (SELECT json_object_agg(v.relname, v.names) FROM (
      SELECT c.relname, json_agg(a.attname) AS names
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
      WHERE a.attnum > 0 AND NOT a.attisdropped
        AND (c.relnamespace = 'pg_catalog'::regnamespace AND c.relname IN ({_quoted(VIEWS)})
          OR c.oid IN (SELECT d.objid
                       FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
                       WHERE e.extname = 'pg_stat_statements' AND d.deptype = 'e'
                         AND d.classid = 'pg_catalog.pg_class'::regclass
                         AND d.refclassid = 'pg_catalog.pg_extension'::regclass))
      GROUP BY c.relname) v)
)"""  # noqa: S608 - made of constants


@dataclass(frozen=True, slots=True)
class Probe:
    """What a session's server said when it was opened. Everything is the server's own text, unchanged."""

    version: str  # "18.6 (Debian 18.6-1)"
    version_number: int  # 180006
    pid: int  # pg_backend_pid(): behind a pooler, of the server connection of that moment
    application: str  # "" or another's where startup settings did not reach the server
    read_only: bool  # default_transaction_read_only as the session sees it
    database: str
    user: str
    encoding: str  # of the database: "UTF8", "SQL_ASCII", …
    superuser: bool
    in_recovery: bool
    started: float  # epoch seconds, the server's start
    now: float  # epoch seconds by the server's clock
    cloud: str  # "", "rds", "aurora", "neon", "supabase", "planetscale", "cloudsql", "azure"
    extensions: Mapping[str, tuple[str, str]] = field(
        default_factory=dict
    )  # name → schema, version; this database
    settings: Mapping[str, str] = field(
        default_factory=dict
    )  # those of SETTINGS shown, in pg_settings' units
    changed: Mapping[str, str] = field(default_factory=dict)  # those that are not the default, with units
    columns: Mapping[str, frozenset[str]] = field(
        default_factory=dict
    )  # those of VIEWS, and pg_stat_statements'

    @property
    def statements_schema(self) -> str:
        """The schema of pg_stat_statements in this database, "" when it is not there."""
        return self.extensions.get("pg_stat_statements", ("", ""))[0]

    @property
    def statements_version(self) -> str:
        """The version of pg_stat_statements in this database, "" when it is not there."""
        return self.extensions.get("pg_stat_statements", ("", ""))[1]

    @property
    def max_connections(self) -> int:
        return int(self.settings.get("max_connections", "0"))

    def has(self, view: str, column: str) -> bool:
        """Whether a view of VIEWS (or of pg_stat_statements) has a column on this server."""
        return column in self.columns.get(view, ())


async def probe(raw: asyncpg.Connection, timeout: float) -> Probe:
    """Ask PROBE in one round trip. Raises what asyncpg raises; ValueError for an answer that is none."""
    chunks: list[bytes] = []

    async def take(chunk: bytes) -> None:
        chunks.append(chunk)

    try:
        await raw.copy_from_query(PROBE, output=take, timeout=timeout)
    except asyncpg.InsufficientPrivilegeError:  # a cloud may keep its settings from plain users
        await raw.copy_from_query(PROBE.replace(_CLOUD, "''"), output=take, timeout=timeout)
    text = b"".join(chunks).decode("utf-8", "replace").rstrip("\n").replace("\\\\", "\\")
    return _read(json.loads(text))


def _read(answer: Mapping[str, object]) -> Probe:
    def mapping(name: str) -> Mapping[str, object]:
        value = answer[name]
        return value if isinstance(value, dict) else {}

    return Probe(
        version=str(answer["version"]),
        version_number=int(str(answer["version_number"])),
        pid=int(str(answer["pid"])),
        application=str(answer["application"]),
        read_only=answer["read_only"] == "on",
        database=str(answer["database"]),
        user=str(answer["user"]),
        encoding=str(answer["encoding"]),
        superuser=answer["superuser"] is True,
        in_recovery=answer["in_recovery"] is True,
        started=float(str(answer["started"])),
        now=float(str(answer["now"])),
        cloud=str(answer["cloud"]),
        extensions={name: (str(pair[0]), str(pair[1])) for name, pair in _pairs(mapping("extensions"))},
        settings={name: str(value) for name, value in mapping("settings").items()},
        changed={name: str(value) for name, value in mapping("changed").items()},
        columns={
            name: frozenset(map(str, names))
            for name, names in mapping("columns").items()
            if isinstance(names, list)
        },
    )


def _pairs(found: Mapping[str, object]) -> list[tuple[str, list[object]]]:
    return [(name, pair) for name, pair in found.items() if isinstance(pair, list) and len(pair) == 2]


def server(probe: Probe, address: Address, *, pooler: str, notes: tuple[str, ...]) -> Server:
    """The server as the rest of the console knows it."""
    seen = Server(
        product="PostgreSQL",
        version=probe.version.split(" ", 1)[0],
        version_number=probe.version_number,
        role="replica" if probe.in_recovery else "primary",
        address=str(address),
        database=probe.database,
        user=probe.user,
        encoding=probe.encoding,
        cloud=probe.cloud,
        pooler=pooler,
        superuser=probe.superuser,
        started=probe.started,
        settings=tuple(f"{name} = {value}" for name, value in sorted(probe.changed.items())),
    )
    more = list(notes)
    if probe.version_number < 130000:
        more.append(
            f"PostgreSQL {seen.version} is older than 13, the oldest dbtui knows: some panes may stay empty"
        )
    if pooler:
        more.append(
            "a pooler is in between: each query is a transaction of its own, and costs more round trips"
        )
    if probe.cloud == "neon":
        more.append("Neon: sampling keeps the compute awake, and pg_stat_statements is lost at each suspend")
    return replace(seen, notes=tuple(more))
