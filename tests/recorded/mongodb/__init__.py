"""See README.md beside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bson import json_util

FOLDER = Path(__file__).parent


def reply(name: str) -> Any:
    """A recorded reply as the driver would decode it."""
    options = json_util.JSONOptions(tz_aware=True)
    return json_util.loads((FOLDER / f"{name}.json").read_text("utf-8"), json_options=options)["reply"]


def text(name: str) -> str:
    """A recorded reply as Extended JSON."""
    return json.dumps(json.loads((FOLDER / f"{name}.json").read_text("utf-8"))["reply"], ensure_ascii=False)
