"""A till of the shop: a SQLite file that its program writes to."""

from __future__ import annotations

import os
from collections.abc import Iterator

from dbtui.demo.neighbours.base import Neighbour


class SqliteShop(Neighbour):
    """Sales a few times a second, a report that keeps its snapshot for long, a checkpoint it holds up."""

    name = "till"
    product = "SQLite"
    how = "SQLite: a Python that has it"

    @classmethod
    def available(cls) -> bool:
        return True

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'till.db'}"

    def launch(self) -> Iterator[None]:
        """There is no server; whoever writes is whoever runs the console."""
        if self.account.uid:
            os.chown(self.folder, os.geteuid(), os.getegid())
        yield
