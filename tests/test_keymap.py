"""The table of keys, and what a user may change of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from dbtui.errors import ConfigError
from dbtui.keymap import ACTIONS, check, read_keymap


def written(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "keymap.toml"
    path.write_text(content)
    return path


def test_the_table_itself_is_sound() -> None:
    assert [id_ for id_, times in Counter(action.id for action in ACTIONS).items() if times > 1] == []
    check({})
    for action in ACTIONS:
        assert action.label, action.id
        assert action.help, action.id
        assert action.keys, action.id


def test_no_file_changes_nothing(tmp_path: Path) -> None:
    assert read_keymap(tmp_path / "keymap.toml") == {}


def test_keys_of_a_user(tmp_path: Path) -> None:
    path = written(tmp_path, '[keys]\n"live.cancel" = "c"\n"app.quit" = "q,ctrl+q"\n')
    assert read_keymap(path) == {"live.cancel": "c", "app.quit": "q,ctrl+q"}


@pytest.mark.parametrize(
    "key", ["c", "C", "f5", "ctrl+s", "ctrl+shift+a", "slash", "/", "+", "c, ctrl+s", "alt+,"]
)
def test_what_a_key_may_be(key: str, tmp_path: Path) -> None:
    if key == "alt+,":  # a comma separates: it has a name
        with pytest.raises(ConfigError):
            read_keymap(written(tmp_path, f'[keys]\n"findings.copy" = "{key}"'))
    else:
        assert read_keymap(written(tmp_path, f'[keys]\n"findings.copy" = "{key}"')) == {"findings.copy": key}


def test_two_keys_may_be_exchanged(tmp_path: Path) -> None:
    path = written(tmp_path, '[keys]\n"live.cancel" = "X"\n"live.terminate" = "x"\n')
    assert read_keymap(path) == {"live.cancel": "X", "live.terminate": "x"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[keys]\n"live.cancle" = "c"', "live.cancle"),
        ('[keys]\n"live.cancel" = "e"', "live.explain"),
        ('[keys]\n"live.cancel" = "c, e"', "live.explain"),
        ('[keys]\n"live.cancel" = "q"', "app.quit"),
        ('[keys]\n"main.pause" = "x"', "live.cancel"),
        ('[keys]\n"list.down" = "x"', "live.cancel"),
        ('[keys]\n"live.cancel" = ["c"]', "is no key"),
        ('[keys]\n"live.cancel" = ""', "is no key"),
        ('[keys]\n"live.cancel" = "Ctrl+c"', "is no key"),
        ('[keys]\n"live.cancel" = "ctrl+C"', "is no key"),
        ('keys = "x"', "[keys]"),
        ('[kyes]\n"live.cancel" = "c"', "[keys]"),
        ("[keys", "cannot be read"),
    ],
)
def test_mistakes_are_named_in_one_line(content: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_keymap(written(tmp_path, content))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_same_key_may_do_different_things_in_different_panes() -> None:
    check({"live.explain": "ctrl+y", "statements.explain": "ctrl+y"})
