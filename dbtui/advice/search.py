"""The set of indexes that pays most over a workload, found by asking a planner.

Each candidate is tried alone with each query it was made for; then the set grows by the one index, or the few that
one plan uses together, that saves most, as long as it saves enough; at the end whatever the others made superfluous
is taken out again. (Greedy selection as in AutoAdmin, https://www.vldb.org/conf/1997/P146.PDF.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from dbtui.advice import ddl
from dbtui.advice.candidates import Candidate, candidates
from dbtui.advice.costs import total_cost
from dbtui.advice.reading import read
from dbtui.advice.weighing import superseded, updated_columns, write_ms, write_overhead
from dbtui.errors import DbtuiError, InputError, QueryError
from dbtui.model.advice import Advice, Facts, Help, IndexAdvice, Planner, Query, TableFacts, WhatIf

_MOST = 600  # candidates
_HELPS = 0.05  # share of a query's cost from which an index counts as helping it
_SIMILAR = 0.02  # share of the whole within which two savings are the same
_LITTLE = 0.01  # of what all cost as things are, below which an index is not worth its place
_BEGINNING = 0.05  # of what is left, which an index must save that another one begins with
_NAME = "dbtui_try_"


@dataclass(frozen=True, slots=True)
class Policy:
    """When an index is worth it: shares of a query's cost, and of what the workload still costs, 0 to 1."""

    of_query: float = 0.30
    of_workload: float = 0.002
    most: int = 10  # indexes
    weigh_writes: bool = False  # the queries' calls and the tables' writes are counted over the same time


@dataclass(slots=True)
class _Case:
    """One query with its candidates and what its plans cost. `weight` times cost is what it counts for."""

    place: int
    query: Query
    candidates: tuple[Candidate, ...]
    base: float = 0.0
    weight: float = 1.0
    helpful: set[Candidate] = field(default_factory=set)
    together: frozenset[Candidate] = frozenset()  # those its plan uses when it has all
    costs: dict[frozenset[Candidate], float] = field(default_factory=dict)


Progress = Callable[[str], None]


async def advise(
    queries: Sequence[Query],
    facts: Facts,
    planner: Planner,
    policy: Policy = Policy(),
    progress: Progress = lambda _line: None,
) -> Advice:
    """The advice for a workload; queries that nobody understands are left out and named. Raises DbtuiError."""
    cases, left_out = read_all(queries, facts)
    everything = merged(case.candidates for case in cases)[:_MOST]
    search = _Search(facts, planner, policy, cases, everything)
    progress(f"{len(everything)} candidates for {len(cases)} queries")
    refused = await planner.prepare([search.sql[c] for c in everything])
    search.drop({c for c in everything if search.sql[c] in refused})
    left_out += await search.measure()
    await search.try_each(progress)
    chosen = await search.grow(progress)
    chosen = await search.trim(chosen)
    advised = [await search.describe(candidate, chosen, queries) for candidate in chosen]
    before = sum(case.weight * case.base for case in search.cases)
    after = sum([case.weight * await search.cost(case, chosen) for case in search.cases])
    measured = any(query.mean_ms is not None for query in queries)
    return Advice(
        tuple(queries),
        tuple(advised),
        planner.verified,
        before,
        after,
        "ms" if measured else "cost",
        len(everything),
        tuple(sorted(left_out)),
        search.notes(chosen),
        dialect=facts.dialect,
    )


def read_all(queries: Sequence[Query], facts: Facts) -> tuple[list[_Case], list[tuple[int, str]]]:
    """Every query with its candidates, and those that were not understood."""
    cases, left_out = [], []
    for place, query in enumerate(queries):
        try:
            found = candidates(read(query.text, facts), facts)
        except InputError as error:
            left_out.append((place, str(error)))
        else:
            cases.append(_Case(place, query, found))
    return cases, left_out


