"""What every driver over TCP needs: name look-ups that never hold up leaving, and TLS to a server by its name."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from typing import Any


class NamedContext(ssl.SSLContext):
    """A context that names the server it wants, whatever is dialled: a tunnel, a looked-up IP."""

    server: str | None = None

    def wrap_bio(self, *args: Any, **more: Any) -> ssl.SSLObject:
        more["server_hostname"] = self.server
        return super().wrap_bio(*args[:2], **{"server_side": False, **more})


async def look_up(host: str, port: int) -> list[str]:
    """The IP addresses of a name, from a daemon thread: one of the event loop's own would hold up leaving."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str]] = loop.create_future()

    def settle(found: list[str], error: OSError | UnicodeError | None) -> None:
        if answer.done():
            return
        if error is None:
            answer.set_result(found)
        else:
            answer.set_exception(error)

    def ask() -> None:
        found: list[str] = []
        error: OSError | UnicodeError | None = None
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found = list(dict.fromkeys(str(entry[4][0]) for entry in entries))
        except (OSError, UnicodeError) as failure:
            error = failure
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, found, error)

    threading.Thread(target=ask, name="name lookup", daemon=True).start()
    return await answer
