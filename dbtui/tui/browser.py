"""What the object tree asks of the engine. Its top level is servers; a path begins with its server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dbtui.engines.base import Engine
from dbtui.errors import DbtuiError
from dbtui.model.catalog import Detail, Kind, Name, Node
from dbtui.model.result import Page
from dbtui.tui.widgets.object_tree import ObjectTree

# what has rows to look at
RELATIONS = frozenset(
    {Kind.TABLE, Kind.PARTITIONED, Kind.FOREIGN, Kind.VIEW, Kind.MATERIALIZED, Kind.KEY, Kind.STREAM}
)
WITHOUT_DETAIL = frozenset({Kind.SERVER, Kind.FOLDER})


def server_node(name: str, note: str = "") -> Node:
    """A server on the top level of the tree."""
    return Node(Kind.SERVER, name, (name,), note=note)


class Browser:
    """Fills one tree from one engine: the engine's nodes, with the server's name before their path."""

    def __init__(self, engine: Engine, server: str) -> None:
        self.engine = engine
        self.server = server
        self._names: dict[str, Sequence[Name]] = {}

    async def fill(self, tree: ObjectTree, node: Node) -> None:
        """Ask for the children of a node and put them into the tree, or why there are none."""
        catalog = self.engine.catalog
        if catalog is None:
            tree.failed(node.path, self.engine.lacks.get("catalog", "there is nothing to browse here"))
            return
        try:
            children = await catalog.children(self._own(node))
        except DbtuiError as error:
            tree.failed(node.path, str(error))
        else:
            tree.set_children(
                node.path, [replace(child, path=(self.server, *child.path)) for child in children]
            )

    def _own(self, node: Node) -> Node | None:
        """The node as the engine knows it; None for the server itself."""
        return None if node.kind is Kind.SERVER else replace(node, path=node.path[1:])

    async def detail(self, node: Node) -> Detail | None:
        """Facts and DDL of a node; None where there are none. Raises what the engine raises."""
        own = self._own(node)
        if self.engine.catalog is None or own is None or node.kind in WITHOUT_DETAIL:
            return None
        return replace(await self.engine.catalog.detail(own), node=node)

    async def sample(self, node: Node) -> Page | None:
        """Some rows of a relation. Raises what the engine raises."""
        own = self._own(node)
        return None if self.engine.catalog is None or own is None else await self.engine.catalog.sample(own)

    async def names(self, database: str) -> Sequence[Name]:
        """All names of a database, asked once until `forget`. Raises what the engine raises."""
        if self.engine.catalog is None:
            return ()
        if database not in self._names:
            self._names[database] = await self.engine.catalog.names(database)
        return self._names[database]

    def forget(self, tree: ObjectTree) -> None:
        """Ask the server again from now on."""
        self._names.clear()
        if self.engine.catalog is not None:
            self.engine.catalog.forget()
        tree.reload()
