from __future__ import annotations

import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.engines.postgres.catalog import PostgresCatalog
from dbtui.engines.postgres.ddl import identifier
from dbtui.model.catalog import Kind, Node
from dbtui.sql.lex import Lexeme, tokens, word
from dbtui.sql.quoting import postgres_literal
from tests.engines.postgres.sessions import working
from tests.engines.postgres.shapes import BEFORE, ONLY_18, ORDER, RELATIONS
from tests.servers.postgres import PostgresServer, programs


def dumped(server: PostgresServer, database: str) -> set[str]:
    """pg_dump's own statements for all that is in a database."""
    folder = programs(server.version)
    assert folder is not None
    argv = [
        folder / "pg_dump",
        "-s",
        "-O",
        "-x",
        "-U",
        "postgres",
        "-h",
        server.socket,
        "-p",
        str(server.port),
    ]
    text = subprocess.run([*argv, database], capture_output=True, text=True, check=True).stdout
    text = re.sub(r"(?m)^(--.*|\\(un)?restrict.*)$", "", text)
    return {block.strip() for block in re.split(r"\n\n+", text) if block.strip()}


async def test_ddl_makes_the_same_relations_again(postgres: PostgresServer) -> None:
    """What pg_dump prints is the judge."""
    modern = postgres.version >= 18
    original, copy = postgres.create_database("odd \"name'"), postgres.create_database()
    for database in (original, copy):
        postgres.psql(BEFORE, database)
    postgres.psql(RELATIONS + (ONLY_18 if modern else ""), original)
    async with working(postgres, original) as (connector, work):
        catalog = PostgresCatalog(connector, work)
        kinds = {name.path[1:]: name.kind for name in await catalog.names(original)}
        for schema, name in (*ORDER, *([("public", "modern")] if modern else [])):
            node = Node(kinds[schema, name], name, (original, schema, name))
            postgres.psql((await catalog.detail(node)).ddl, copy)
    there, here = dumped(postgres, original), dumped(postgres, copy)
    assert len(there) > 90
    assert there - here == set()
    assert here - there == set()
    postgres.drop_database(original)


async def test_ddl_of_system_views_is_accepted_by_the_server(postgres: PostgresServer) -> None:
    """Views of the server's own are the hardest definitions there are."""
    database = postgres.create_database()
    async with working(postgres, database) as (connector, work):
        catalog = PostgresCatalog(connector, work)
        for name in ("pg_stat_activity", "pg_stat_all_tables", "pg_locks"):
            ddl = (await catalog.detail(Node(Kind.VIEW, name, (database, "pg_catalog", name)))).ddl
            postgres.psql(ddl.replace(f"VIEW pg_catalog.{name}", f"VIEW public.{name}_copy"), database)


@given(st.text(min_size=1, alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_name_is_one_token_that_reads_back(name: str) -> None:
    text = identifier(name)
    (token,) = tokens(text)
    assert word(text, token) == name


@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_is_one_literal(text: str) -> None:
    (token,) = tokens(postgres_literal(text))
    assert token.kind is Lexeme.STRING
    assert token.closed


@pytest.mark.parametrize(
    ("name", "shown"), [("a_1", "a_1"), ("A", '"A"'), ("select", '"select"'), ("1a", '"1a"')]
)
def test_names_are_quoted_where_they_need_it(name: str, shown: str) -> None:
    assert identifier(name) == shown


def test_every_reserved_word_of_the_server_is_quoted(postgres: PostgresServer) -> None:
    words = postgres.psql("select word from pg_get_keywords() where catcode in ('R', 'T', 'C')").split()
    assert len(words) > 100
    assert [word for word in words if identifier(word) == word] == []
