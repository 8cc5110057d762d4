"""Self times and self blocks that add up to the whole plan.

EXPLAIN's figures are per loop and inclusive; its buffers are totals and inclusive. Four things hide in them:

1. *Processes.* A node under a Gather runs in P processes at once, P = loops of the Gather's child / loops of
   the Gather. T(n) = time * loops / P is the mean wall time per process. SubPlans inherit P, InitPlans have
   P = 1. Buffers are already sums over loops and processes and are never multiplied.
2. *Who contains whom.* A node's figures contain those of its children, SubPlans among them, but an InitPlan's
   are contained where it was evaluated, not where it is shown:
   self(n) = T(n) - sum of T(children but InitPlans).
3. *CTEs* run inside the CTE Scans that pull them: taken from those in proportion to their self time, and each
   block counter in proportion to its self blocks. What no scan contains ran after the root: the `post` part.
4. *Other InitPlans* run inside the first node that needs the value: the one that mentions it and has the
   blocks and (95 % of) the time, else any node of the query level that has them. Charged once.

Times have three decimals and are multiplied by loops, so a child may be off by 0.0005 * loops / P ms: a
deficit is taken from the children within that slack, and what remains from the ancestors, which contain it
too.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import fields, replace
from operator import attrgetter

from dbtui.model.plan import Plan, PlanNode
from dbtui.plans.formats.postgres_document import figure

_HALF_DIGIT = 0.0005  # ms; the server prints three decimals
_GATHERS = frozenset({"Gather", "Gather Merge"})
_ENOUGH = 0.95
_CANDIDATES = (
    4_000_000  # comparisons spent on InitPlans that no node mentions; far above what honest plans need
)

COUNTERS = (
    *(
        f"{scope} {kind} Blocks"
        for scope in ("Shared", "Local")
        for kind in ("Hit", "Read", "Dirtied", "Written")
    ),
    "Temp Read Blocks",
    "Temp Written Blocks",
    "WAL Records",
    "WAL FPI",
    "WAL Bytes",
    "I/O Read Time",
    "I/O Write Time",
    *(f"{scope} I/O {kind} Time" for scope in ("Shared", "Local", "Temp") for kind in ("Read", "Write")),
)
# what a parser knows of a node, the first fields; dataclasses.replace() would take three times as long
_FIELDS = [field.name for field in fields(PlanNode)]
_GIVEN = attrgetter(*_FIELDS[: _FIELDS.index("total_ms")])
_BLOCKS = "blocks"  # the sum of hit and read, shared and local, carried along as a counter of its own
_TOKEN = re.compile(r"\$[0-9]{1,9}|\(([^()\s][^()]{0,100})\)(?=\.col[0-9])")
_RETURNS = re.compile(r"\$[0-9]{1,9}")


def measure(plan: Plan) -> Plan:
    """The plan with `total_ms` and all `self_…` of its nodes, and its sums.

    Pure, and linear in the number of nodes but for hostile plans. `self_sum_ms + unattributed_ms = total_ms`
    within `rounding_ms`. Raises InputError on figures that no server measures.
    """
    ledger = _Ledger(plan.nodes)
    for kept in ledger.counters:
        ledger.subtract_children(kept)
    ledger.settle_ctes()
    ledger.settle_init_plans()
    left_over = ledger.settle_deficits()
    nodes = tuple(ledger.measured(node) for node in plan.nodes)
    return _with_sums(replace(plan, nodes=nodes), ledger, left_over)


def _with_sums(plan: Plan, ledger: _Ledger, left_over: float) -> Plan:
    root = plan.nodes[0].total_ms
    total = plan.execution_ms if plan.execution_ms is not None else root
    if root is None:
        return replace(plan, total_ms=total, post_blocks=ledger.post_blocks)
    self_sum = sum(node.self_ms or 0.0 for node in plan.nodes)
    inside = root + ledger.post_ms
    rounding = ledger.slack_ms + left_over + _HALF_DIGIT * (plan.nodes[0].loops or 1)
    unattributed = 0.0
    if plan.execution_ms is not None:
        rounding += _HALF_DIGIT
        unattributed = max(0.0, plan.execution_ms - inside)
    else:
        total = inside
    return replace(
        plan,
        total_ms=total,
        self_sum_ms=self_sum,
        unattributed_ms=unattributed,
        post_ms=ledger.post_ms,
        post_blocks=ledger.post_blocks,
        rounding_ms=rounding,
    )


class _Ledger:
    """For each node and each quantity what is its own, while charges move between nodes; ids are preorder."""

    def __init__(self, nodes: tuple[PlanNode, ...]) -> None:
        self.nodes = nodes
        self.children: list[list[int]] = [[] for _ in nodes]
        for node in nodes[1:]:
            assert node.parent is not None
            self.children[node.parent].append(node.id)
        self.end = self._subtree_ends()
        self.processes = self._processes()
        self.time = [self._time(node) for node in nodes]
        self.timed = any(node.actual_ms is not None for node in nodes)
        self.inclusive: dict[str, list[float]] = self._counters()
        self.counters = tuple(self.inclusive)
        self.own: dict[str, list[float]] = {}
        self.post_ms = 0.0
        self.post_blocks = 0
        self.slack_ms = 0.0

    def _subtree_ends(self) -> list[int]:
        end = [node.id + 1 for node in self.nodes]
        for node in reversed(self.nodes[1:]):
            assert node.parent is not None
            end[node.parent] = max(end[node.parent], end[node.id])
        return end

    def _processes(self) -> list[float]:
        processes = [1.0] * len(self.nodes)
        for node in self.nodes[1:]:
            assert node.parent is not None
            parent = self.nodes[node.parent]
            if node.relationship == "InitPlan":
                continue
            processes[node.id] = processes[parent.id]
            if (
                parent.operation in _GATHERS
                and node.relationship != "SubPlan"
                and node.loops
                and parent.loops
            ):
                processes[node.id] = max(1.0, node.loops / parent.loops)
        return processes

    def _time(self, node: PlanNode) -> float:
        if not node.loops or node.actual_ms is None:
            return 0.0
        return figure(node.actual_ms * node.loops / self.processes[node.id], "time") or 0.0

    def _counters(self) -> dict[str, list[float]]:
        """The inclusive figures of each quantity that the plan has; time first, under an empty name."""
        present: set[str] = set().union(*(node.raw.keys() for node in self.nodes)) & set(COUNTERS)
        inclusive = {"": self.time}
        if any(node.blocks is not None for node in self.nodes):
            inclusive[_BLOCKS] = [float(node.blocks or 0) for node in self.nodes]
        for key in COUNTERS:
            if key in present:
                inclusive[key] = [figure(node.raw.get(key), key) or 0.0 for node in self.nodes]
        return inclusive

    def subtract_children(self, key: str) -> None:
        """self(n) = T(n) - sum of T(children but InitPlans)."""
        inclusive = self.inclusive[key]
        own = list(inclusive)
        for node in self.nodes[1:]:
            if node.relationship != "InitPlan" and node.parent is not None:
                own[node.parent] -= inclusive[node.id]
        self.own[key] = own

    def settle_ctes(self) -> None:
        """Take each CTE from the scans that read it; what they do not contain ran after the root."""
        readers = self._cte_readers()
        for node in self.nodes:
            if not _is_cte(node):
                continue
            scans = readers.get(node.id, [])
            for key in self.counters:
                left = self._take(key, self.inclusive[key][node.id], scans)
                if key == "" and left > 0:
                    self._unread(node, left, scans)
                elif key == _BLOCKS:
                    self.post_blocks += round(left)

    def _unread(self, node: PlanNode, left: float, scans: list[int]) -> None:
        slack = _HALF_DIGIT * ((node.loops or 0) + sum(self.nodes[scan].loops or 0 for scan in scans))
        if left > slack:
            self.post_ms += left
        else:
            self.slack_ms += left

    def _cte_readers(self) -> dict[int, list[int]]:
        """CTE id → its scans. A name means the CTE of the nearest query level around the scan."""
        named: dict[tuple[int | None, str], int] = {
            (node.parent, node.subplan[4:]): node.id for node in self.nodes if _is_cte(node)
        }
        readers: dict[int, list[int]] = defaultdict(list)
        names = {name for _, name in named}
        for node in self.nodes:
            name = str(node.raw.get("CTE Name", ""))
            if node.operation != "CTE Scan" or name not in names:
                continue
            level: int | None = node.id
            while level is not None and (level, name) not in named:
                level = self.nodes[level].parent
            if level is not None:
                readers[named[level, name]].append(node.id)
        return readers

    def _take(self, key: str, amount: float, scans: list[int]) -> float:
        """Take an amount from nodes in proportion to what is theirs; what is left over."""
        own = self.own[key]
        there = sum(max(0.0, own[scan]) for scan in scans)
        taken = min(amount, there)
        if taken <= 0:
            return amount
        rest = taken
        for scan in scans:
            share = taken * max(0.0, own[scan]) / there
            if key and "Time" not in key:
                share = min(float(round(share)), rest, max(0.0, own[scan]))
            own[scan] -= share
            rest -= share
        for scan in scans:  # the rounding of whole blocks
            more = min(rest, max(0.0, own[scan]))
            own[scan] -= more
            rest -= more
        return amount - taken

    def settle_init_plans(self) -> None:
        """Charge each other InitPlan to the one node that evaluated it."""
        plans = [
            node
            for node in self.nodes
            if node.relationship == "InitPlan" and node.loops and not _is_cte(node)
        ]
        if not plans:
            return
        mentions = self._mentions()
        spent = 0
        for plan in sorted(plans, key=lambda node: (-self.time[node.id], node.id)):
            assert plan.parent is not None
            level = range(plan.parent, self.end[plan.parent])
            named = sorted({at for token in _tokens(plan) for at in mentions.get(token, ()) if at in level})
            consumer = self._consumer(plan, named)
            if consumer is None and spent < _CANDIDATES:
                spent += len(level)
                consumer = self._consumer(plan, level)
            if consumer is None:
                consumer = self._best_guess(plan, named)
            self.slack_ms += _HALF_DIGIT * (plan.loops or 0)
            for key in self.counters:
                self.own[key][consumer] -= self.inclusive[key][plan.id]

    def _mentions(self) -> dict[str, list[int]]:
        """Token (`$2`, `InitPlan 1`) → the nodes whose text has it as a whole."""
        mentions: dict[str, list[int]] = defaultdict(list)
        for node in self.nodes:
            texts = [text for text in _texts(node.raw.values()) if "$" in text or ").col" in text]
            for token in {found[1] or found[0] for text in texts for found in _TOKEN.finditer(text)}:
                mentions[token].append(node.id)
        return mentions

    def _consumer(self, plan: PlanNode, nodes: Iterable[int]) -> int | None:
        best: int | None = None
        time = self.own[""]
        for at in nodes:
            if plan.id <= at < self.end[plan.id] or not self.nodes[at].loops:
                continue
            if (best is None or time[at] > time[best]) and self._contains(at, plan):
                best = at
        return best

    def _contains(self, at: int, plan: PlanNode) -> bool:
        for key in self.counters:
            enough = _ENOUGH if key == "" else 1.0
            if self.own[key][at] + 1e-9 < self.inclusive[key][plan.id] * enough - (
                0.001 if "Time" in key else 0.0
            ):
                return False
        return True

    def _best_guess(self, plan: PlanNode, named: list[int]) -> int:
        assert plan.parent is not None
        outside = [at for at in named if not plan.id <= at < self.end[plan.id] and self.nodes[at].loops]
        return max(outside, key=lambda at: self.own[""][at], default=plan.parent)

    def settle_deficits(self) -> float:
        """Make every figure at least 0, from the leaves up; the milliseconds that nothing could cover."""
        left_over = 0.0
        for key in self.counters:
            own = self.own[key]
            for node in reversed(self.nodes):
                if own[node.id] >= 0:
                    continue
                deficit = -own[node.id]
                own[node.id] = 0.0
                if key == "":
                    deficit = self._within_slack(node, deficit)
                if node.parent is not None:
                    own[node.parent] -= deficit
                elif key == "":
                    left_over = deficit
        return left_over

    def _within_slack(self, node: PlanNode, deficit: float) -> float:
        own = self.own[""]
        for child in self.children[node.id]:
            if deficit <= 0:
                break
            slack = _HALF_DIGIT * (self.nodes[child].loops or 0) / self.processes[child]
            taken = min(deficit, slack, max(0.0, own[child]))
            own[child] -= taken
            deficit -= taken
        return deficit

    def measured(self, node: PlanNode) -> PlanNode:
        """The node with its figures; None where the plan has no such figures."""
        at = node.id
        known = node.loops is not None and self.timed
        figures = (
            self.time[at] if known else None,
            self.own[""][at] if known else None,
            round(self.own[_BLOCKS][at]) if _BLOCKS in self.own else None,
            {key: self.own[key][at] for key in self.counters if key in node.raw},
            self._self_cost(node),
            self.processes[at],
        )
        return PlanNode(*(*_GIVEN(node), *figures, node.raw))

    def _self_cost(self, node: PlanNode) -> float | None:
        """An estimate only: a Limit costs less than its child, so it is clamped at 0."""
        if node.total_cost is None:
            return None
        below = sum(self.nodes[child].total_cost or 0.0 for child in self.children[node.id])
        return max(0.0, node.total_cost - below)


def _is_cte(node: PlanNode) -> bool:
    return node.relationship == "InitPlan" and node.subplan.startswith("CTE ")


def _tokens(plan: PlanNode) -> list[str]:
    """What a node that uses an InitPlan says: `$0` up to version 16, `(InitPlan 1).col1` from 17."""
    name, _, returns = plan.subplan.partition(" (returns ")
    tokens = _RETURNS.findall(returns)
    return [*tokens, name, name.removeprefix("InitPlan ")]


def _texts(values: Iterable[object]) -> Iterable[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (item for item in value if isinstance(item, str))
