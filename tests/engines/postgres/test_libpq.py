from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.config import Secret
from dbtui.engines.postgres import libpq, libpq_parameters
from dbtui.engines.postgres.files import stored_password
from dbtui.engines.postgres.libpq import Address, parse, resolve
from dbtui.errors import ConfigError, DbtuiError, UsageError


def settled(url: str, home: Path, **environ: str) -> libpq.Parameters:
    return resolve(url, environ, home)


@pytest.mark.parametrize(
    ("url", "addresses", "user", "database"),
    [
        ("postgresql://u@h/d", ["h:5432"], "u", "d"),
        ("postgres://u@h:6432/d", ["h:6432"], "u", "d"),
        ("postgresql://u@h1,h2:5433,[::1]:5434/d", ["h1:5432", "h2:5433", "[::1]:5434"], "u", "d"),
        ("postgresql://u@[2001:db8::1]/d", ["[2001:db8::1]:5432"], "u", "d"),
        ("postgresql://u@h", ["h:5432"], "u", "u"),
        ("postgresql://u%40tenant@h/weird%20%22name%22", ["h:5432"], "u@tenant", 'weird "name"'),
        ("postgresql://u@tenant@h/d", ["h:5432"], "u@tenant", "d"),
        ("postgresql://u@%2Frun%2Fpg/d", ["/run/pg"], "u", "d"),
        ("postgresql:///d?host=/run/pg&port=6000&user=u", ["/run/pg:6000"], "u", "d"),
        ("host=h1,h2 port=1,2 user=u dbname='weird name'", ["h1:1", "h2:2"], "u", "weird name"),
        (r"host = h user= 'it''s'", None, "", ""),
        (r"host=h user='it\'s' dbname=back\\slash", ["h:5432"], "it's", "back\\slash"),
        ("hostaddr=10.0.0.1 host=name user=u", ["name:5432"], "u", "u"),
        ("postgresql://u@h:/d", ["h:5432"], "u", "d"),
    ],
)
def test_where_and_who(
    url: str, addresses: list[str] | None, user: str, database: str, clean_home: Path
) -> None:
    if addresses is None:
        with pytest.raises(UsageError):
            settled(url, clean_home)
        return
    found = settled(url, clean_home)
    assert [str(address) for address in found.addresses] == addresses
    assert (found.user, found.database) == (user, database)


def test_precedence_is_string_then_service_then_environment(clean_home: Path) -> None:
    (clean_home / ".pg_service.conf").write_text(
        "# comment\n[shop]\nhost=service-host\nuser=service-user\ndbname=service-db\npassword=p w=d\n\n"
        "[other]\nhost=x\n"
    )
    found = settled(
        "postgresql:///own-db?service=shop",
        clean_home,
        PGHOST="env-host",
        PGPORT="6000",
        PGUSER="env-user",
        PGPASSWORD="env",
    )
    assert [str(a) for a in found.addresses] == ["service-host:6000"]
    assert (found.user, found.database, found.password) == ("service-user", "own-db", Secret("p w=d"))
    by_environment = settled("postgresql://", clean_home, PGSERVICE="other", PGUSER="u", PGDATABASE="d")
    assert ([str(a) for a in by_environment.addresses], by_environment.database) == (["x:5432"], "d")


def test_the_shared_service_file_is_asked_second(clean_home: Path, tmp_path: Path) -> None:
    (tmp_path / "pg_service.conf").write_text("[a]\nhost=shared\n[b]\nhost=shared\n")
    (clean_home / ".pg_service.conf").write_text("[a]\nhost=own\n")
    hosts = [
        settled(f"service={name} user=u", clean_home, PGSYSCONFDIR=str(tmp_path)).addresses[0].host
        for name in ("a", "b")
    ]
    assert hosts == ["own", "shared"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[s]\nhost\n", "line 2"),
        ("[s]\nservice=other\n", "line 2"),
        ("[other]\nhost=h\n", "no service s"),
    ],
)
def test_a_service_that_cannot_be_used(text: str, words: str, clean_home: Path) -> None:
    (clean_home / ".pg_service.conf").write_text(text)
    with pytest.raises(ConfigError, match=words):
        settled("service=s", clean_home)
    with pytest.raises(ConfigError, match="cannot be found"):
        settled("service=s", clean_home, PGSERVICEFILE=str(clean_home / "missing"))


def test_without_a_host_a_socket_is_looked_for(
    clean_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libpq, "SOCKET_FOLDERS", (str(tmp_path),))
    assert settled("user=u", clean_home).addresses == (Address("localhost", 5432),)
    (tmp_path / ".s.PGSQL.5432").touch()
    assert settled("user=u", clean_home).addresses == (Address(str(tmp_path), 5432),)


