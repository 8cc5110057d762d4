"""The user's own editor: the console steps aside while it runs, and takes what was written."""

from __future__ import annotations

import asyncio
import os
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual.app import SuspendNotSupported

from dbtui import policy
from dbtui.errors import DbtuiError, InputError

if TYPE_CHECKING:
    from dbtui.tui.app import DbtuiApp
    from dbtui.tui.messages import EditOutside
    from dbtui.tui.screens.main import MainScreen

UNCHANGED = "the text is as it was"


async def edit(console: MainScreen, wish: EditOutside) -> None:
    """Have an area's text written in `$VISUAL` or `$EDITOR`."""
    area = wish.area
    try:
        policy.current().refuse(policy.Feature.EDITOR)
        written = await _written(cast("DbtuiApp", console.app), area.text)
    except SuspendNotSupported:
        console.say("an editor needs a terminal", "warning")
        return
    except DbtuiError as error:
        console.say(str(error), "warning")
        return
    if written != area.text:
        area.replace(written, (0, 0), area.document.end)  # which can be undone
        area.move_cursor((0, 0))


async def _written(app: DbtuiApp, before: str) -> str:
    """What the user made of a text. Raises InputError, and SuspendNotSupported without a terminal.

    The folder is the user's alone (0700): what an editor leaves beside its file goes with it.
    """
    with tempfile.TemporaryDirectory(prefix="dbtui-") as folder:
        file = Path(folder, "statement.sql")
        _put(file, before)
        with app.lend_terminal():
            trouble = await _run(file)
        if trouble:
            raise InputError(trouble, UNCHANGED)
        written = _got(file)
    return written if before.endswith("\n") else written.removesuffix("\n")


def _put(file: Path, text: str) -> None:
    file.touch(0o600)
    file.write_text(text, encoding="utf-8", errors="replace", newline="")


def _got(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"what the editor left is no text: {type(error).__name__}", UNCHANGED) from None


async def _run(file: Path) -> str:
    """Run the editor on a file until it is left; what went wrong, "" when nothing did."""
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        words = shlex.split(command)
        process = await asyncio.create_subprocess_exec(*words, str(file))
    except (OSError, ValueError) as error:
        return f"{command} cannot be run, set EDITOR ({getattr(error, 'strerror', error)})"
    try:
        code = await process.wait()
    finally:
        if process.returncode is None:  # the console is being left
            process.terminate()
    return f"{Path(words[0]).name} ended with code {code}" if code else ""
