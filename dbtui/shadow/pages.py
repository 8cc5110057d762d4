"""The sizes of a clone's relations: files as long as the source's, and figures that nothing counts anew.

CREATE INDEX would read its table and count its rows, so that the tables are emptied while indexes are made, and
afterwards have their length and their figures again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from dbtui.engines.postgres.connection import Connection
from dbtui.engines.postgres.source import SourceRelation
from dbtui.shadow import sizing
from dbtui.shadow.files import plant, resize
from dbtui.shadow.server import OWNER, Shadow

_FILES = """
select c.oid::int8, n.nspname::text, c.relname::text, c.relkind::text, pg_catalog.pg_relation_filepath(c.oid)
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'm', 'i') and c.oid >= 16384 and n.nspname not like 'pg\\_%'"""
_PUT_BACK = """
update pg_catalog.pg_class c
   set relpages = k.relpages, reltuples = k.reltuples, relallvisible = k.relallvisible, relallfrozen = k.relallfrozen
  from dbtui_kept.figures k
 where k.oid = c.oid and (c.reltuples <> k.reltuples or c.relpages <> k.relpages
                          or c.relallvisible <> k.relallvisible)"""
_KEEP = """
create schema dbtui_kept;
create table dbtui_kept.figures as
select oid, relpages, reltuples, relallvisible, relallfrozen from pg_catalog.pg_class
 where oid >= 16384 and relkind in ('r', 'm', 'p')"""
_SHAPES = """
with keyed as (
  select x.indexrelid, coalesce(sum(coalesce(s.avg_width, 8)), 8)::int as width,
         sum(ln(greatest(1, case when s.n_distinct < 0 then -s.n_distinct * greatest(t.reltuples, 1)
                                 else coalesce(s.n_distinct, t.reltuples) end)))::float8 as distinct_log
    from pg_catalog.pg_index x
    join pg_catalog.pg_class t on t.oid = x.indrelid
    join pg_catalog.pg_namespace n on n.oid = t.relnamespace
   cross join unnest(x.indkey::int2[]) key(number)
    left join pg_catalog.pg_attribute a on a.attrelid = x.indrelid and a.attnum = key.number and key.number > 0
    left join pg_catalog.pg_stats s on s.schemaname = n.nspname and s.tablename = t.relname and s.attname = a.attname
   group by 1)