# ---- the table of parameters

LIBPQ_18 = [
    "service",
    "user",
    "password",
    "passfile",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "port",
    "client_encoding",
    "options",
    "application_name",
    "fallback_application_name",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    "sslmode",
    "sslnegotiation",
    "sslcompression",
    "sslcert",
    "sslkey",
    "sslcertmode",
    "sslpassword",
    "sslrootcert",
    "sslcrl",
    "sslcrldir",
    "sslsni",
    "requirepeer",
    "require_auth",
    "min_protocol_version",
    "max_protocol_version",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "gssencmode",
    "krbsrvname",
    "gsslib",
    "gssdelegation",
    "replication",
    "target_session_attrs",
    "load_balance_hosts",
    "scram_client_key",
    "scram_server_key",
    "sslkeylogfile",
    "oauth_issuer",
    "oauth_client_id",
    "oauth_client_secret",
    "oauth_scope",
    "requiressl",
    "authtype",
]


@pytest.mark.parametrize("name", LIBPQ_18)
def test_every_parameter_of_libpq_stands_in_one_table(name: str) -> None:
    tables = (libpq_parameters.MAPPED, libpq_parameters.IGNORED, libpq_parameters.REFUSED)
    assert sum(name in table for table in tables) == 1


def test_what_poolers_and_orms_add_is_ignored_with_a_note(clean_home: Path) -> None:
    url = "postgresql://u@h/d?pgbouncer=true&connection_limit=5&schema=public&sslaccept=strict&prepareThreshold=0"
    found = settled(url, clean_home)
    assert len(found.notes) == 5
    assert found.notes[0].startswith("pgbouncer in the connection string is ignored")


def test_neons_url_is_taken(clean_home: Path) -> None:
    found = settled(
        "postgresql://u@ep-x-pooler.neon.tech/d?sslmode=require&channel_binding=require", clean_home
    )
    assert found.tls.mode == "require"
    assert "channel_binding" in found.notes[0]


@pytest.mark.parametrize(
    ("query", "mode"),
    [
        ("", "prefer"),
        ("?channel_binding=require", "require"),
        ("?sslmode=no-verify", "require"),
        ("?ssl=true", "require"),
        ("?sslmode=verify-full", "verify-full"),
        ("?sslrootcert=system", "verify-full"),
    ],
)
def test_modes_of_tls(query: str, mode: str, clean_home: Path) -> None:
    assert settled(f"postgresql://u@h/d{query}", clean_home).tls.mode == mode


@pytest.mark.parametrize(
    "query",
    [
        "sslmod=verify-full",
        "sslmode=always",
        "sslrootcert=system&sslmode=require",
        "sslnegotiation=direct",
        "sslnegotiation=sometimes",
        "channel_binding=require&sslmode=disable",
        "gssencmode=require",
        "require_auth=scram-sha-256",
        "requirepeer=postgres",
        "replication=database",
        "connect_timeout=soon",
        "keepalives_idle=1.5",
        "target_session_attrs=writer",
        "load_balance_hosts=yes",
        "port=0",
        "port=70000",
        "port=1,2",
        "nothing",
        "dbname=%zz",
    ],
)
def test_what_is_refused(query: str, clean_home: Path) -> None:
    with pytest.raises(UsageError):
        settled(f"postgresql://u@h/d?{query}", clean_home)


@pytest.mark.parametrize(
    "text",
    [
        "jdbc:postgresql://h/d?user=u&password=hunter2secret",
        "mysql://u:hunter2secret@h/d",
        "postgresql://u:hunter2secret/x@h/d",
        "postgresql://u:hunter2secret#x/y@h/d",
        "postgresql://u:hunter2secret",
        "postgresql://u:100%hunter2secret@h/d",
        "host=h password='hunter2secret",
        "host=h hunter2secret",
    ],
)
def test_no_message_shows_what_may_be_a_secret(text: str, clean_home: Path) -> None:
    with pytest.raises(DbtuiError) as refusal:
        settled(text, clean_home)
    assert "hunter2" not in str(refusal.value)
    assert "hunter2" not in repr(refusal.value)


def test_numbers(clean_home: Path) -> None:
    url = "postgresql://u@h/d?connect_timeout=1&keepalives=0&keepalives_idle=7&tcp_user_timeout=900"
    found = settled(url, clean_home)
    assert found.connect_timeout == 2.0
    assert (found.keep_alive.on, found.keep_alive.idle, found.keep_alive.user_timeout) == (False, 7, 900)
    assert settled("user=u", clean_home).connect_timeout == 5.0
    assert settled("user=u", clean_home, PGCONNECT_TIMEOUT="0").connect_timeout == 30.0


