from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui import config
from dbtui.config import Saved, Secret, discover, load_connections, read_saved, remove, resolve, save
from dbtui.dotenv import read_env
from dbtui.errors import ConfigError, UsageError
from dbtui.model.server import Environment
from dbtui.urls import scheme_of, short_name, split_secret


def write(text: str) -> Path:
    file = config.connections_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


FULL = """# my servers
[shop]
url = "postgresql://ann@db-01/shop"
environment = "staging"
colour = "red"
read_only = false
ssh = "bastion"
tags = ["eu", "shop"]

["weird name"]
url = "host=h dbname='x y'"
"""


def test_saved_connections_are_read() -> None:
    write(FULL)
    shop, weird = load_connections().values()
    assert (shop.name, shop.url, shop.scheme) == ("shop", "postgresql://ann@db-01/shop", "postgresql")
    assert (shop.environment, shop.colour, shop.read_only) == (Environment.STAGING, "red", False)
    assert (shop.ssh, shop.tags, shop.password) == ("bastion", ("eu", "shop"), None)
    assert (weird.name, weird.scheme, weird.read_only) == ("weird name", "postgresql", True)


def test_without_a_file_there_are_none() -> None:
    assert load_connections() == {}


def test_an_unstated_environment_is_production_loopback_too() -> None:
    write('[a]\nurl = "postgresql://localhost/d"\n')
    assert load_connections()["a"].environment is Environment.PRODUCTION
    assert resolve("postgresql://127.0.0.1/d", environ={}).environment is Environment.PRODUCTION
    stated = resolve("postgresql://127.0.0.1/d", environ={"DBTUI_ENVIRONMENT": "development"})
    assert stated.environment is Environment.DEVELOPMENT


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[a]\nurl = \n", "is not TOML (at line 2"),
        ('[a]\nurl = "postgresql://h"\ncolor = "red"\n', "did you mean colour"),
        ('[a]\nurl = "postgresql://h"\nzzz = 1\n', "'zzz'"),
        ('[a]\nurl = "postgresql://h"\nread_only = "yes"\n', "read_only"),
        ('[a]\nurl = "postgresql://h"\ntags = [1]\n', "tags"),
        ('[a]\nurl = "postgresql://h"\nenvironment = "prod"\n', "production, staging, development"),
        ('[a]\ncolour = "red"\n', "no url"),
        ("a = 1\n", "outside a table"),
        ('[a]\nurl = "postgresql://u:hunter2@h/d"\n', "password_command or keyring"),
        ('[a]\nurl = "postgresql://h/d?password=hunter2"\n', "holds a password"),
        ('[a]\nurl = "host=h password=hunter2"\n', "holds a password"),
        ('[a]\nurl = "postgresql://h/d?sslpassword=hunter2"\n', "sslpassword"),
        ('[a]\nurl = "postgresql://u:hunter2/3@h/d"\n', "%2F"),
    ],
)
def test_what_has_to_change_is_said(text: str, words: str) -> None:
    write(text)
    with pytest.raises(ConfigError) as refusal:
        load_connections()
    assert words in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


def test_saving_keeps_the_others_and_the_comments() -> None:
    file = write(FULL)
    save(Saved("shop", "postgresql://bob@db-02/shop", Environment.PRODUCTION, keyring=True))
    text = file.read_text()
    assert text.startswith("# my servers\n[shop]\n")
    assert '["weird name"]\nurl = "host=h dbname=\'x y\'"' in text
    assert read_saved()["shop"] == Saved(
        "shop", "postgresql://bob@db-02/shop", Environment.PRODUCTION, keyring=True
    )
    assert file.stat().st_mode & 0o777 == 0o600
    save(Saved("third", "postgresql://h/d", password_command=("pass", "show db")))
    assert list(read_saved()) == ["shop", "weird name", "third"]
    assert remove("shop")
    assert not remove("shop")
    assert list(read_saved()) == ["weird name", "third"]
    assert file.read_text().startswith("# my servers\n")


