from __future__ import annotations

from tests.incidents.watch import watched
from tests.servers.mysql import MysqlProtocolServer


async def test_a_channel_that_does_not_run_is_named(mysql: MysqlProtocolServer) -> None:
    maria = "maria" in type(mysql).__name__.lower()
    words = ("MASTER", "SLAVE") if maria else ("REPLICATION SOURCE", "REPLICA")
    prefix = "MASTER" if maria else "SOURCE"
    mysql.sql(
        f"CHANGE {words[0]} TO {prefix}_HOST = '127.0.0.1', {prefix}_PORT = 1, {prefix}_USER = 'nobody'"
    )
    try:
        async with watched(mysql.url()) as incident:
            found = await incident.named("my-replica-stopped")
            assert "127.0.0.1:1" in found.message and "receiver and applier" in found.message
    finally:
        mysql.sql(f"RESET {words[1]} ALL")
