"""The files of a TLS client: whom it trusts, and the certificate that it shows."""

from __future__ import annotations

import ssl

from dbtui.errors import ConfigError


def trust(context: ssl.SSLContext, file: str, folder: str, *, option: str) -> None:
    """Trust the authorities in a file or folder, the system's where both are "".

    `option` is what a URL calls them. Raises ConfigError for what cannot be used.
    """
    if not file and not folder:
        context.load_default_certs()
        return
    try:
        context.load_verify_locations(cafile=file or None, capath=folder or None)
    except (OSError, ssl.SSLError) as error:
        reason = "no certificate in it" if isinstance(error, ssl.SSLError) else str(error.strerror)
        raise ConfigError(f"{option} {file or folder} cannot be used", reason) from None


def show(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Show a client certificate to servers that ask for one. Raises ConfigError for what cannot be used."""
    try:
        context.load_cert_chain(certificate, key or None, password=lambda: "")
    except (OSError, ssl.SSLError) as error:
        wrong = isinstance(error, ssl.SSLError)
        reason = "key and certificate differ, or the key has a passphrase" if wrong else str(error.strerror)
        raise ConfigError(f"the client certificate {certificate} cannot be used", reason) from None