def merged(groups: Iterable[Sequence[Candidate]]) -> list[Candidate]:
    """All candidates, and for those on one table, one that serves two: equalities of the smaller set first."""
    found = dict.fromkeys(candidate for group in groups for candidate in group)
    plain = [c for c in found if c.method == "btree" and not c.predicate and not c.include and c.equal]
    for small in plain:
        first = {key.key for key in small.keys[: small.equal]}
        if small.equal != len(small.keys):
            continue
        for large in plain:
            if large.path != small.path or large.equal <= small.equal:
                continue
            rest = [key for key in large.keys if key.key not in first]
            if len(rest) == len(large.keys) - len(first):
                both = replace(large, keys=(*small.keys, *rest))
                found.setdefault(both, None)
    return list(found)


class _Search:
    """One search: its queries, its candidates and all plans asked for so far."""

    def __init__(
        self,
        facts: Facts,
        planner: Planner,
        policy: Policy,
        cases: list[_Case],
        everything: Sequence[Candidate],
    ) -> None:
        self.facts = facts
        self.planner = planner
        self.policy = policy
        self.cases = cases
        self.everything = list(everything)
        self.sql = {
            candidate: ddl.create(candidate, facts.dialect, name=f"{_NAME}{number}")
            for number, candidate in enumerate(everything)
        }
        self._by_name = {f"{_NAME}{number}": candidate for number, candidate in enumerate(everything)}
        self._updated = updated_columns([case.query for case in cases], facts.dialect)
        self._sizes = {table.name: table.rows for table in facts.tables}

    def drop(self, refused: set[Candidate]) -> None:
        """Leave out what the planner does not take."""
        self.everything = [c for c in self.everything if c not in refused]

    def table(self, candidate: Candidate) -> TableFacts:
        table = self.facts.find(*candidate.path)
        assert table is not None, "candidates are made of tables that are known"
        return table

    def _relevant(self, case: _Case) -> list[Candidate]:
        """What may help a query: its own candidates, and those merged from them."""
        own = {(c.path, frozenset(key.key for key in c.keys)) for c in case.candidates}
        return [c for c in self.everything if (c.path, frozenset(key.key for key in c.keys)) in own]

    async def cost(self, case: _Case, chosen: Iterable[Candidate]) -> float:
        """What a query costs with these indexes, of which only those that help it are asked about."""
        asked = frozenset(c for c in chosen if c in case.helpful)
        if asked not in case.costs:
            case.costs[asked] = await self._ask(case, asked)
        return case.costs[asked]

    async def _ask(self, case: _Case, chosen: Iterable[Candidate]) -> float:
        what_if = WhatIf(indexes=tuple(sorted(self.sql[c] for c in chosen)))
        return total_cost(await self.planner.plan(case.query.text, what_if), self._sizes)

    async def measure(self) -> list[tuple[int, str]]:
        """The costs as things are; queries that have no plan are left out, and named."""
        left_out, kept = [], []
        for case in self.cases:
            try:
                case.base = case.costs[frozenset()] = await self._ask(case, ())
            except (QueryError, InputError) as error:
                left_out.append((case.place, str(error)))
                continue
            query = case.query
            measured = query.mean_ms is not None and case.base > 0
            case.weight = query.calls * ((query.mean_ms or 0) / case.base if measured else 1.0)
            kept.append(case)
        self.cases = kept
        return left_out

    async def try_each(self, progress: Progress) -> None:
        """Which candidates help which query, alone; and what its plan uses when it may choose among all."""
        for number, case in enumerate(self.cases, 1):
            relevant = self._relevant(case)
            if not relevant or case.base <= 0:
                continue
            what_if = WhatIf(indexes=tuple(sorted(self.sql[c] for c in relevant)))
            try:
                plan = await self.planner.plan(case.query.text, what_if)
            except DbtuiError:
                continue
            used = set(re.findall(rf"\b{_NAME}\d+\b", plan.text))
            case.together = frozenset(self._by_name[name] for name in used)
            if total_cost(plan, self._sizes) > case.base * (1 - _HELPS):
                continue
            case.helpful = set(case.together)
            for candidate in relevant:
                alone = await self._ask(case, (candidate,))
                case.costs[frozenset({candidate})] = alone
                if alone <= case.base * (1 - _HELPS):
                    case.helpful.add(candidate)
            progress(f"query {number} of {len(self.cases)}: {len(case.helpful)} of {len(relevant)} help")

    async def grow(self, progress: Progress) -> list[Candidate]:
        """Add what saves most, until nothing saves enough."""
        chosen: list[Candidate] = []
        whole = sum(case.weight * case.base for case in self.cases) or 1.0
        moves = {frozenset({c}) for case in self.cases for c in case.helpful}
        moves |= {case.together for case in self.cases if case.together}
        bounds = dict.fromkeys(moves, float("inf"))
        while bounds and len(chosen) < self.policy.most:
            best, gain = await self._best(bounds, chosen)
            if best is None or not await self._enough(best, chosen, gain):
                if best is None:
                    break
                bounds.pop(best)
                continue
            chosen += [c for c in sorted(best, key=_plainness) if c not in chosen]
            room = self.policy.most - len(chosen)
            bounds = {m: bound for m, bound in bounds.items() if 0 < len(m - set(chosen)) <= room}
            progress(f"{len(chosen)} indexes save {1 - await self._total(chosen) / whole:.0%}")
        return chosen

    async def _best(
        self, bounds: dict[frozenset[Candidate], float], chosen: list[Candidate]
    ) -> tuple[frozenset[Candidate] | None, float]:
        """The move that gains most for each index of it, the plainest of those that gain the same.

        A gain seldom grows with the set, so that last round's bounds this round's: most are not asked again.
        """
        now = await self._total(chosen)
        fresh: dict[frozenset[Candidate], float] = {}
        for move in sorted(bounds, key=lambda m: -bounds[m]):
            top = max(fresh.values(), default=0.0)
            if fresh and bounds[move] < top * (1 - _SIMILAR):
                break
            saved = (
                now
                - await self._total([*chosen, *move])
                - sum(self._writes(c) for c in move if c not in chosen)
            )
            fresh[move] = bounds[move] = saved / max(1, len(move - set(chosen)))
        top = max(fresh.values(), default=0.0)
        if top <= 0:
            return None, 0.0
        alike = [move for move, gain in fresh.items() if gain >= top * (1 - _SIMILAR)]
        best = min(
            alike,
            key=lambda move: (sum(_plainness(c)[0] for c in move), -fresh[move], str(sorted(map(str, move)))),
        )
        return best, fresh[best]

    async def _enough(self, move: frozenset[Candidate], chosen: list[Candidate], gain: float) -> bool:
        """Whether a move saves enough of one query, or of all, to be worth an index."""
        left = await self._total(chosen)
        if gain < self.policy.of_workload * left:
            return False
        for case in self.cases:
            if move & case.helpful:
                before, after = await self.cost(case, chosen), await self.cost(case, [*chosen, *move])
                if before - after >= self.policy.of_query * case.base:
                    return True
        return gain >= max(0.1 * left, _LITTLE * await self._total([]))

    def notes(self, chosen: Sequence[Candidate]) -> tuple[str, ...]:
        """What was left out though it would help."""
        helpful = {c for case in self.cases for c in case.helpful} - set(chosen)
        if chosen or not helpful:
            return ()
        if self.policy.weigh_writes:
            return ("no index that would help saves as much as it costs the writers",)
        return (f"no index saves {self.policy.of_query:.0%} of a query or a tenth of all",)

    async def _total(self, chosen: Sequence[Candidate]) -> float:
        return sum([case.weight * await self.cost(case, chosen) for case in self.cases])

    def _writes(self, candidate: Candidate) -> float:
        """What the writers would have paid, where that can be set against what the queries took."""
        if not self.policy.weigh_writes:
            return 0.0
        return write_ms(candidate, self.table(candidate), self._updated.get(candidate.table, frozenset()))

    async def trim(self, chosen: list[Candidate]) -> list[Candidate]:
        """Take out what the others made superfluous, and what need not carry other columns along."""
        kept = list(chosen)
        left = await self._total(chosen)
        for candidate in chosen:
            rest = [c for c in kept if c is not candidate]
            lost = await self._total(rest) - await self._total(kept)
            little = (
                _BEGINNING if any(begins(candidate, other) for other in rest) else self.policy.of_workload / 2
            )
            if lost < little * left + self._writes(candidate):
                kept = rest
                continue
            plain = replace(candidate, include=())
            if not candidate.include or plain not in self.sql or plain in kept:
                continue
            if await self._total([*rest, plain]) - await self._total(kept) < 0.1 * lost:
                kept = [plain if c is candidate else c for c in kept]
        return kept

    async def describe(
        self, candidate: Candidate, chosen: Sequence[Candidate], queries: Sequence[Query]
    ) -> IndexAdvice:
        """What is said about one of the chosen."""
        rest = [c for c in chosen if c is not candidate]
        helps = []
        for case in self.cases:
            if candidate in case.helpful:
                without, with_it = await self.cost(case, rest), await self.cost(case, chosen)
                if without - with_it > _HELPS * without:
                    helps.append(Help(case.place, case.base, with_it))
        table = self.table(candidate)
        size = self.planner.size(self.sql[candidate])
        advice = describe(candidate, table, self.facts, self._updated)
        return replace(
            advice,
            verified=self.planner.verified,
            helps=tuple(helps),
            size=size or None,
            ties=tuple(await self._ties(candidate, rest, chosen)),
        )

    async def _ties(
        self, candidate: Candidate, rest: Sequence[Candidate], chosen: Sequence[Candidate]
    ) -> list[str]:
        """The same keys in another order that do as well: which of them is taken is a matter of taste."""
        names, own = {key.key for key in candidate.keys}, ddl.create(candidate, self.facts.dialect)
        total = await self._total(chosen)
        found = []
        for other in self.everything:
            if (
                other == candidate
                or other.path != candidate.path
                or other.predicate
                or other.include != candidate.include
            ):
                continue
            alike = other.method == candidate.method and {key.key for key in other.keys} == names
            sql = ddl.create(other, self.facts.dialect)
            if alike and sql != own and await self._total([*rest, other]) <= total * (1 + _SIMILAR):
                found.append(sql)
        return found[:3]


