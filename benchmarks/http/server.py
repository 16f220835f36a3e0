"""A server on a free loopback port, as `serve` makes it, over a store that is open already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import msgspec

from pithy_local.config import Secrets, Settings
from pithy_local.http.server import HttpServer, listen
from pithy_local.service import App
from pithy_local.store import Store

TOKEN = "token-of-the-benchmark"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ANY_RATE = "999999/second"


@contextmanager
def serving(store: Store, *, rate_limit: str = ANY_RATE) -> Iterator[str]:
    """Its URL."""
    serve = {"webhook_secret": SECRET, "rate_limit": rate_limit}
    app = App(
        settings=msgspec.convert({"executor": "local", "serve": serve}, Settings), secrets=Secrets(), home=store.home,
        store=store, clock=store.clock, env={},
    )  # fmt: skip
    with listen("127.0.0.1", 0) as sock:
        http = HttpServer(app, sock, token=TOKEN, host="127.0.0.1", worker=None, say=lambda _: None)
        http.start()
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            http.stop()


def client(url: str) -> httpx2.Client:
    """With the token; through no proxy."""
    return httpx2.Client(base_url=url, headers={"authorization": f"Bearer {TOKEN}"}, timeout=60, trust_env=False)
