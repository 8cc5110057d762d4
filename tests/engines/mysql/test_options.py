"""URLs, option files and the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbtui.engines.mysql.options import parameters
from dbtui.errors import UsageError


@pytest.mark.parametrize(
    ("url", "address", "user", "database"),
    [
        ("mysql://ann@db-1:3307/shop", "db-1:3307", "ann", "shop"),
        ("mariadb://a%40b@[::1]/d%2Fe", "[::1]:3306", "a@b", "d/e"),
        ("mysql://ann@db-1", "db-1:3306", "ann", ""),
        ("mysql://ann@/shop?socket=/run/my.sock", "/run/my.sock", "ann", "shop"),
        ("mysql://?unix_socket=/x&user=bob&database=d", "/x", "bob", "d"),
    ],
)
def test_urls(url: str, address: str, user: str, database: str) -> None:
    made = parameters(url, {})
    assert (made.address, made.user, made.database) == (address, user, database)


@pytest.mark.parametrize(
    ("parameter", "mode"),
    [
        ("", "PREFERRED"),
        ("ssl-mode=verify_ca", "VERIFY_CA"),
        ("ssl_mode=REQUIRED", "REQUIRED"),
        ("sslmode=verify-full", "VERIFY_IDENTITY"),
        ("ssl=true", "REQUIRED"),
        ("ssl=0", "DISABLED"),
        ("tls=skip-verify", "REQUIRED"),
        ('ssl={"rejectUnauthorized":true}', "VERIFY_IDENTITY"),
        ("sslaccept=strict", "VERIFY_IDENTITY"),
        ("sslaccept=accept_invalid_certs", "REQUIRED"),
        ("ssl-ca=/ca.pem", "VERIFY_CA"),
    ],
)
def test_tls_modes_are_those_of_the_mysql_client(parameter: str, mode: str) -> None:
    assert parameters(f"mysql://a@h/d?{parameter}", {}).tls.mode == mode


@pytest.mark.parametrize(
    ("written", "door"),
    [
        ("a@db", None),
        ("a@db/?admin_port=33063", ("db", 33063)),
        ("a@db/?extra_port=3307", ("db", 3307)),
        ("a@db/?admin_address=10.0.0.9", ("10.0.0.9", 33062)),
        ("a@/?socket=/run/my.sock&admin-port=33062", ("127.0.0.1", 33062)),
    ],
)
def test_the_door_for_administrators(written: str, door: tuple[str, int] | None) -> None:
    assert parameters(f"mysql://{written}", {}).door == door


def test_what_other_programs_add_is_said_to_change_nothing() -> None:
    made = parameters("mysql://a@h/d?charset=utf8&connection_limit=5&connect_timeout=3", {})
    assert made.connect_timeout == 3.0
    assert [note.split()[0] for note in made.notes] == ["charset", "connection_limit"]


@pytest.mark.parametrize(
    "url",
    [
        "mysql://a@h/d?colour=red",
        "mysql://a@h:99999/d",
        "mysql://a@h/?ssl-mode=maybe",
        "mysql://a@h/?connect-timeout=x",
    ],
)
def test_what_cannot_be_understood_is_said(url: str) -> None:
    with pytest.raises(UsageError):
        parameters(url, {})


def test_the_option_file_and_the_environment_fill_what_the_url_leaves_out(tmp_path: Path) -> None:
    file = tmp_path / ".my.cnf"
    file.write_text(
        '# mine\n[mysqld]\nport=1\n[client]\nhost = db-9\nuser=\'u ser\'\npassword = "p#w\\"d" \n'
        "port=3310 # a comment\nssl_mode=REQUIRED\n[client-mariadb]\ndatabase=maria\n[mysql]\nuser=other\n"
    )
    made = parameters("mysql://", {"HOME": str(tmp_path), "MYSQL_PWD": "not this"})
    assert (made.address, made.user, made.database, made.tls.mode) == ("db-9:3310", "u ser", "", "REQUIRED")
    assert made.password is not None
    assert made.password.reveal() == 'p#w"d'
    assert "p#w" not in repr(made)
    assert parameters("mariadb://x@y/", {"HOME": str(tmp_path)}).database == "maria"
    assert parameters("mysql://x@y/", {"HOME": str(tmp_path)}).address == "y:3310"


def test_a_file_that_others_may_write_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / ".my.cnf"
    file.write_text("[client]\nhost=evil\n")
    file.chmod(0o666)
    made = parameters("mysql://a@h", {"HOME": str(tmp_path)})
    assert made.host == "h"
    assert "everybody may write it" in made.notes[0]


def test_the_environment_names_host_port_and_password() -> None:
    made = parameters("mysql://a@", {"MYSQL_HOST": "db-2", "MYSQL_TCP_PORT": "3311", "MYSQL_PWD": "pw"})
    assert made.address == "db-2:3311"
    assert made.password is not None
    assert made.password.reveal() == "pw"
