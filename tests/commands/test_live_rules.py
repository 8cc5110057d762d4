from __future__ import annotations

import pytest

from dbtui.cli import main


def test_a_rule_about_servers_prints_its_thresholds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "any-connections-scarce"]) == 0
    said = capsys.readouterr().out
    assert "Why it matters" in said and "share = 0.8  (fraction) of the connections" in said
    assert main(["rules", "any-table-without-pk"]) == 0
    assert "Thresholds" not in capsys.readouterr().out


def test_rules_about_servers_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules"]) == 0
    said = capsys.readouterr().out
    assert "pg-slot-retains-wal" in said and "es-breaker-tripped" in said
