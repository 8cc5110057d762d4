"""What the system says of a server that cannot be reached, as the console's own errors."""

from __future__ import annotations

import socket
import ssl

from dbtui.errors import ConnectError

_UNREACHED: tuple[tuple[type[BaseException], str, str], ...] = (
    (TimeoutError, "{} does not answer", "check host, port and firewalls, or give {}"),
    (socket.gaierror, "the host of {} is unknown", "check its name, or the name servers of this machine"),
    (UnicodeDecodeError, "{} sends what is no text", "is it another product?"),
    (UnicodeError, "the host of {} is unknown", "check its name"),
    (ConnectionRefusedError, "nothing listens at {}", "check host and port, and that the server runs"),
    (FileNotFoundError, "there is no socket at {}", "check the path and port, and that the server runs"),
    (PermissionError, "this user may not open the socket at {}", "connect over TCP, or as another user"),
)


def unreached(error: BaseException, where: str, patience: str) -> ConnectError | None:
    """The error for a server at `where` that the system could not reach; None for any other failure.

    `patience` is the option of a URL that waits longer: "connect_timeout=30".
    """
    for kind, message, hint in _UNREACHED:
        if isinstance(error, kind):
            return ConnectError(message.format(where), hint.format(patience))
    return None


def no_tls(error: ssl.SSLError, where: str, *, authority: str, otherwise: str) -> ConnectError:
    """The error for TLS that failed. `authority` is the option that names one's own; `otherwise` what else to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        what = f"the certificate of {where} is not accepted: {error.verify_message}"
        return ConnectError(what, f"check the host's name and {authority}")
    return ConnectError(f"no TLS with {where}: {error.reason or 'the handshake failed'}", otherwise)
