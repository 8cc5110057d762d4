"""The TLS context that a URL asks for: certificates and names are checked unless it says otherwise."""

from __future__ import annotations

import ssl

from dbtui.engines.redis.address import Tls
from dbtui.errors import ConfigError

_VERIFY = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}


def context(tls: Tls) -> ssl.SSLContext:
    """Raises ConfigError for files that cannot be used."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = tls.check_hostname and tls.cert_reqs != "none"
    made.verify_mode = _VERIFY[tls.cert_reqs]
    if tls.ca_certs or tls.ca_path:
        _authorities(made, tls)
    else:
        made.load_default_certs()
    if tls.certfile:
        _own(made, tls)
    return made


def _authorities(made: ssl.SSLContext, tls: Tls) -> None:
    try:
        made.load_verify_locations(cafile=tls.ca_certs or None, capath=tls.ca_path or None)
    except (OSError, ssl.SSLError) as error:
        reason = "no certificate in it" if isinstance(error, ssl.SSLError) else str(error.strerror)
        raise ConfigError(f"ssl_ca_certs {tls.ca_certs or tls.ca_path} cannot be used", reason) from None


def _own(made: ssl.SSLContext, tls: Tls) -> None:
    try:
        made.load_cert_chain(tls.certfile, tls.keyfile or None, password=lambda: "")
    except (OSError, ssl.SSLError) as error:
        wrong = isinstance(error, ssl.SSLError)
        reason = "key and certificate differ, or the key has a passphrase" if wrong else str(error.strerror)
        raise ConfigError(f"the client certificate {tls.certfile} cannot be used", reason) from None
