"""Advice where nobody can be asked: the plainest index for each access, by rule alone, and labelled so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dbtui.advice import ddl
from dbtui.advice.candidates import Candidate, quoted
from dbtui.advice.search import Policy, begins, describe, read_all
from dbtui.advice.weighing import updated_columns
from dbtui.model.advice import Advice, Facts, Help, IndexAdvice, Query

HEURISTIC = "heuristic: by rule alone, not tried"
_UNTRIABLE = f"{HEURISTIC}: MariaDB plans with an ignored index for nobody"


def reasoned(queries: Sequence[Query], facts: Facts, policy: Policy) -> Advice:
    """For each query the index that serves most of its conditions; those that begin another one are left out."""
    cases, left_out = read_all(queries, facts)
    served: dict[Candidate, list[int]] = {}
    for case in cases:
        by_table: dict[tuple[str, str], Candidate] = {}
        for candidate in case.candidates:
            best = by_table.get(candidate.path)
            if _serves(candidate, facts) and (best is None or len(candidate.keys) > len(best.keys)):
                by_table[candidate.path] = candidate
        for candidate in by_table.values():
            served.setdefault(candidate, []).append(case.place)
    for short in sorted(served, key=lambda c: len(c.keys)):
        longer = next((c for c in served if c != short and begins(short, c)), None)
        if longer is not None:
            served[longer] += served.pop(short)
    updated = updated_columns(queries, facts.dialect)
    order = sorted(served, key=lambda c: -sum(queries[place].weight for place in served[c]))
    indexes = tuple(
        _with_trial(_described(candidate, served[candidate], facts, updated), candidate, facts.dialect)
        for candidate in order[: policy.most]
    )
    how = _UNTRIABLE if facts.dialect == "mariadb" else HEURISTIC
    return Advice(tuple(queries), indexes, how, not_understood=tuple(left_out), dialect=facts.dialect)


def _serves(candidate: Candidate, facts: Facts) -> bool:
    """Whether it is worth naming untried: MariaDB has none on expressions, and a unique one finds the row."""
    if candidate.include or candidate.predicate or candidate.method != "btree":
        return False
    if facts.dialect == "mariadb" and not all(key.column for key in candidate.keys):
        return False
    table, equal = facts.find(*candidate.path), {key.key for key in candidate.keys[: candidate.equal]}
    assert table is not None, "candidates are made of tables that are known"
    return not any(index.unique and {c.lower() for c in index.columns} <= equal for index in table.indexes)


def _described(candidate: Candidate, places: Sequence[int], facts: Facts, updated: object) -> IndexAdvice:
    table = facts.find(*candidate.path)
    assert table is not None and isinstance(updated, dict)
    advice = describe(candidate, table, facts, updated)
    helps = tuple(Help(place, None, None) for place in sorted(set(places)))
    return replace(advice, verified=HEURISTIC, helps=helps)


def _with_trial(advice: IndexAdvice, candidate: Candidate, dialect: str) -> IndexAdvice:
    """How it can be tried on the server itself, by whoever may: an index that only one session plans with.

    Not where it begins like another one: if that is a foreign key's own, InnoDB drops it at once for the new one, and
    no statement plans with either (https://dev.mysql.com/doc/refman/8.4/en/create-table-foreign-keys.html).
    """
    name = ddl.index_name(candidate, dialect)
    if advice.supersedes:
        trial: tuple[str, ...] = ()
    elif dialect == "mysql":
        trial = (
            f"{advice.sql} INVISIBLE",
            "SET SESSION optimizer_switch = 'use_invisible_indexes=on'",
            f"ALTER TABLE {advice.table} ALTER INDEX {quoted(name, '`')} VISIBLE",
        )
    elif dialect == "mariadb":
        trial = (
            f"{advice.sql} IGNORED",
            f"ALTER TABLE {advice.table} ALTER INDEX {quoted(name, '`')} NOT IGNORED",
        )
    else:
        trial = ()
    return replace(advice, verify=trial)
