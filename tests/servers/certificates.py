"""A certificate for `localhost`, signed by an authority of its own, made by openssl."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.servers.places import as_unprivileged, missing

ROOT, CERTIFICATE, KEY = "root.crt", "server.crt", "server.key"
_NEW_KEY = "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
_STEPS = (
    f"{_NEW_KEY} -x509 -days 2 -subj /CN=dbtui-test-root -keyout root.key -out {ROOT}",
    f"{_NEW_KEY} -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout {KEY} -out server.csr",
    f"x509 -req -in server.csr -CA {ROOT} -CAkey root.key -CAcreateserial -days 2"
    f" -copy_extensions copy -out {CERTIFICATE}",
)


def make(folder: Path, engine: str) -> None:
    """Put ROOT, CERTIFICATE and KEY into a folder of the servers' user, once. Skips where there is no openssl."""
    if shutil.which("openssl") is None:
        missing(engine, "no openssl: install it for the TLS tests")
    if (folder / CERTIFICATE).exists():
        return
    for step in _STEPS:
        argv = ["openssl", *step.split()]
        subprocess.run(argv, cwd=folder, check=True, capture_output=True, **as_unprivileged())
