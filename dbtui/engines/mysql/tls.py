"""TLS contexts that mean what --ssl-mode and its companions mean in the mysql client."""

from __future__ import annotations

import ssl

from dbtui.engines.mysql.options import Tls
from dbtui.engines.network import NamedContext
from dbtui.errors import ConfigError, UsageError


def context(tls: Tls, host: str) -> ssl.SSLContext | None:
    """A client context for a host, None for DISABLED. Raises ConfigError for a file that cannot be used."""
    if tls.mode == "DISABLED":
        return None
    made = NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = tls.mode == "VERIFY_IDENTITY"
    made.verify_mode = ssl.CERT_REQUIRED if tls.mode.startswith("VERIFY_") else ssl.CERT_NONE
    made.server = host or None
    try:
        made.minimum_version = ssl.TLSVersion[tls.lowest.replace(".", "_")]
    except KeyError:
        raise UsageError(f"TLS version {tls.lowest} is unknown", "use TLSv1.2 or TLSv1.3") from None
    if tls.mode.startswith("VERIFY_"):
        _trust(made, tls)
    if tls.certificate:
        _own_certificate(made, tls)
    return made


def _trust(made: ssl.SSLContext, tls: Tls) -> None:
    if not tls.ca and not tls.ca_folder:
        made.load_default_certs()
        return
    try:
        made.load_verify_locations(cafile=tls.ca or None, capath=tls.ca_folder or None)
    except (OSError, ssl.SSLError) as error:
        reason = "no certificate in it" if isinstance(error, ssl.SSLError) else error.strerror
        raise ConfigError(f"ssl-ca {tls.ca or tls.ca_folder} cannot be used", str(reason)) from None


def _own_certificate(made: ssl.SSLContext, tls: Tls) -> None:
    try:
        made.load_cert_chain(tls.certificate, tls.key or None, password=lambda: "")
    except (OSError, ssl.SSLError) as error:
        reason = (
            "key and certificate differ, or the key has a passphrase"
            if isinstance(error, ssl.SSLError)
            else None
        )
        what = f"the client certificate {tls.certificate} cannot be used"
        raise ConfigError(what, reason or str(error.strerror)) from None
