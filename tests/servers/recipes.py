"""Which servers there are to fetch, and from where. An engine adds a line here and a file beside it."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from tests.servers.fetch import (
    NotHad,
    Recipe,
    debian,
    forget_rpath,
    go,
    maven,
    npm_postgres,
    opensearch_reindex,
)

_POSTGRES18 = "usr/lib/postgresql/18"


def _postgres15(root: Path) -> None:
    try:
        debian("bookworm", ["postgresql-15"], ["usr/lib/postgresql/15/bin/*"], root)
    except NotHad as first:  # then without the client programs
        try:
            npm_postgres("15.18.0-beta.17", root)
        except NotHad as second:
            raise NotHad(f"{first}; {second}") from second


def _documentdb(root: Path) -> None:
    debian("sid", ["postgresql-18-documentdb", "postgresql-18-hypopg"], [f"{_POSTGRES18}/bin/*"], root)
    forget_rpath(root / _POSTGRES18 / "lib")
    control = root / "usr/share/postgresql/18/extension/postgis.control"
    if not control.exists():
        control.symlink_to("postgis-3.control")


def _mariadb(root: Path) -> None:
    programs = ["usr/sbin/mariadbd", "usr/bin/mariadb", "usr/bin/my_print_defaults", "usr/bin/resolveip"]
    debian("sid", ["mariadb-server-core", "mariadb-client-core"], programs, root)


def _opensearch(root: Path) -> None:
    version = "2.19.0"
    maven("org.opensearch.distribution.integ-test-zip", "opensearch", [version], root)
    opensearch_reindex(version, root / version / "modules" / "reindex")


def _debian_postgres15() -> str | None:
    programs = Path("/usr/lib/postgresql/15/bin")
    return str(programs) if (programs / "postgres").exists() else None


def _sid(package: str, program: str) -> partial[None]:
    return partial(debian, "sid", [package], [program])


RECIPES = (
    Recipe("postgres15", _postgres15, _debian_postgres15),
    Recipe(
        "pgbouncer",
        _sid("pgbouncer", "usr/sbin/pgbouncer"),
        lambda: shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin"),
    ),
    Recipe("mysql", _sid("mysql-server-core", "usr/sbin/mysqld")),
    Recipe("mariadb", _mariadb),
    Recipe("redis", _sid("redis-server", "usr/bin/redis-server")),
    Recipe("valkey", _sid("valkey-server", "usr/bin/valkey-server")),
    Recipe("documentdb", _documentdb),
    Recipe("ferretdb", partial(go, "github.com/FerretDB/FerretDB/v2/cmd/ferretdb@v2.7.0")),
    Recipe(
        "elasticsearch",
        partial(
            maven,
            "org.elasticsearch.distribution.integ-test-zip",
            "elasticsearch",
            ["7.17.28", "8.17.0", "9.1.0"],
        ),
    ),
    Recipe("opensearch", _opensearch),
)
