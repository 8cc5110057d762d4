"""Passwords and tokens: a type that never prints itself, and the places that they come from."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import shlex
import signal
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from dbtui import policy
from dbtui.errors import ConfigError, ConnectError

COMMAND_TIMEOUT = 20.0  # seconds
_KEYRING_TIMEOUT = 5.0  # seconds
_SERVICE = "dbtui"


class Secret:
    """A password or token. It shows as dots wherever it is printed, logged or formatted."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself: for the driver, and for nothing else."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(••••)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a secret is not pickled")


PasswordSource = Callable[[], Awaitable[Secret | None]]


def known(secret: Secret) -> PasswordSource:
    """A source that always has the same answer: a password that was typed or stood in a URL."""

    async def source() -> Secret | None:
        return secret

    return source


def from_command(command: str | Sequence[str], file: Path, name: str) -> PasswordSource:
    """The first line that a program prints, run anew each time, so that short-lived tokens work.

    A text is a shell line, a list is run as it is. `file` is where the command was read; when others may
    write it, or its folder, they could run programs as this user: ConfigError. What the program says on
    standard error is never shown, since it may hold a secret. Raises ConnectError when it fails or takes too long,
    and Forbidden by policy.
    """

    async def source() -> Secret | None:
        policy.current().refuse(policy.Feature.PASSWORD_COMMAND)
        refuse_if_others_write(file)
        argv = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
        shown = (shlex.split(command)[:1] or [""])[0] if isinstance(command, str) else argv[0]
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise ConnectError(
                f"password_command of {name} cannot be run: {shown}", str(error.strerror)
            ) from None
        said = await _output(process, name)
        if process.returncode:
            reason = f"password_command of {name} ended with code {process.returncode}"
            raise ConnectError(reason, "run it by hand to see why")
        line = said.decode("utf-8", "replace").partition("\n")[0].rstrip("\r")
        if not line:
            raise ConnectError(
                f"password_command of {name} printed nothing", "its first line is the password"
            )
        return Secret(line)

    return source


async def _output(process: asyncio.subprocess.Process, name: str) -> bytes:
    """All that a program prints; its whole process group is ended when it takes too long or nobody waits."""
    try:
        async with asyncio.timeout(COMMAND_TIMEOUT):
            said, _ = await process.communicate()
            return said
    except TimeoutError:
        reason = f"password_command of {name} took longer than {COMMAND_TIMEOUT:.0f} s"
        raise ConnectError(reason, "it must not ask anything") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


def refuse_if_others_write(file: Path) -> None:
    """Raise ConfigError when someone else may write a file or replace it in its folder."""
    for path, sticky_will_do in ((file, False), (file.parent, True)):
        try:
            state = path.stat()
        except OSError as error:
            raise ConfigError(f"{path} cannot be looked at", str(error.strerror)) from None
        if state.st_uid not in (0, os.geteuid()):
            raise ConfigError(
                f"{path} belongs to somebody else, so its commands are not run", f"own {path} yourself"
            )
        others = state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if others and not (sticky_will_do and state.st_mode & stat.S_ISVTX):
            raise ConfigError(f"others may write {path}, so its commands are not run", f"chmod go-w {path}")


def from_keyring(name: str) -> PasswordSource:
    """The password that `store` put into the system's keyring; None when there is none or no keyring works.

    A keyring that asks, hangs or crashes never stops a connection: it has 5 s, in a thread nobody waits for.
    """

    async def source() -> Secret | None:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Secret | None] = loop.create_future()
        _in_thread(loop, answer, name)
        try:
            async with asyncio.timeout(_KEYRING_TIMEOUT):
                return await answer
        except TimeoutError:
            return None

    return source


def _in_thread(loop: asyncio.AbstractEventLoop, answer: asyncio.Future[Secret | None], name: str) -> None:
    import threading

    def settle(found: Secret | None) -> None:
        if not answer.done():
            answer.set_result(found)

    def ask() -> None:
        found = recall(name)
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, found)

    threading.Thread(target=ask, name="keyring", daemon=True).start()


def recall(name: str) -> Secret | None:
    """What the keyring holds for a connection; None when it holds nothing or does not work."""
    try:
        import keyring

        value = keyring.get_password(_SERVICE, name)
    except Exception:  # noqa: BLE001 - backends raise anything, D-Bus errors among them, and none may be fatal
        return None
    return Secret(value) if value else None


def store(name: str, secret: Secret) -> None:
    """Put a password into the keyring, for this connection alone. Raises ConfigError when that fails."""
    try:
        import keyring

        keyring.set_password(_SERVICE, name, secret.reveal())
    except ImportError:
        raise ConfigError(
            "there is no keyring package", "pip install 'dbtui[keyring]', or use password_command"
        ) from None
    except Exception as error:  # noqa: BLE001 - as above
        reason = f"the keyring did not take the password: {type(error).__name__}"
        raise ConfigError(reason, "use password_command instead") from None


def forget(name: str) -> None:
    """Take a connection's password out of the keyring, if one is there."""
    with contextlib.suppress(Exception):
        import keyring

        keyring.delete_password(_SERVICE, name)


def hide_argument(argument: str, shown: str) -> bool:
    """Put `shown` in the place of one of this process's arguments, for `ps` too; whether that worked.

    Linux shows the memory that the arguments were put into, so it is written over in place. Between the start
    of the process and this call the argument can be seen, and a shell may keep it in its history: PGPASSWORD,
    a password file or a prompt are better. Elsewhere only Python's own copies change.
    """
    for arguments in (sys.argv, sys.orig_argv):
        arguments[:] = [shown if each == argument else each for each in arguments]
    if not argument or not sys.platform.startswith("linux"):
        return False
    try:
        fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
        start, end = int(fields[45]), int(fields[46])  # arg_start and arg_end, fields 48 and 49 of proc(5)
        memory = Path("/proc/self/cmdline").read_bytes()
    except (OSError, ValueError, IndexError):
        return False
    old = b"\0" + os.fsencode(argument) + b"\0"
    at = memory.find(old)
    if at < 0 or start <= 0 or end - start != len(memory):
        return False
    new = os.fsencode(shown)[: len(old) - 2].ljust(len(old) - 2, b"\0")
    while at >= 0:
        ctypes.memmove(start + at + 1, new, len(new))
        at = memory.find(old, at + len(old) - 1)
    return old not in Path("/proc/self/cmdline").read_bytes()