def test_the_first_save_makes_a_private_folder() -> None:
    save(Saved("a", "postgresql://h/d"))
    file = config.connections_file()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert [each.name for each in file.parent.iterdir()] == ["connections.toml"]


def test_a_password_is_never_saved() -> None:
    with pytest.raises(ConfigError, match="holds a password"):
        save(Saved("a", "postgresql://u:p@h/d"))
    assert not config.connections_file().exists()


def test_text_that_looks_like_a_table_inside_a_value() -> None:
    write('[a]\nurl = "postgresql://h"\ncolour = """\n[b]\n"""\n\n[b]\nurl = "postgresql://i"\n')
    save(Saved("b", "postgresql://j"))
    assert {name: saved.url for name, saved in read_saved().items()} == {
        "a": "postgresql://h",
        "b": "postgresql://j",
    }


printable = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=10)


@given(name=printable, colour=printable, tags=st.lists(printable, max_size=3), command=printable)
def test_what_is_saved_is_read_again(name: str, colour: str, tags: list[str], command: str) -> None:
    saved = Saved(name, "postgresql://h/d", None, colour, False, command, True, "host", tuple(tags))
    save(saved)
    assert read_saved()[name] == saved
    remove(name)


# ---- what the command line means


def test_a_name_a_url_or_a_hint() -> None:
    write(FULL)
    assert resolve("shop", environ={}).url == "postgresql://ann@db-01/shop"
    assert resolve("postgres://ann@db/x", environ={}).url == "postgresql://ann@db/x"
    assert resolve("host=db dbname=x", environ={}).url == "host=db dbname=x"
    with pytest.raises(UsageError, match="did you mean shop"):
        resolve("shpo", environ={})


async def test_a_password_in_the_argument_goes_into_a_source() -> None:
    target = resolve("postgresql://u:p%40ss@h/d?sslmode=require&password=other", environ={})
    assert target.url == "postgresql://u@h/d?sslmode=require"
    assert target.password is not None
    assert await target.password() == Secret("other")
    assert "p%40ss" not in repr(target)
    assert "other" not in repr(target)
    pairs = resolve(r"host=h password='p\'w d' user=u", environ={})
    assert pairs.password is not None
    assert (await pairs.password()) == Secret("p'w d")
    assert "p'w" not in pairs.url
    assert "user=u" in pairs.url


