"""The demo's other servers: those of them whose programs are found run beside the shop, each with a small load."""

from __future__ import annotations

from pathlib import Path

from dbtui.demo.neighbours.base import FETCHED, Neighbour
from dbtui.demo.neighbours.ferretdb import FerretShop
from dbtui.demo.neighbours.mariadb import MariadbShop
from dbtui.demo.neighbours.opensearch import OpensearchShop
from dbtui.demo.neighbours.sqlite import SqliteShop
from dbtui.demo.neighbours.valkey import ValkeyCache
from dbtui.engines.postgres.embedded import Account

_ALL: tuple[type[Neighbour], ...] = (ValkeyCache, SqliteShop, MariadbShop, FerretShop, OpensearchShop)


def found(folder: Path, account: Account) -> list[Neighbour]:
    """Those that can run here, not yet started; each gets a folder of its own in the demo's."""
    return [kind(folder / kind.name, account) for kind in _ALL if kind.available()]


def how_to_get_the_others() -> str:
    """One line about those that cannot run here, "" when all can."""
    lacking = [kind for kind in _ALL if not kind.available()]
    names = ", ".join(kind.product for kind in lacking)
    more = "; ".join(kind.how for kind in lacking if kind.how)
    return f"not in this demo: {names}. {FETCHED}{f' ({more})' if more else ''}" if lacking else ""
