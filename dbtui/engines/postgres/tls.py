"""TLS contexts that mean what sslmode and its companions mean in libpq."""

from __future__ import annotations

import os
import ssl
import stat
from pathlib import Path

from dbtui.engines.network import NamedContext
from dbtui.engines.postgres.libpq import Address, Tls
from dbtui.errors import ConfigError, UsageError


def context(tls: Tls, address: Address, *, usual_curve: bool = False) -> ssl.SSLContext:
    """A client context for one address. Raises ConfigError for a file that cannot be used.

    With `require`, a root certificate that is there is used as with verify-ca, which is what libpq does.
    `usual_curve` offers prime256v1 alone, which is all that servers before 18 take by default: any other first
    offer costs a round trip more.
    """
    made = NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    made.set_alpn_protocols(["postgresql"])
    if usual_curve:
        made.set_ecdh_curve("prime256v1")
    made.check_hostname = tls.mode == "verify-full"
    verified = tls.mode.startswith("verify-") or (tls.mode == "require" and bool(tls.root))
    made.verify_mode = ssl.CERT_REQUIRED if verified else ssl.CERT_NONE
    made.server = (address.host or address.hostaddr) if tls.server_name or made.check_hostname else None
    made.minimum_version = _version(tls.lowest)
    if tls.highest:
        made.maximum_version = _version(tls.highest)
    if verified:
        _trust(made, tls)
    if tls.send_certificate and tls.certificate:
        _own_certificate(made, tls)
    return made


def _trust(made: ssl.SSLContext, tls: Tls) -> None:
    if tls.root == "system":
        made.load_default_certs()
    elif tls.root:
        _load(made, tls.root, "sslrootcert")
    else:
        raise ConfigError(
            f"sslmode={tls.mode} needs a root certificate", "give sslrootcert=FILE, or sslrootcert=system"
        )
    if tls.revoked:
        _load(made, tls.revoked, "sslcrl")
    if tls.revoked_folder:
        made.load_verify_locations(capath=tls.revoked_folder)
    if tls.revoked or tls.revoked_folder:
        made.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN


def _load(made: ssl.SSLContext, file: str, name: str) -> None:
    try:
        made.load_verify_locations(cafile=file)
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror if not isinstance(error, ssl.SSLError) else "no certificate in it"
        raise ConfigError(f"{name} {file} cannot be used", str(reason)) from None


def _own_certificate(made: ssl.SSLContext, tls: Tls) -> None:
    key = Path(tls.key or tls.certificate)
    try:
        state = key.stat()
        shared = 0o037 if state.st_uid == 0 and os.geteuid() != 0 else 0o077
        if stat.S_ISREG(state.st_mode) and state.st_mode & shared:
            raise ConfigError(f"the private key {key} may be read by others", f"chmod 0600 {key}")
        passphrase = tls.key_password.reveal() if tls.key_password else ""
        made.load_cert_chain(tls.certificate, tls.key or None, password=lambda: passphrase)
    except (OSError, ssl.SSLError) as error:
        reason = (
            error.strerror
            if not isinstance(error, ssl.SSLError)
            else "wrong passphrase, or key and certificate differ"
        )
        raise ConfigError(f"the client certificate {tls.certificate} cannot be used", str(reason)) from None


def _version(name: str) -> ssl.TLSVersion:
    try:
        return ssl.TLSVersion[name.replace(".", "_")]
    except KeyError:
        raise UsageError(f"TLS version {name} is unknown", "use TLSv1.2 or TLSv1.3") from None
