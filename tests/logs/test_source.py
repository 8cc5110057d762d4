"""Lines out of files, compressed files and files that grow."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from dbtui.logs import source


def test_lines_of_every_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "LONGEST", 8)
    data = b"one\r\ntw\xffo\n0123456789abcdef\nlast"
    assert list(source.lines(io.BytesIO(data))) == ["one", "tw\ufffdo", "01234567", "last"]


def test_gzip_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(b"a\nb\n"))
    with source.opened(path) as file:
        assert list(source.lines(file)) == ["a", "b"]
    path.write_bytes(b"plain\n")
    with source.opened(path) as file:
        assert list(source.lines(file)) == ["plain"]


def test_a_file_that_grows_is_rotated_and_emptied(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("one\nhal")
    ended = False
    coming = source.followed(path, lambda: ended, pause=0.001)
    assert [next(coming), next(coming)] == ["one", None]
    with path.open("a") as file:
        file.write("f\n")
    assert next(coming) == "half"
    assert next(coming) is None
    path.rename(tmp_path / "log.1")
    path.write_text("new\n")
    assert next(coming) == "new"
    assert next(coming) is None
    path.write_text("")
    assert next(coming) is None
    path.write_text("a\n")
    seen = [next(coming) for _ in range(3)]
    assert "a" in seen
    ended = True
    assert list(coming) == []
