"""What a new session asks of its server, and what the answers say about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dbtui.engines.mysql.failures import FAILURES, account
from dbtui.engines.mysql.lex import Dialect, literal
from dbtui.engines.mysql.options import Parameters
from dbtui.engines.mysql.wire import Raw
from dbtui.model.server import Server

VARIABLES = (
    "version", "version_comment", "max_connections", "performance_schema", "read_only", "super_read_only",
    "innodb_page_size", "admin_address", "admin_port", "extra_port", "port", "aurora_version", "basedir",
    "log_bin", "wsrep_on", "wsrep_cluster_name", "group_replication_group_name", "hostname", "server_id",
    "explain_json_format_version", "performance_schema_digests_size", "max_digest_length",
    "innodb_buffer_pool_size", "character_set_server", "system_time_zone", "lower_case_table_names",
    "performance_schema_max_digest_length", "extra_max_connections",
)  # fmt: skip
_VIEWS = {
    "performance_schema": (
        "processlist", "threads", "data_lock_waits", "metadata_locks", "events_statements_summary_by_digest",
        "session_connect_attrs", "events_stages_current", "setup_instruments", "setup_consumers",
    ),
    "information_schema": (
        "PROCESSLIST", "INNODB_TRX", "INNODB_LOCK_WAITS", "INNODB_METRICS", "METADATA_LOCK_INFO", "TABLES",
        "COLUMNS", "STATISTICS", "ROUTINES", "CHECK_CONSTRAINTS", "SEQUENCES",
    ),
}  # fmt: skip
_METADATA = "wait/lock/metadata/sql/mdl"
GUARD_NOTE = (
    "read-only: {} lets a read-only session end its own read-only mode and write files, so statements are also"
    " checked by their words before they are sent; a user with SELECT alone is the firmer guard"
)


@dataclass(frozen=True, slots=True)
class Identity:
    """What each session asks: who answers, and since when."""

    version: str  # "11.8.9-MariaDB-4 from Debian"
    id: int  # CONNECTION_ID(): behind a proxy, of the connection that served the question
    database: str
    current_user: str  # "user@host" of the account
    sql_mode: str
    boot: int  # epoch seconds of the server's start, by its own clock, ± 1

    @property
    def mariadb(self) -> bool:
        return "mariadb" in self.version.lower()

    @property
    def dialect(self) -> Dialect:
        return Dialect.of_mode(self.sql_mode)


@dataclass(frozen=True, slots=True)
class Probe:
    """What the monitor's session asks besides, once."""

    identity: Identity
    variables: Mapping[str, str] = field(default_factory=dict)  # of VARIABLES, those the server has
    columns: Mapping[str, frozenset[str]] = field(
        default_factory=dict
    )  # view in lower case → columns in lower case
    grants: tuple[str, ...] = ()  # SHOW GRANTS
    replica: bool | None = None  # None where the user may not see it
    cloud: str = ""
    consumers: frozenset[str] | None = (
        frozenset()
    )  # of performance_schema, those that are on; None when hidden
    sees_metadata_locks: bool = False

    @property
    def mariadb(self) -> bool:
        return self.identity.mariadb

    @property
    def performance_schema(self) -> bool:
        return self.variables.get("performance_schema", "").upper() in ("ON", "1")

    def consumes(self, name: str) -> bool:
        """Whether performance_schema is on, seen, and keeps this kind of events."""
        return self.performance_schema and name in (self.consumers or ())

    @property
    def see_performance_schema(self) -> str:
        """The GRANT that shows what performance_schema hides, "" where nothing is hidden."""
        if not self.performance_schema or self.consumers is not None:
            return ""
        return f"GRANT SELECT ON performance_schema.* TO {account(self.identity.current_user)};"

    def has(self, view: str, column: str = "") -> bool:
        """Whether a view (in lower case) is there, with a column."""
        columns = self.columns.get(view)
        return columns is not None and (not column or column in columns)

    @property
    def sees_all(self) -> bool:
        """Whether the user surely sees the sessions of others; a role's privileges are not looked into."""
        return any(
            re.match(r"GRANT (ALL PRIVILEGES|.*\bPROCESS\b).* ON \*\.\*", grant) for grant in self.grants
        )

    @property
    def superuser(self) -> bool:
        return any(
            re.match(r"GRANT (ALL PRIVILEGES|.*\bSUPER\b).* ON \*\.\*", grant) for grant in self.grants
        )

    @property
    def max_connections(self) -> int:
        return int(self.variables.get("max_connections", "0"))

    @property
    def number(self) -> tuple[int, ...]:
        """The version as numbers: (9, 7, 4)."""
        return tuple(map(int, re.findall(r"\d+", self.identity.version)[:3]))


