"""What root forbids, and that a file which cannot be trusted forbids everything."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from dbtui import policy
from dbtui.errors import Forbidden
from dbtui.policy import Feature
from dbtui.safety import Approval, scope_of
from dbtui.secrets import from_command

WRITE = scope_of("delete from t")


@pytest.fixture
def rail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A policy file of this user's, in place of root's."""
    file = tmp_path / "etc" / "policy.toml"
    file.parent.mkdir(mode=0o755)
    monkeypatch.setattr(policy, "PATH", file)
    monkeypatch.setattr(policy, "OWNER", os.getuid())
    return file


def put(file: Path, text: str) -> None:
    file.write_text(text)
    file.chmod(0o644)


def approval(scope: str) -> Approval:
    return Approval("shop", scope, "me", "why", time.time() + 60)


def test_without_a_file_everything_goes(rail: Path) -> None:
    held = policy.current()
    held.refuse(Feature.TERMINATE)
    held.refuse_writes()
    assert held == policy.Policy()


def test_each_feature_can_be_forbidden_with_a_reason(rail: Path) -> None:
    for feature in Feature:
        put(rail, f'forbid = ["{feature}"]\nreason = "ask the release team"\n')
        with pytest.raises(Forbidden, match="ask the release team"):
            policy.current().refuse(feature)
        for other in set(Feature) - {feature}:
            policy.current().refuse(other)


def test_no_approval_covers_what_is_forbidden(rail: Path) -> None:
    approval("terminate:1:2").check("shop", "terminate:1:2")
    approval(WRITE).check("shop", WRITE)
    put(rail, 'read_only = true\nforbid = ["terminate"]\n')
    with pytest.raises(Forbidden, match="terminate is forbidden"):
        approval("terminate:1:2").check("shop", "terminate:1:2")
    for scope in (WRITE, "lift"):
        with pytest.raises(Forbidden, match="writing is forbidden"):
            approval(scope).check("shop", WRITE)
    approval("cancel:1:2").check("shop", "cancel:1:2")


async def test_a_password_command_is_not_run(rail: Path, tmp_path: Path) -> None:
    put(rail, 'forbid = ["password_command"]\n')
    witness = tmp_path / "ran"
    with pytest.raises(Forbidden):
        await from_command(("touch", str(witness)), rail, "shop")()
    assert not witness.exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("forbid = [", "not TOML"),
        ('forbid = ["terminat"]', "terminat"),
        ("forbid = 1", "a list"),
        ('read_only = "yes"', "true or false"),
        ("reed_only = true", "reed_only"),
        ("\xff\xfe", "TOML"),
    ],
)
def test_a_file_that_is_not_understood_forbids_everything(rail: Path, text: str, why: str) -> None:
    put(rail, text)
    held = policy.current()
    assert held.read_only and held.forbidden == frozenset(Feature) and why in held.trouble
    with pytest.raises(Forbidden, match=why):
        held.refuse_writes()


def test_a_file_that_others_may_write_forbids_everything(rail: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(rail, "")
    rail.chmod(0o664)
    assert "may write it" in policy.current().trouble
    rail.chmod(0o644)
    assert policy.current() == policy.Policy()
    rail.parent.chmod(0o777)
    assert "replace it" in policy.current().trouble
    rail.parent.chmod(0o755)
    monkeypatch.setattr(policy, "OWNER", os.getuid() + 1)
    assert "root" in policy.current().trouble


def test_no_variable_of_the_user_moves_it() -> None:
    assert str(policy.PATH) == "/etc/dbtui/policy.toml" and policy.OWNER == 0