def test_files_of_the_home_folder_are_the_defaults(clean_home: Path) -> None:
    folder = clean_home / ".postgresql"
    folder.mkdir()
    for name in ("root.crt", "postgresql.crt", "postgresql.key", "root.crl"):
        (folder / name).touch()
    tls = settled("user=u", clean_home).tls
    assert [Path(file).name for file in (tls.root, tls.certificate, tls.key, tls.revoked)] == [
        "root.crt",
        "postgresql.crt",
        "postgresql.key",
        "root.crl",
    ]
    assert settled("user=u sslrootcert=/x", clean_home).tls.root == "/x"


# ---- password files


@pytest.fixture
def passfile(tmp_path: Path) -> Path:
    file = tmp_path / "pgpass"
    file.write_text(
        "# host:port:database:user:password\n"
        "db\\:1:5432:shop:ann:colon\\:host\n"
        "db:5432:shop:ann:first\n"
        "db:5432:shop:ann:second\n"
        "localhost:*:*:ann:socket\n"
        "/run/own:*:*:ann:own socket\n"
        "*:*:weird name:a\\\\b:back\\\\slash\\:colon: rest is dropped\n"
        "broken:line\n"
        "*:6432:*:*:any\n"
    )
    file.chmod(0o600)
    return file


@pytest.mark.parametrize(
    ("host", "port", "database", "user", "password"),
    [
        ("db", 5432, "shop", "ann", "first"),
        ("db", 5432, "shop", "bob", None),
        ("db:1", 5432, "shop", "ann", "colon:host"),
        ("localhost", 1, "x", "ann", "socket"),
        ("/tmp", 5432, "x", "ann", "socket"),
        ("/run/own", 5432, "x", "ann", "own socket"),
        ("h", 1, "weird name", "a\\b", "back\\slash:colon"),
        ("h", 6432, "d", "u", "any"),
    ],
)
def test_the_first_line_that_matches(
    host: str, port: int, database: str, user: str, password: str | None, passfile: Path
) -> None:
    found, note = stored_password(passfile, host, port, database, user)
    assert (found.reveal() if found else None, note) == (password, "")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_a_password_file_that_others_may_reach_is_left_alone(mode: int, passfile: Path) -> None:
    passfile.chmod(mode)
    found, note = stored_password(passfile, "db", 5432, "shop", "ann")
    assert found is None
    assert "chmod 0600" in note


def test_a_password_file_that_is_none(tmp_path: Path) -> None:
    assert stored_password(tmp_path / "missing", "h", 1, "d", "u") == (None, "")
    found, note = stored_password(tmp_path, "h", 1, "d", "u")
    assert found is None
    assert "not a plain file" in note


# ---- properties

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
names = texts.filter(bool)


@given(user=names, password=names, database=names)
def test_a_url_gives_back_what_was_encoded_into_it(user: str, password: str, database: str) -> None:
    url = f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@h/{quote(database, safe='')}"
    assert parse(url) == {"user": user, "password": password, "dbname": database, "host": "h"}


@given(values=st.dictionaries(st.sampled_from(["host", "user", "dbname", "password"]), texts, min_size=1))
def test_pairs_give_back_what_was_quoted_into_them(values: dict[str, str]) -> None:
    quoted = (value.replace("\\", r"\\").replace("'", r"\'") for value in values.values())
    assert parse(" ".join(f"{name}='{value}'" for name, value in zip(values, quoted, strict=True))) == values


@given(text=st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for form in (text, f"postgresql://{text}", f"host=h {text}"):
        try:
            resolve(form, {"HOME": "/nonexistent"}, Path("/nonexistent"))
        except (UsageError, ConfigError) as error:
            assert error.hint


@given(
    fields=st.lists(
        names.filter(lambda t: not set(t) & set("\n\r")),
        min_size=5,
        max_size=5,
    )
)
def test_a_password_line_gives_back_what_was_escaped_into_it(
    fields: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    host, _, database, user, password = fields
    file = tmp_path_factory.mktemp("pass") / "pgpass"
    line = ":".join(
        text.replace("\\", r"\\").replace(":", r"\:") for text in (host, "5432", database, user, password)
    )
    file.write_text(line + "\n", "utf-8")
    file.chmod(0o600)
    found, _ = stored_password(file, host, 5432, database, user)
    expected = None if host.startswith("#") else password
    assert (found.reveal() if found else None) == expected
