"""The load on one of the demo's other servers: `python -m dbtui.demo.neighbours NAME URL`."""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module

from dbtui.demo.neighbours.load import attached


def main() -> None:
    name, url = sys.argv[1:]
    play = import_module(f"dbtui.demo.neighbours.load.{name}").play
    asyncio.run(attached(play(url)))


if __name__ == "__main__":
    main()
