"""Which cluster and database a session is in, whatever host name, address or pooler led there."""

from __future__ import annotations

from dbtui.engines.postgres.session import Connection
from dbtui.errors import PermissionDenied, QueryError

_SYSTEM = "SELECT system_identifier::text FROM pg_catalog.pg_control_system()"
_ADDRESS = """SELECT coalesce(host(inet_server_addr()), 'socket') || ':' || coalesce(inet_server_port(), 0)
  || ' since ' || extract(epoch FROM pg_postmaster_start_time())::int8"""


async def identity(connection: Connection) -> str:
    """The system identifier, which initdb makes once and replicas and restores keep, and the database's name.

    Where that is hidden, as by some managed services, address and start time stand for it: an approval given to
    such a server ends with its restart.
    """
    try:
        system = await connection.fetchval(_SYSTEM)
    except (PermissionDenied, QueryError):
        system = await connection.fetchval(_ADDRESS)
    return f"{system}/{connection.database}"
