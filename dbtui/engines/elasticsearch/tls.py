"""The TLS context that a URL asks for: certificates and names are checked unless it says otherwise."""

from __future__ import annotations

import ssl

from dbtui.engines import certificates
from dbtui.engines.elasticsearch.address import Tls


def context(tls: Tls) -> ssl.SSLContext:
    """Raises ConfigError for files that cannot be used."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = tls.verify and tls.check_hostname
    made.verify_mode = ssl.CERT_REQUIRED if tls.verify else ssl.CERT_NONE
    if tls.verify:
        certificates.trust(made, tls.ca_file, tls.ca_folder, option="ca_certs")
    if tls.certificate:
        certificates.show(made, tls.certificate, tls.key)
    return made
