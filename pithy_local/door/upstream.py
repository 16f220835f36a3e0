"""A model's provider: where it is, its key, and the client that talks to it. The key goes nowhere else."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import urlsplit

import httpx2

from pithy_local.errors import ErrorCode, UsageError

OWN_SERVERS = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com"}
ANTHROPIC_VERSIONS = ("2026-10-21", "2023-06-01")
"""The versions of Anthropic's API, the newest first; the older one still takes a temperature."""
CONNECT_SECONDS = 10.0

# Below this they write down addresses and whole header lists, where a provider may have echoed the key.
for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(frozen=True)
class Upstream:
    """A provider, and the models that may be called there. `name`: openai | anthropic.

    `base_url` is what the provider's SDK takes (OpenAI's holds its `/v1`); "" is the provider's own. An empty key
    sends none (Ollama and the like). Raises UsageError (config) for a base URL that is none.
    """

    name: str
    base_url: str
    api_key: str = field(repr=False)
    models: frozenset[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", self.base_url.strip().rstrip("/") or OWN_SERVERS[self.name])
        object.__setattr__(self, "api_key", self.api_key.strip())
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            message = "the model's base URL must be http://… or https://…, without a query"
            raise UsageError(message, code=ErrorCode.CONFIG)

    @property
    def own_server(self) -> bool:
        """Whether it is the provider's own server, not one that speaks its API."""
        return self.base_url == OWN_SERVERS[self.name]


class UpstreamClient:
    """One connection pool to one upstream. No redirect is followed, no cookie kept, the host's proxy and CA settings
    (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE, SSL_CERT_DIR) hold. Only connecting has a time limit of its own."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self._client: httpx2.AsyncClient | None = None

    def request(
        self, method: str, path: str, body: bytes | None = None, *, version: str = ""
    ) -> AbstractAsyncContextManager[httpx2.Response]:
        """Send a request; the response's body is yet to be read. Raises httpx2.HTTPError, ValueError.

        No header of the sandbox's is passed on, but for the choice between the versions of Anthropic's API that are
        known: its SDKs and the bodies they send differ in it.
        """
        if self._client is None:
            self._client = self._connect()
        return self._client.stream(
            method, self.upstream.base_url + path, content=body, headers=self._headers(version)
        )  # fmt: skip

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _connect(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            timeout=httpx2.Timeout(None, connect=CONNECT_SECONDS),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=8),
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            trust_env=True,
        )

    def _headers(self, version: str) -> Mapping[str, str]:
        headers = {
            "accept": "application/json, text/event-stream",
            "accept-encoding": "identity",
            "content-type": "application/json",
            "user-agent": "pithy-local",
        }
        key = self.upstream.api_key
        if self.upstream.name == "anthropic":
            known = version if version in ANTHROPIC_VERSIONS else ANTHROPIC_VERSIONS[0]
            return headers | {"anthropic-version": known} | ({"x-api-key": key} if key else {})
        return headers | ({"authorization": f"Bearer {key}"} if key else {})
