"""HTTP as this engine uses it: one connection, whole answers of a bounded size, nothing of the environment.

httpx dials the address that was looked up; the host's own name stands in the Host header and in TLS. Proxies,
.netrc and redirects are not followed: a login goes to the server of the URL and nowhere else.
"""

from __future__ import annotations

import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from dbtui.engines.elasticsearch.address import Parameters
from dbtui.engines.elasticsearch.words import Request
from dbtui.errors import QueryError
from dbtui.secrets import Secret

TAG = "dbtui"  # X-Opaque-Id, by which our own tasks are known
LARGEST = 32 * 2**20  # bytes of an answer, unpacked
TOO_LARGE = "too_large"  # our own code
FAILURES = (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError)
"""What a request raises when something outside goes wrong; TimeoutError and ssl.SSLError are OSErrors."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> bool:
        """Whether it says to be JSON."""
        return "json" in self.headers.get("content-type", "")


class Wire:
    """One HTTP connection to one address; opened by the first request, and anew where it was idle for too long."""

    def __init__(
        self,
        parameters: Parameters,
        way: tuple[str, int],
        context: ssl.SSLContext | None,
        authorization: Secret | None,
    ) -> None:
        ip, port = way
        scheme = "https" if context is not None else "http"
        host = f"[{ip}]" if ":" in ip else ip
        headers = {
            "Host": parameters.where,
            "User-Agent": TAG,
            "Accept-Encoding": "gzip",  # OpenSearch 2.19 tells a wrong length of what it packs with zstd
            "X-Opaque-Id": TAG,
            "Accept": "application/json",
        }
        if authorization is not None:
            headers["Authorization"] = authorization.reveal()
        self._prefix = parameters.prefix
        self._root = f"{scheme}://{host}:{port}"
        self._extensions = {"sni_hostname": parameters.host} if context is not None else {}
        self._client = httpx.AsyncClient(
            headers=headers,
            verify=context if context is not None else False,
            trust_env=False,
            follow_redirects=False,
            timeout=None,  # noqa: S113 - the caller has one over everything
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=50.0),
        )

    async def send(self, request: Request, *, largest: int = LARGEST) -> Answer:
        """Send a request and read its answer. Raises FAILURES, and QueryError for an answer above `largest` bytes."""
        lined = "application/x-ndjson" if request.lined else "application/json"
        made = self._client.build_request(
            request.method,
            self._root,
            content=request.body.encode("utf-8", "surrogatepass") if request.body else None,
            headers={"Content-Type": lined} if request.body else None,
            extensions={**self._extensions, "target": f"{self._prefix}{request.target}".encode("ascii")},
        )
        answer = await self._client.send(made, stream=True)
        try:
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > largest:
                    raise QueryError(
                        f"the answer is larger than {largest >> 20} MB, and was dropped",
                        "ask for less: size, _source or filter_path narrow it down",
                        code=TOO_LARGE,
                    )
        finally:
            await answer.aclose()
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status_code, headers, bytes(body))

    async def close(self) -> None:
        """Drop the connection at once."""
        await self._client.aclose()


def authorization(parameters: Parameters, secret: Secret | None) -> Secret | None:
    """The Authorization header of a login, None for none."""
    if parameters.login == "basic":
        if not parameters.user:
            return None
        pair = f"{parameters.user}:{secret.reveal() if secret else ''}"
        return Secret("Basic " + base64.b64encode(pair.encode()).decode())
    if secret is None:
        return None
    value = secret.reveal()
    if parameters.login == "bearer":
        return Secret(f"Bearer {value}")
    if ":" in value:  # ID:KEY, as it is shown once, rather than what both are encoded to
        value = base64.b64encode(value.encode()).decode()
    return Secret(f"ApiKey {value}")