async def test_the_environment_is_asked_in_order(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('DATABASE_URL="postgresql://a:b@file/d" # comment\n')
    everything = {"PGHOST": "db", "DATABASE_URL": "postgresql://env/d"}
    assert resolve(None, environ=everything, cwd=tmp_path).url == "postgresql://"
    del everything["PGHOST"]
    assert resolve(None, environ=everything, cwd=tmp_path).url == "postgresql://env/d"
    from_file = resolve(None, environ={}, cwd=tmp_path)
    assert from_file.url == "postgresql://a@file/d"
    assert from_file.password is not None
    assert await from_file.password() == Secret("b")
    (tmp_path / ".env").unlink()
    with pytest.raises(UsageError, match="no connection was given"):
        resolve(None, environ={}, cwd=tmp_path)


def test_the_picker_is_offered_all_of_them(tmp_path: Path) -> None:
    write(FULL)
    (tmp_path / ".env").write_text("export DATABASE_URL=mysql://root@file/d\n")
    services = tmp_path / "services"
    services.write_text("[reports]\nhost=r\n")
    environ = {
        "PGHOST": "db",
        "PGDATABASE": "x",
        "PGSERVICEFILE": str(services),
        "PGSYSCONFDIR": str(tmp_path),
        "DATABASE_URL": "postgresql://u:hunter2@env/d",
    }
    found, troubles = discover(environ=environ, cwd=tmp_path)
    assert [(each.origin, each.target.name) for each in found] == [
        ("saved", "shop"),
        ("saved", "weird name"),
        ("PGHOST", "db/x"),
        ("DATABASE_URL", "env/d"),
        (".env", "file/d"),
        ("service", "reports"),
    ]
    assert troubles == []
    assert "hunter2" not in repr(found)


def test_a_broken_file_does_not_hide_the_rest(tmp_path: Path) -> None:
    write("[a\n")
    found, troubles = discover(environ={"DATABASE_URL": "postgresql://env/d"}, cwd=tmp_path)
    assert [each.origin for each in found] == ["DATABASE_URL"]
    assert len(troubles) == 1


def test_a_password_leaves_the_process_list() -> None:
    program = (
        "import os, subprocess, sys\n"
        "from dbtui.config import resolve\n"
        "resolve(sys.argv[1], environ={})\n"
        "print(subprocess.run(['ps', '-ww', '-o', 'args=', '-p', str(os.getpid())],"
        " capture_output=True, text=True).stdout, sys.argv, sys.orig_argv)\n"
    )
    argv = [sys.executable, "-c", program, "postgresql://ann:hünter2@h/d", "last"]
    shown = subprocess.run(argv, capture_output=True, text=True, check=True, env=dict(os.environ)).stdout
    assert "hünter2" not in shown
    assert "postgresql://ann@h/d" in shown
    assert "last" in shown


# ---- texts


@pytest.mark.parametrize(
    ("url", "scheme", "name"),
    [
        ("postgres://u@h:1/d?x=y", "postgresql", "h:1/d"),
        ("postgresql+asyncpg://u@h/d", "postgresql", "h/d"),
        ("postgis://h/d", "postgresql", "h/d"),
        ("mysql2://h/d", "mysql2", "h/d"),
        ("postgresql:///d?host=/run/pg", "postgresql", "/run/pg/d"),
        ("postgresql://h/weird%20name", "postgresql", "h/weird name"),
        ("host=h dbname='x y'", "postgresql", "h/x y"),
        ("postgresql://", "postgresql", "postgresql"),
        ("redis://h", "redis", "h"),
        ("sqlite:///tmp/x@y.db", "sqlite", "tmp/x@y.db"),
    ],
)
def test_schemes_and_short_names(url: str, scheme: str, name: str) -> None:
    assert (scheme_of(url), short_name(url)) == (scheme, name)
    assert split_secret(url) == (url, None)


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_password_never_stays_in_a_url(before: str, after: str) -> None:
    for text in (f"postgresql://{before}:hunter2@{after}", f"{before} password=hunter2 {after}"):
        try:
            clean, secret = split_secret(text)
        except UsageError as error:
            assert "hunter2" not in str(error)
            continue
        if secret is not None and secret.reveal() == "hunter2":
            assert "hunter2" not in clean


@pytest.mark.parametrize(
    "text",
    [
        "jdbc:postgresql://h/d?user=u&password=hunter2",
        "postgresql://u:hunter2/x@h/d",
        "postgresql://u:hunter2#x@h/d",
        "postgresql://u:hunter2?x@h/d",
        "postgresql://u:123#x@h/d",
        "postgresql://u:123?hunter2@h/d",
        "host=h password='hunter2",
        "host=h password='hunter2'x",
        "host=h hunter2",
    ],
)
def test_a_text_that_hides_its_password_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as refusal:
        resolve(text, environ={})
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("DATABASE_URL=plain # comment", "plain"),
        ("  export DATABASE_URL = spaced  ", "spaced"),
        ("DATABASE_URL=has#hash", "has#hash"),
        ("DATABASE_URL='si\"ngle ${NO}'", 'si"ngle ${NO}'),
        ('DATABASE_URL="dou\\"ble #x"', 'dou"ble #x'),
        ("HOST=h\nDATABASE_URL=postgresql://${HOST}/${OUTSIDE}", "postgresql://h/o"),
        ('DATABASE_URL="a\\$b"', "a$b"),
        ("#DATABASE_URL=no", None),
        ("DATABASE_URL=first\r\nDATABASE_URL=last\r\n", "last"),
    ],
)
def test_env_files(text: str, value: str | None, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(text)
    assert read_env(file, {"OUTSIDE": "o"}).get("DATABASE_URL") == value
