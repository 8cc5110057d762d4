"""A real terminal: tmux with the program in it, typed into and read back."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from tests.servers.process import descendants, send

PATIENCE = 25.0  # seconds; the machine may be busy
PROMPT = "back at the prompt"
PROGRAM = Path(sys.executable).with_name("dbtui")


def eventually(what: Callable[[], object], seconds: float = PATIENCE) -> bool:
    """Whether something becomes true in time."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


class Terminal:
    """One window of a tmux server of its own; it outlives the program in it, so that one can see what is left.

    `program` is how a shell begins it: something may come before `dbtui`, as a pipe into it.
    """

    def __init__(
        self,
        *words: str,
        columns: int = 120,
        lines: int = 40,
        env: dict[str, str] | None = None,
        program: str = shlex.quote(str(PROGRAM)),
    ) -> None:
        self.closed = False
        self.folder = Path(tempfile.mkdtemp(prefix="dbtui-tmux-"))
        program += f" {shlex.join(words)}"
        script = (
            f"stty -a >before; {program}; echo $? >code.new; mv code.new code; stty -a >after;"
            f"echo {PROMPT}; exec sleep 600"
        )
        self._tmux("new-session", "-d", "-x", str(columns), "-y", str(lines), script, env=env)

    def _tmux(self, *words: str, env: dict[str, str] | None = None) -> str:
        command = ["tmux", "-S", str(self.folder / "socket"), "-f", "/dev/null", *words]
        inherited = {name: value for name, value in os.environ.items() if name not in ("TMUX", "NO_COLOR")}
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=self.folder, env=inherited | (env or {}), timeout=20
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self.closed:
            family = descendants(int(self.facts("pid")[0]))
            self.close()
            send(family, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def shown(self) -> str:
        """The lines that the terminal shows."""
        return self._tmux("capture-pane", "-p")

    def facts(self, *names: str) -> list[str]:
        """What tmux knows about the terminal's state."""
        return self._tmux("display-message", "-p", " ".join(f"#{{{name}}}" for name in names)).split()

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names."""
        self._tmux("send-keys", *keys)

    def sees(self, *words: str) -> None:
        """Wait until all of these texts are to be seen."""
        assert eventually(lambda: all(word in self.shown() for word in words)), (
            f"never seen: {words}; the screen:\n{self.shown()}"
        )

    def moves_from(self, line: list[str]) -> None:
        """Wait until the cursor is on another line than `facts("cursor_y")` said before."""
        assert eventually(lambda: self.facts("cursor_y") != line), f"still at {line}:\n{self.shown()}"

    @property
    def pid(self) -> int:
        """The program's."""
        children = descendants(int(self.facts("pane_pid")[0]))
        return children[0]

    def close(self) -> None:
        """Close the window, as a lost SSH session does: the program gets a hang-up."""
        self._tmux("kill-server")
        self.closed = True

    def code(self) -> int:
        """The exit code, once the program has left."""
        assert eventually((self.folder / "code").exists), f"it never left; the screen:\n{self.shown()}"
        return int((self.folder / "code").read_text())

    def said(self) -> list[str]:
        """The lines that the program left in the terminal, once it has ended."""
        self.sees(PROMPT)
        return self.shown().partition(PROMPT)[0].splitlines()

    def assert_restored(self) -> None:
        """The terminal is as it was before the program."""
        self.sees(PROMPT)
        assert self.facts("alternate_on", "mouse_any_flag", "cursor_flag", "keypad_cursor_flag") == [
            "0",
            "0",
            "1",
            "0",
        ]
        assert eventually((self.folder / "after").exists)
        assert (self.folder / "after").read_text().split() == (self.folder / "before").read_text().split()