def describe(
    candidate: Candidate, table: TableFacts, facts: Facts, updated: Mapping[str, frozenset[str]]
) -> IndexAdvice:
    """What can be said of an index without a planner."""
    dialect = facts.dialect
    trigrams = any(key.operators == "gin_trgm_ops" for key in candidate.keys)
    touched = {key.key for key in candidate.keys} | set(candidate.include)
    return IndexAdvice(
        ddl.create(candidate, dialect, partitioned=table.partitioned),
        ddl.drop(candidate, dialect, partitioned=table.partitioned),
        ddl.qualified(candidate, dialect),
        tuple(key.key for key in candidate.keys),
        "heuristic",
        (),
        "needs CREATE EXTENSION pg_trgm" if trigrams and "pg_trgm" not in facts.extensions else "",
        write_overhead=write_overhead(candidate, table),
        hot_lost=table.hot_updates if touched & updated.get(table.name, frozenset()) else 0,
        supersedes=superseded(candidate, table),
    )


def begins(short: Candidate, long: Candidate) -> bool:
    """Whether the longer index finds all that the shorter one does."""
    same = (short.path, short.method, short.predicate) == (long.path, long.method, long.predicate)
    return same and long.keys[: len(short.keys)] == short.keys and set(short.include) <= set(long.include)


def _plainness(candidate: Candidate) -> tuple[int, str]:
    """How little an index has: of two that do the same the smaller one is meant."""
    extra = (
        len(candidate.include) + (2 if candidate.predicate else 0) + (1 if candidate.method != "btree" else 0)
    )
    return len(candidate.keys) + extra, str(candidate)