async def identify(raw: Raw) -> Identity:
    """One question that every product answers. Raises what aiomysql raises, IndexError for no answer."""
    sql = "SELECT VERSION(), CONNECTION_ID(), DATABASE(), CURRENT_USER(), @@sql_mode, UNIX_TIMESTAMP()"
    version, id_, database, user, mode, now = (await raw.ask(sql)).texts()[0]
    uptime = 0
    for _name, value in (await raw.ask("SHOW GLOBAL STATUS LIKE 'Uptime'")).texts():
        uptime = int(value)
    return Identity(version, int(id_), database, user, mode, int(float(now)) - uptime)


async def probe(raw: Raw, identity: Identity, parameters: Parameters) -> Probe:
    """The rest. What a privilege hides is left out. Raises what aiomysql raises when the session is lost."""
    names = ", ".join(f"'{name}'" for name in VARIABLES)
    found = await raw.ask(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({names})")
    variables = {name.lower(): value for name, value in found.texts()}
    grants = await _tried(raw, "SHOW GRANTS")
    verb = "SHOW ALL REPLICAS STATUS" if identity.mariadb else "SHOW REPLICA STATUS"
    replicas = await _tried(raw, verb)
    consumers = await _tried(raw, "SELECT NAME FROM performance_schema.setup_consumers WHERE ENABLED = 'YES'")
    metadata = await _tried(
        raw, f"SELECT ENABLED FROM performance_schema.setup_instruments WHERE NAME = '{_METADATA}'"
    )
    return Probe(
        identity,
        variables,
        await _columns(raw),
        tuple(row[0] for row in grants or ()),
        None if replicas is None else bool(replicas),
        _cloud(variables, identity.version, parameters.host),
        None if consumers is None else frozenset(row[0] for row in consumers),
        sees_metadata_locks=metadata == [("YES",)],
    )


async def _tried(raw: Raw, sql: str) -> list[tuple[str, ...]] | None:
    """The rows, None where the server refuses: a privilege, or a product without it."""
    try:
        return (await raw.ask(sql)).texts()
    except FAILURES:
        if raw.closed:
            raise
        return None


async def _columns(raw: Raw) -> dict[str, frozenset[str]]:
    wanted = " OR ".join(
        f"TABLE_SCHEMA = '{schema}' AND TABLE_NAME = '{view}'"
        for schema, views in _VIEWS.items()
        for view in views
    )
    sql = f"SELECT TABLE_NAME, COLUMN_NAME, TABLE_SCHEMA FROM information_schema.COLUMNS WHERE {wanted}"
    columns: dict[str, set[str]] = {}
    for view, column, schema in await _tried(raw, sql) or ():
        name = view.lower() if schema.lower() == "performance_schema" else view.upper()
        columns.setdefault(name, set()).add(column.lower())
    return {view: frozenset(names) for view, names in columns.items()}


def _cloud(variables: Mapping[str, str], version: str, host: str) -> str:
    comment = variables.get("version_comment", "").lower()
    if "aurora_version" in variables:
        return "aurora"
    if variables.get("basedir", "").startswith("/rdsdbbin") or host.endswith(".rds.amazonaws.com"):
        return "rds"
    if "-google" in version:
        return "cloudsql"
    if host.endswith((".mysql.database.azure.com", ".mariadb.database.azure.com")):
        return "azure"
    if "planetscale" in comment or host.endswith(".psdb.cloud"):
        return "planetscale"
    return ""


def product_of(version: str, comment: str) -> str:
    """What answered, whatever the URL's scheme says."""
    text = f"{version} {comment}".lower()
    known = (("mariadb", "MariaDB"), ("tidb", "TiDB"), ("vitess", "Vitess"), ("percona", "Percona Server"),
             ("singlestore", "SingleStore"))  # fmt: skip
    return next((name for mark, name in known if mark in text), "MySQL")


def door(probe: Probe, parameters: Parameters) -> str:
    """The port at which an administrator still gets in when all slots are taken, "" where there is none."""
    variables = probe.variables
    if parameters.door is not None:
        return "{}, port {}, which is tried by itself".format(*parameters.door)
    if variables.get("extra_port", "0") not in ("", "0"):
        port = variables["extra_port"]
        return f"extra_port {port} of {parameters.host or 'this machine'}, which ?extra_port={port} in the URL tries"
    if variables.get("admin_address"):
        host, port = variables["admin_address"], variables.get("admin_port", "33062")
        more = f"?admin_address={host}&admin_port={port}"
        return f"admin_address {host}, port {port}, which {more} in the URL tries"
    return ""


def server(probe: Probe, parameters: Parameters, *, pooler: str, notes: tuple[str, ...]) -> Server:
    """The server as the rest of the console knows it."""
    identity = probe.identity
    product = product_of(identity.version, probe.variables.get("version_comment", ""))
    major, minor, patch = (*probe.number, 0, 0, 0)[:3]
    user, _, _host = identity.current_user.rpartition("@")
    return Server(
        product=product,
        version=".".join(map(str, probe.number)),
        version_number=major * 10000 + minor * 100 + patch,
        role=_role(probe),
        address=parameters.address,
        database=identity.database,
        user=user,
        encoding=probe.variables.get("character_set_server", "utf8mb4"),
        cloud=probe.cloud,
        pooler=pooler,
        superuser=probe.superuser,
        started=float(identity.boot),
        notes=(*notes, *_notes(probe, parameters, product, pooler)),
    )


def _role(probe: Probe) -> str:
    if probe.replica:
        return "replica"
    if probe.replica is None:
        return ""
    return "primary"


def _notes(probe: Probe, parameters: Parameters, product: str, pooler: str) -> tuple[str, ...]:
    notes = [GUARD_NOTE.format(product)]
    oldest = (10, 6) if probe.mariadb else (8, 0)
    if probe.number[:2] < oldest:
        version = ".".join(map(str, probe.number))
        known = ".".join(map(str, oldest))
        notes.append(
            f"{product} {version} is older than {known}, the oldest dbtui knows: some panes may stay empty"
        )
    if probe.variables.get("read_only", "OFF") not in ("OFF", "0", "NO_LOCK"):
        notes.append("the server is read_only: it takes writes of administrators only")
    if probe.replica is None:
        privilege = "SLAVE MONITOR" if probe.mariadb else "REPLICATION CLIENT"
        grant = f"GRANT {privilege} ON *.* TO {account(probe.identity.current_user)};"
        notes.append(f"whether it is a replica is hidden: {grant}")
    if not probe.performance_schema:
        notes.append(
            "performance_schema is off: statements are sampled, and who holds a metadata lock is not known"
        )
    elif probe.see_performance_schema:
        notes.append(
            "statements, locks on tables and what idle transactions did last are hidden: "
            + probe.see_performance_schema
        )
    elif not probe.sees_metadata_locks:
        notes.append(
            "who holds a metadata lock is not known. For that: UPDATE performance_schema.setup_instruments"
            f" SET ENABLED = 'YES' WHERE NAME = '{_METADATA}'; at the server's start: performance-schema-instrument"
        )
    if door(probe, parameters):
        notes.append(f"if all slots are taken, an administrator still gets in at {door(probe, parameters)}")
    if pooler:
        notes.append("a proxy is in between: session ids may be its own, and actions may miss their target")
    return tuple(notes)


def names_in(values: Iterable[str]) -> str:
    """Texts as the list of an IN, which is never empty."""
    return ", ".join(literal(value) for value in values) or "NULL"
