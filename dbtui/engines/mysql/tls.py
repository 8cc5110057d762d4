"""TLS contexts that mean what --ssl-mode and its companions mean in the mysql client."""

from __future__ import annotations

import ssl

from dbtui.engines import certificates
from dbtui.engines.mysql.options import Tls
from dbtui.engines.network import NamedContext
from dbtui.errors import UsageError


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
        certificates.trust(made, tls.ca, tls.ca_folder, option="ssl-ca")
    if tls.certificate:
        certificates.show(made, tls.certificate, tls.key)
    return made
