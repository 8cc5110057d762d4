"""The three formats of a PostgreSQL log, as real servers write them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui import logs
from dbtui.errors import InputError
from dbtui.logs import postgres_csv, postgres_json, postgres_stderr
from dbtui.model.log import LogEntry
from tests.logs.reading import entries
from tests.servers.postgres import PostgresServer

PREFIX = "%m [%p] %q%u@%d app=%a client=%h "
HARD = "select count(*)\n\tfrom t -- it's\n where b = 'a''b\"c,\nd'"
_SETTINGS = {
    "logging_collector": "on", "log_destination": "stderr,csvlog,jsonlog", "log_min_duration_statement": "0",
    "log_line_prefix": PREFIX, "log_directory": "log", "log_filename": "server.log", "log_timezone": "Asia/Tokyo",
    "session_preload_libraries": "auto_explain", "auto_explain.log_min_duration": "0",
}  # fmt: skip


@pytest.fixture(scope="module", params=(15, 18))
def written(request: pytest.FixtureRequest) -> Iterator[Path]:
    """The folder of the logs of a server that was asked a few things."""
    with PostgresServer(request.param, _SETTINGS) as server:
        server.psql("create table t (a int, b text)")
        server.psql(HARD)
        folder = Path(server.psql("show data_directory").strip()) / "log"
        yield folder


async def _from_web(written: Path) -> None:
    socket = written.parent.parent
    port = next(socket.glob(".s.PGSQL.*[0-9]")).name.rpartition(".")[2]
    web = await asyncpg.connect(
        host=str(socket), port=int(port), user="postgres", database="postgres",
        server_settings={"application_name": "web shop"},
    )  # fmt: skip
    await web.fetch("select * from t where a = $1", 3)
    await web.close()


@pytest.mark.parametrize(
    ("file", "form"),
    [("server.log", postgres_stderr), ("server.csv", postgres_csv), ("server.json", postgres_json)],
)
async def test_every_format_says_the_same(written: Path, file: str, form: object) -> None:
    await _from_web(written)
    async with asyncio.timeout(10):
        found: list[LogEntry] = []
        while not any(entry.application == "web shop" for entry in found):  # the collector takes its time
            await asyncio.sleep(0.02)
            text = (written / file).read_text()
            found = entries(text, form.Parser())  # type: ignore[attr-defined]
    assert logs.recognise(text[: logs.HEAD]) is form
    hard = [entry for entry in found if "count(*)" in entry.text]
    assert [entry.text for entry in hard] == [HARD]  # auto_explain writes it down too
    assert "Aggregate" in hard[0].plan and (hard[0].ms or 0) > 0
    assert (hard[0].user, hard[0].database, hard[0].application) == ("postgres", "postgres", "psql")
    web = [entry for entry in found if entry.application == "web shop"]
    assert web and all(entry.text == "select * from t where a = $1" for entry in web)
    created = next(entry for entry in found if entry.text.startswith("create table"))
    assert created.at is not None and hard[0].at is not None and created.at <= hard[0].at


def test_zones_are_heeded_where_they_say_which() -> None:
    moments = [
        entries(f'2024-05-01 12:00:00.5 {zone} [7] LOG:  duration: 1.5 ms  statement: select 1')[0].at
        for zone in ("UTC", "+02", "-03:30")
    ]  # fmt: skip
    assert moments == [1714564800.5, 1714557600.5, 1714577400.5]


def test_prefixes_of_many_kinds() -> None:
    said = "LOG:  duration: 1.5 ms  statement: select 1"
    for prefix in (
        "2024-05-01 12:00:00 UTC [71]: [3-1] user=joe,db=shop,app=web,client=10.0.0.7 ",
        "2024-05-01 12:00:00 UTC:10.0.0.7(5123):joe@shop:[71]:",  # as a cloud writes it
        "joe@shop 71 ",
    ):
        found = entries(prefix + said)[0]
        assert (found.user, found.database, found.text, found.ms) == ("joe", "shop", "select 1", 1.5)
    exact = postgres_stderr.Parser("%n|%u|%d|%r|%a|%-8p|")
    found = entries(f"1714564800.250|joe|shop|10.0.0.7(55)|my app|71      |{said}", exact)[0]
    assert found == LogEntry("select 1", 1.5, 1714564800.25, "joe", "shop", "my app", "10.0.0.7(55)")


def test_duration_and_statement_in_two_messages() -> None:
    text = (
        "2024-05-01 12:00:00 UTC [7] LOG:  statement: select 1\n"
        "2024-05-01 12:00:00 UTC [8] LOG:  statement: select 2\n"
        "2024-05-01 12:00:01 UTC [7] LOG:  duration: 900.5 ms\n"
        "2024-05-01 12:00:01 UTC [8] ERROR:  no\n"
    )
    assert [(entry.text, entry.ms) for entry in entries(text)] == [("select 1", 900.5), ("select 2", None)]


def test_steps_before_the_execution_are_none() -> None:
    said = "2024-05-01 12:00:00 UTC [7] LOG:  duration: 2 ms  {} s1: select $1\n"
    text = "".join(said.format(step) for step in ("parse", "bind", "execute"))
    assert [entry.ms for entry in entries(text)] == [2.0]


def test_what_is_torn_or_foreign_is_counted_not_fatal() -> None:
    parser = postgres_csv.Parser()
    row = '2024-05-01 12:00:00.1 UTC,"joe","shop",7,"10.0.0.7:5",6.1,1,"",,,0,LOG,00000,"duration: 1 ms  statement: x"'
    assert [entry.text for entry in entries(f'garbage\n{row}\n2024,"half', parser)] == ["x"]
    assert parser.skipped == 1
    with pytest.raises(InputError, match="no log"):
        logs.recognise("hello\nworld")
    with pytest.raises(InputError, match="no log format"):
        logs.named("xml")


@given(st.text(max_size=300), st.sampled_from(logs.FORMATS))
def test_no_text_breaks_a_parser(text: str, form: object) -> None:
    assert isinstance(entries(text, form.Parser()), list)  # type: ignore[attr-defined]
