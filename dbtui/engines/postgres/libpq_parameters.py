"""Each connection parameter that libpq or the ecosystem knows: it is mapped, left out with a note, or refused.

Reference: https://www.postgresql.org/docs/18/libpq-connect.html and libpq-envars. asyncpg sends every parameter that it
does not know to the server as a setting, so none is passed on unseen.
"""

from __future__ import annotations

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
SESSION_ATTRIBUTES = ("any", "read-write", "read-only", "primary", "standby", "prefer-standby")

ENVIRONMENT = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "passfile": "PGPASSFILE",
    "channel_binding": "PGCHANNELBINDING",
    "require_auth": "PGREQUIREAUTH",
    "options": "PGOPTIONS",
    "sslmode": "PGSSLMODE",
    "requiressl": "PGREQUIRESSL",
    "sslnegotiation": "PGSSLNEGOTIATION",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslcertmode": "PGSSLCERTMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcrl": "PGSSLCRL",
    "sslcrldir": "PGSSLCRLDIR",
    "sslsni": "PGSSLSNI",
    "requirepeer": "PGREQUIREPEER",
    "ssl_min_protocol_version": "PGSSLMINPROTOCOLVERSION",
    "ssl_max_protocol_version": "PGSSLMAXPROTOCOLVERSION",
    "gssencmode": "PGGSSENCMODE",
    "krbsrvname": "PGKRBSRVNAME",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "load_balance_hosts": "PGLOADBALANCEHOSTS",
}

MAPPED = frozenset(ENVIRONMENT) - {"require_auth", "requirepeer"} | {
    "service",
    "servicefile",
    "sslpassword",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
}

IGNORED = {
    "application_name": "dbtui names itself, so that its sessions are known",
    "fallback_application_name": "dbtui names itself, so that its sessions are known",
    "client_encoding": "dbtui chooses the encoding",
    "gssdelegation": "credentials are never delegated",
    "gsslib": "the system's GSSAPI library is used",
    "sslcompression": "TLS compression is obsolete",
    "min_protocol_version": "the driver speaks protocol 3.0",
    "max_protocol_version": "the driver speaks protocol 3.0",
    "authtype": "obsolete",
    "tty": "obsolete",
    # what poolers, ORMs and other drivers put into the same URL
    "pgbouncer": "a pooler is detected",
    "connection_limit": "it is a setting of an application's pool",
    "pool_timeout": "it is a setting of an application's pool",
    "pool_size": "it is a setting of an application's pool",
    "pool_mode": "it is a setting of a pooler",
    "pool_max_conns": "it is a setting of an application's pool",
    "pool_min_conns": "it is a setting of an application's pool",
    "max": "it is a setting of an application's pool",
    "idle_timeout": "it is a setting of an application's pool",
    "socket_timeout": "dbtui has its own timeouts",
    "sockettimeout": "dbtui has its own timeouts",
    "logintimeout": "dbtui has its own timeouts",
    "tcpkeepalive": "keepalives are on",
    "statement_cache_size": "dbtui keeps no statement cache",
    "prepared_statements": "dbtui keeps no statement cache",
    "preparethreshold": "dbtui keeps no statement cache",
    "prepare_threshold": "dbtui keeps no statement cache",
    "default_query_exec_mode": "dbtui keeps no statement cache",
    "binary_parameters": "it is a setting of another driver",
    "uselibpqcompat": "sslmode means what it means in libpq",
    "schema": "all schemas are shown",
    "currentschema": "all schemas are shown",
    "sslaccept": "sslmode says how the server's certificate is checked",
    "sslidentity": "name sslcert and sslkey instead",
    "supa": "it is a setting of another program",
    "workaround": "it is a setting of another program",
}

REFUSED = {
    "require_auth": "the driver cannot limit the ways to log in; use sslmode=verify-full",
    "requirepeer": "the driver cannot check the owner of the socket",
    "replication": "dbtui opens no replication connections",
    "scram_client_key": "use a password",
    "scram_server_key": "use a password",
    "sslkeylogfile": "session keys are never logged",
    "oauth_issuer": "logging in by OAuth is not supported",
    "oauth_client_id": "logging in by OAuth is not supported",
    "oauth_client_secret": "logging in by OAuth is not supported",
    "oauth_scope": "logging in by OAuth is not supported",
}
