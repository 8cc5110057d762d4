"""Tables that should be split into partitions: what is known of them, and what is advised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dbtui.model.advice import Query


@dataclass(frozen=True, slots=True)
class Partitionable:
    """What partition advice needs of a plain table beyond `model.advice.TableFacts`. Names are as SQL writes them
    where a field does not say otherwise.
    """

    schema: str  # raw
    name: str  # raw
    size: int  # bytes, with indexes and TOAST
    reaches: Mapping[str, tuple[float, float]]  # raw column of time: its least and greatest value, in seconds
    owner: str = ""  # raw; "" for whoever looks
    primary_name: str = ""  # raw
    primary: tuple[str, ...] = ()  # raw columns
    uniques: tuple[str, ...] = ()  # raw names of further unique and exclusion constraints and indexes
    indexes: tuple[str, ...] = ()  # those that hold no constraint, each from USING on
    foreign_keys: tuple[tuple[str, str], ...] = ()  # raw name, and its definition
    pointing: tuple[str, ...] = ()  # tables whose foreign keys refer to it
    views: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()  # raw
    publications: tuple[str, ...] = ()  # raw
    identities: tuple[tuple[str, str], ...] = ()  # raw column, "ALWAYS" or "BY DEFAULT"
    sequences: tuple[tuple[str, str], ...] = ()  # owned by it: sequence, raw column
    grants: tuple[str, ...] = ()  # "SELECT TO app"
    inherits: bool = False
    policies: bool = False


@dataclass(frozen=True, slots=True)
class Partitioning:
    """A table to be partitioned by ranges of time."""

    table: str
    key: str
    every: str  # "day", "week", "month", "quarter", "year"
    part_size: int  # bytes of one partition, on average
    parts: int  # of what is kept
    retention: str
    because: tuple[str, ...]  # a line each
    evidence: Mapping[str, float | str]
    before: str  # the bound up to which the rows of today stay together, as SQL writes it
    sql: tuple[str, ...] = ()  # the conversion beside readers and writers; () where something is in its way
    obstacles: tuple[str, ...] = ()  # why there is none
    conditions: tuple[str, ...] = ()  # what only its reader can know


@dataclass(frozen=True, slots=True)
class PartitionAdvice:
    """What is advised for a workload, and why not for the other tables that it reaches."""

    queries: tuple[Query, ...]
    tables: tuple[Partitioning, ...]
    others: tuple[tuple[str, str], ...] = ()  # table, reason
    not_understood: tuple[tuple[int, str], ...] = ()
    notes: tuple[str, ...] = field(default=())
