from __future__ import annotations

from dataclasses import replace

import pytest

from dbtui.live.blocking import Blocked
from dbtui.live.remedy import frees
from tests.live.test_blocking import session

BUSY = replace(session("1"), transaction_age=9.0)
IDLE = replace(BUSY, state="idle in transaction")


@pytest.mark.parametrize(
    ("root", "product", "clause"),
    [
        (IDLE, "PostgreSQL", "cancel frees 0, terminate 3"),
        (BUSY, "PostgreSQL", "cancel frees 3"),
        (BUSY, "MySQL", "cancel keeps its locks, terminate frees 3"),
        (replace(BUSY, transaction_age=None), "MariaDB", "cancel frees 3"),
        (replace(IDLE, kind="prepared transaction"), "PostgreSQL", "ROLLBACK PREPARED or COMMIT PREPARED frees 3"),
        (BUSY, "FerretDB", "only pg_cancel_backend(1) in its PostgreSQL frees 3"),
        (BUSY, "SQLite", "only its own program can free 3"),
        (replace(BUSY, blocked_by=("7",)), "PostgreSQL", "waits itself: free its blocker first"),
    ],
)  # fmt: skip
def test_it_says_what_would_free_them(root: object, product: str, clause: str) -> None:
    assert frees(Blocked(root, 0, False, (), 3, 5.0), product) == clause  # type: ignore[arg-type]


def test_nobody_waits_so_nothing_is_said() -> None:
    assert frees(Blocked(BUSY, 0, False, ()), "MySQL") == ""
