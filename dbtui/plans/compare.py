"""Two plans of one statement side by side, matched by structure and not by position.

Nodes are matched in four rounds, the surest first, and each node once:

1. whole subtrees that occur exactly once in each plan and are equal in kind, table and index;
2. children of matched nodes that are equal in kind and table, in their order;
3. scans of one table under one alias that occur once in each plan, whatever their kind: a Seq Scan that became
   an Index Scan is one node that changed;
4. other nodes over the same set of tables and of the same role (join, sort, grouping): a Hash Join that became a
   Nested Loop.

What is left was there before only, or is new.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator

from dbtui.model.comparison import Comparison, Fate, Pair
from dbtui.model.plan import Plan, PlanNode

_ROLES = {
    "Hash Join": "join", "Merge Join": "join", "Nested Loop": "join",
    "Sort": "sort", "Incremental Sort": "sort",
    "Aggregate": "group", "Unique": "group",
    "Gather": "gather", "Gather Merge": "gather",
    "Append": "append", "Merge Append": "append",
}  # fmt: skip


def shape(plan: Plan) -> str:
    """16 hexadecimal digits that are equal for plans of one structure: kinds, tables and indexes, no figures."""
    described = "\n".join(f"{node.depth} {_identity(node)}" for node in plan.nodes)
    return hashlib.sha256(described.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def compare(before: Plan, after: Plan) -> Comparison:
    """The comparison of two plans. Pure, and linear in their nodes but for the sets of tables below each."""
    matcher = _Matcher(_Side(before), _Side(after))
    matcher.match()
    return Comparison(before, after, tuple(matcher.pairs()))


def _identity(node: PlanNode) -> tuple[str, ...]:
    """What makes two nodes the same: names of tables without their schema, which only VERBOSE tells."""
    join = str(node.raw.get("Join Type", ""))
    return (node.operation, _table(node), node.index, node.relationship, node.subplan.partition(" ")[0], join)


def _table(node: PlanNode) -> str:
    return str(node.raw.get("Relation Name") or node.relation)


def _place(node: PlanNode) -> str:
    """A table as this part of the query reads it; "" for what reads none."""
    alias = str(node.raw.get("Alias") or "")
    return f"{_table(node)} {alias}" if _table(node) else ""


class _Side:
    """One plan: children, the hash of each subtree, and the tables below each node."""

    def __init__(self, plan: Plan) -> None:
        self.nodes = plan.nodes
        self.children: list[list[int]] = [[] for _ in plan.nodes]
        for node in plan.nodes[1:]:
            if node.parent is not None:
                self.children[node.parent].append(node.id)
        self.hashes = [0] * len(plan.nodes)
        self.sizes = [1] * len(plan.nodes)
        self.tables: list[frozenset[str]] = [frozenset()] * len(plan.nodes)
        for node in reversed(plan.nodes):
            below = self.children[node.id]
            self.hashes[node.id] = hash((_identity(node), tuple(self.hashes[child] for child in below)))
            self.sizes[node.id] += sum(self.sizes[child] for child in below)
            own = frozenset((_place(node),)) if _place(node) else frozenset[str]()
            self.tables[node.id] = own.union(*(self.tables[child] for child in below))

    def once(self, keys: list[object]) -> dict[object, int]:
        """The nodes whose key no other node has; None is no key."""
        where: dict[object, list[int]] = defaultdict(list)
        for at, key in enumerate(keys):
            if key is not None:
                where[key].append(at)
        return {key: found[0] for key, found in where.items() if len(found) == 1}


class _Matcher:
    """Matches what is still unmatched, round by round."""

    def __init__(self, before: _Side, after: _Side) -> None:
        self.before, self.after = before, after
        self.to_after: dict[int, int] = {}
        self.to_before: dict[int, int] = {}

    def match(self) -> None:
        self._subtrees()
        roots = self.before.nodes[0], self.after.nodes[0]
        if 0 not in self.to_after and 0 not in self.to_before and _identity(roots[0]) == _identity(roots[1]):
            self._join(0, 0)
        self._children()
        self._by(lambda _side, node: _place(node))
        self._by(lambda side, node: _role(node) and (_role(node), side.tables[node.id]))
        self._children()

    def _join(self, before: int, after: int) -> None:
        self.to_after[before], self.to_before[after] = after, before

    def _subtrees(self) -> None:
        ours, theirs = (side.once(list(side.hashes)) for side in (self.before, self.after))
        shared = [(ours[key], theirs[key]) for key in ours.keys() & theirs.keys()]
        for before, after in sorted(shared):
            size = self.before.sizes[before]
            for offset in range(size):  # preorder: a subtree is a run of ids
                if before + offset not in self.to_after and after + offset not in self.to_before:
                    self._join(before + offset, after + offset)

    def _children(self) -> None:
        for before in range(len(self.before.nodes)):
            after = self.to_after.get(before)
            if after is None:
                continue
            waiting = [at for at in self.after.children[after] if at not in self.to_before]
            for child in self.before.children[before]:
                if child in self.to_after:
                    continue
                node = self.before.nodes[child]
                found = next((at for at in waiting if _alike(node, self.after.nodes[at])), None)
                if found is not None:
                    waiting.remove(found)
                    self._join(child, found)

    def _by(self, key_of: Callable[[_Side, PlanNode], object]) -> None:
        """Match nodes by a key that each plan has once; what is empty is no key."""
        keys = []
        for side, taken in ((self.before, self.to_after), (self.after, self.to_before)):
            keys.append(
                side.once([None if node.id in taken else (key_of(side, node) or None) for node in side.nodes])
            )
        ours, theirs = keys
        for key in ours.keys() & theirs.keys():
            self._join(ours[key], theirs[key])

    def pairs(self) -> Iterator[Pair]:
        """The tree as it is now; below each node first what it lost."""
        gone: dict[int | None, list[int]] = defaultdict(list)  # by the node after below which they are drawn
        for node in self.before.nodes:
            if node.id not in self.to_after:
                gone[self._kept_ancestor(node)].append(node.id)
        yield from self._lost(gone.get(None, ()), 0)
        for node in self.after.nodes:
            partner = self.to_before.get(node.id)
            before = None if partner is None else self.before.nodes[partner]
            yield Pair(before, node, _fate(before, node), node.depth)
            yield from self._lost(gone.get(node.id, ()), node.depth + 1)

    def _lost(self, nodes: list[int] | tuple[int, ...], depth: int) -> Iterator[Pair]:
        if not nodes:
            return
        top = min(self.before.nodes[at].depth for at in nodes)
        for at in nodes:
            node = self.before.nodes[at]
            yield Pair(node, None, Fate.GONE, depth + node.depth - top)

    def _kept_ancestor(self, node: PlanNode) -> int | None:
        at = node.parent
        while at is not None:
            if at in self.to_after:
                return self.to_after[at]
            at = self.before.nodes[at].parent
        return None


def _fate(before: PlanNode | None, after: PlanNode) -> Fate:
    if before is None:
        return Fate.NEW
    return Fate.SAME if _identity(before) == _identity(after) else Fate.CHANGED


def _alike(one: PlanNode, other: PlanNode) -> bool:
    return one.operation == other.operation and _table(one) == _table(other)


def _role(node: PlanNode) -> str:
    return _ROLES.get(node.operation, "")
