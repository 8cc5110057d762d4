"""SSH tunnels through the system's own `ssh`, so that its configuration, agents and jump hosts work."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from typing import IO, Self

from dbtui.errors import ConnectError, UsageError

_LOOK_EVERY = 0.02  # seconds


class Tunnel:
    """A running `ssh -N` that forwards local ports of 127.0.0.1, one for each place."""

    def __init__(self, process: subprocess.Popen[bytes], ends: list[tuple[str, int]]) -> None:
        self._process = process
        self.ends = ends

    @classmethod
    async def open(cls, host: str, places: Sequence[tuple[str, int]], *, timeout: float = 15.0) -> Self:
        """Start ssh and wait until it forwards. `places`: hosts or socket folders, and ports, beyond `host`.

        Raises ConnectError with what ssh said; UsageError for a host that ssh would take for an option.
        """
        if host.startswith("-") or not host.strip():
            raise UsageError("the ssh host cannot be used", "name a host of ~/.ssh/config, or USER@HOST")
        ends = [("127.0.0.1", port) for port in _free_ports(len(places))]
        with tempfile.TemporaryFile() as said:
            tunnel = cls(_start(host, _argv(host, places, ends), said), ends)
            try:
                async with asyncio.timeout(timeout):
                    await tunnel._stands()
            except TimeoutError:
                raise ConnectError(
                    f"no tunnel to {host}: ssh did not get there in {timeout:.0f} s", _TRY
                ) from None
            except _EndedError:
                said.seek(0)
                raise ConnectError(f"no tunnel to {host}: {_last_line(said.read())}", _TRY) from None
            finally:
                if not tunnel.alive:
                    tunnel.close()
        return tunnel

    @property
    def alive(self) -> bool:
        return self._process.poll() is None and all(_listens(end) for end in self.ends)

    def close(self) -> None:
        """End ssh by its pid; it has 0.2 s to do so politely."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(0.2)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    async def _stands(self) -> None:
        while not all(_listens(end) for end in self.ends):
            if self._process.poll() is not None:
                raise _EndedError
            await asyncio.sleep(_LOOK_EVERY)


class Tunnelled:
    """The tunnel to the server of one target, dug when it is first needed and anew when it broke; ssh may be ""."""

    def __init__(self, ssh: str) -> None:
        self.ssh = ssh
        self._tunnel: Tunnel | None = None
        self._digging = asyncio.Lock()

    @property
    def broken(self) -> bool:
        """Whether there was a tunnel, which does not stand any more."""
        return self._tunnel is not None and not self._tunnel.alive

    async def ends(self, places: Sequence[tuple[str, int]], *, timeout: float) -> list[tuple[str, int]]:
        """Where to dial in order to reach `places`: the near ends of the tunnel. Raises ConnectError, UsageError."""
        async with self._digging:
            if self._tunnel is None or not self._tunnel.alive:
                self.close()
                self._tunnel = await Tunnel.open(self.ssh, places, timeout=timeout)
            return self._tunnel.ends

    def close(self) -> None:
        """End ssh; the next `ends` would dig anew."""
        if self._tunnel is not None:
            self._tunnel.close()
            self._tunnel = None


def _start(host: str, argv: Sequence[str], said: IO[bytes]) -> subprocess.Popen[bytes]:
    """In the console's own session, so that a closed terminal ends ssh too."""
    try:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said)
    except OSError:
        raise ConnectError(
            f"no tunnel to {host}: there is no ssh program", "install OpenSSH's client"
        ) from None


class _EndedError(Exception):
    """ssh ended before it forwarded anything."""


_TRY = "try the same host with ssh itself; keys must be in an agent, since nothing is asked here"


def _argv(host: str, places: Sequence[tuple[str, int]], ends: Sequence[tuple[str, int]]) -> list[str]:
    argv = [
        "ssh",
        "-N",
        "-T",
        "-o",
        "BatchMode=yes",
        "-o",
        "ExitOnForwardFailure=yes",
        "-o",
        "ServerAliveInterval=15",
    ]
    for (place, port), (ip, local) in zip(places, ends, strict=True):
        there = f"{place}/.s.PGSQL.{port}" if place.startswith("/") else f"{_bracketed(place)}:{port}"
        argv += ["-L", f"{ip}:{local}:{there}"]
    return [*argv, "--", host]


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _free_ports(count: int) -> list[int]:
    taken = [socket.socket() for _ in range(count)]
    try:
        for each in taken:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in taken]
    finally:
        for each in taken:
            each.close()


def _listens(end: tuple[str, int]) -> bool:
    """Whether a port is taken; asked by trying to take it, since a connection would reach the server."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(end)
        except OSError:
            return True
        return False


def _last_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else "ssh ended without a word"