select k.indexrelid::int8 as oid, m.amname::text as method, t.reltuples::float8 as rows,
       exp(least(k.distinct_log, 40))::float8 as distinct_keys, k.width, x.indrelid::int8 as "table",
       pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.relname) as "from",
       pg_catalog.pg_get_expr(x.indpred, x.indrelid) as predicate
  from keyed k
  join pg_catalog.pg_index x on x.indexrelid = k.indexrelid
  join pg_catalog.pg_class i on i.oid = k.indexrelid and i.relkind = 'i'
  join pg_catalog.pg_class t on t.oid = x.indrelid
  join pg_catalog.pg_namespace n on n.oid = t.relnamespace
  join pg_catalog.pg_am m on m.oid = i.relam
 where k.indexrelid = any ($1::oid[])"""
# lower(email) and its like have as many values as their column; without figures the planner takes 200.
_EXPRESSIONS = """
select pg_catalog.pg_restore_attribute_stats(
         'schemaname', n.nspname::text, 'relname', c.relname::text, 'attnum', k.attnum, 'inherited', false,
         'null_frac', s.null_frac, 'avg_width', s.avg_width, 'n_distinct', s.n_distinct)
  from pg_catalog.pg_index x
  join pg_catalog.pg_class c on c.oid = x.indexrelid
  join pg_catalog.pg_class t on t.oid = x.indrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute k on k.attrelid = x.indexrelid and x.indkey[k.attnum - 1] = 0
  join lateral (select min(d.refobjsubid) as number
                  from pg_catalog.pg_depend d
                 where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = x.indexrelid
                   and d.refobjid = x.indrelid and d.refobjsubid <> all (x.indkey::int2[])
                having count(distinct d.refobjsubid) = 1) d on true
  join pg_catalog.pg_attribute a on a.attrelid = x.indrelid and a.attnum = d.number
  join pg_catalog.pg_stats s on s.schemaname = n.nspname and s.tablename = t.relname and s.attname = a.attname
 where x.indexrelid = any ($1::oid[])
   and pg_catalog.pg_get_indexdef(x.indexrelid, k.attnum, true) ~ '^(lower|upper|btrim|ltrim|rtrim)\\('"""
_COUNTED = "update pg_catalog.pg_class set relpages = $1::int4, reltuples = $2::float8 where oid = $3::oid returning 1"


class Pages:
    """The files of one clone. Blocks are of 8 KB."""

    def __init__(self, shadow: Shadow, database: str) -> None:
        self._shadow = shadow
        self._database = database
        self._files: dict[int, Path] = {}
        self._tables: set[int] = set()
        self._blocks: dict[int, int] = {}

    def blocks(self, relations: Iterable[int]) -> int:
        """Of some relations together."""
        return sum(self._blocks.get(oid, 0) for oid in relations)

    async def adopt(self, relations: Sequence[SourceRelation]) -> None:
        """Give all relations the sizes of the source's, once its statistics are there."""
        sizes = {(relation.schema, relation.name): relation.blocks for relation in relations}
        async with self._shadow.session(self._database) as session:
            await session.execute(_KEEP)
            names = await self._look(session)
            self._blocks = {oid: sizes.get(name) or 0 for oid, name in names.items()}
            shapes = await session.fetch(_SHAPES, list(names), timeout=30.0)
        await self._shadow.forget_pages()
        levels = {
            row["oid"]: sizing.level(self._blocks[row["oid"]], row["width"])
            for row in shapes
            if row["method"] == "btree"
        }
        await asyncio.to_thread(self._write, self._files, levels)

    @asynccontextmanager
    async def emptied(self) -> AsyncIterator[None]:
        """No table has a page for as long as the block lasts."""
        await asyncio.to_thread(self._resize, self._tables, full=False)
        try:
            yield
        finally:
            await asyncio.to_thread(self._resize, self._tables, full=True)
            async with self._shadow.session(self._database) as session:
                await session.execute(_PUT_BACK)

    async def build(self, indexes: Sequence[int]) -> None:
        """Give new indexes the size and height that they would have."""
        levels = {}
        async with self._shadow.session(self._database) as session:
            await self._look(session)
            await session.fetch(_EXPRESSIONS, list(indexes))
            shapes = await session.fetch(_SHAPES, list(indexes))
        for row in shapes:
            rows = await self._matching(row["from"], row["predicate"]) if row["predicate"] else row["rows"]
            distinct = min(row["distinct_keys"], max(rows, 1.0))
            size = sizing.blocks(
                row["method"], max(rows, 0.0), distinct, row["width"], self._blocks[row["table"]]
            )
            self._blocks[row["oid"]] = size
            if row["method"] == "btree":
                levels[row["oid"]] = sizing.level(size, row["width"])
            async with self._shadow.session(self._database) as session:
                await session.fetch(_COUNTED, size, rows, row["oid"])
        await self._shadow.forget_pages()
        await asyncio.to_thread(self._write, [row["oid"] for row in shapes], levels)

    # ---- inside

    async def _look(self, session: Connection) -> dict[int, tuple[str, str]]:
        """Where the relations' files are; their schemas and names."""
        names = {}
        for oid, schema, name, kind, file in await session.fetch(_FILES):
            names[oid] = (schema, name)
            self._files[oid] = self._shadow.folder / "data" / file
            if kind != "i":
                self._tables.add(oid)
        return names

    async def _matching(self, table: str, predicate: str) -> float:
        """How many rows a partial index would hold, by the planner's estimate."""
        async with self._shadow.session(self._database, OWNER) as session:
            plan = await session.fetchval(f"explain (format json) select from {table} where {predicate}")
        return float(json.loads(plan)[0]["Plan"]["Plan Rows"])

    def _write(self, relations: Iterable[int], levels: Mapping[int, int]) -> None:
        self._resize(relations, full=True)
        for oid, level in levels.items():
            plant(self._files[oid], level)

    def _resize(self, relations: Iterable[int], *, full: bool) -> None:
        for oid in relations:
            if self._blocks.get(oid):
                resize(self._files[oid], self._blocks[oid] if full else 0)
