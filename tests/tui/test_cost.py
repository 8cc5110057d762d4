from __future__ import annotations

import pytest

from dbtui.model.snapshot import Snapshot
from dbtui.tui.widgets.cost import ROOM, _Spent, piece


@pytest.mark.parametrize(
    ("spent", "said"),
    [
        (_Spent(5.0, 8, 0.005, 12_500, 0.0), "own 1.6 q/s 1 ms 2.4 kB/s"),
        (_Spent(5.0, 42, 0.06, 62_000, 0.0), "own 8 q/s 12 ms 12.1 kB/s"),
    ],
)
def test_what_the_console_causes_fits_its_corner(spent: _Spent, said: str) -> None:
    shown, _ = piece(Snapshot(at=0), _Spent(0.0, 0, 0.0, 0, 0.0), spent)
    assert shown == said and len(shown) <= ROOM
