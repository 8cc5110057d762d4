"""The TLS context that a URL asks for: certificates and names are checked unless it says otherwise."""

from __future__ import annotations

import ssl

from dbtui.engines import certificates
from dbtui.engines.redis.address import Tls

_VERIFY = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}


def context(tls: Tls) -> ssl.SSLContext:
    """Raises ConfigError for files that cannot be used."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = tls.check_hostname and tls.cert_reqs != "none"
    made.verify_mode = _VERIFY[tls.cert_reqs]
    certificates.trust(made, tls.ca_certs, tls.ca_path, option="ssl_ca_certs")
    if tls.certfile:
        certificates.show(made, tls.certfile, tls.keyfile)
    return made
