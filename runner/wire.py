"""Events and diffs to the host, over its report service (HTTP/1.1, JSON, loopback in every executor).

Each request of an attempt carries the next number 1, 2, 3, … A lost answer is asked for again with the *same* number:
the host acknowledges a repeat and drops it, so nothing is told twice and nothing is skipped.
"""

from __future__ import annotations

import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit

from runner.errors import WireError

RETRY_WAITS = (0.05, 0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each repetition of a request whose answer was lost."""
_CALL_TIMEOUT = 30.0


class Host:
    """The host's end, seen from in here. One thread, one request at a time."""

    def __init__(self, url: str, token: str, *, waits: tuple[float, ...] = RETRY_WAITS) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise WireError(f"the host's address is not a plain http URL: {url!r}")
        self._address = (parts.hostname, parts.port or 80)
        self._path = parts.path.rstrip("/")
        self._token = token
        self._waits = waits
        self._last = 0

    def event(self, kind: str, data: dict[str, Any]) -> None:
        """Report one event (`narrate` has them all). Raises WireError when the host does not take it."""
        number = self._last + 1
        body = json.dumps({"n": number, "kind": kind, "data": data}).encode()
        self._deliver(f"{self._path}/event", body, "application/json")

    def diff(self, diff: bytes) -> None:
        """Hand over the canonical diff as it stands. Raises WireError when the host does not take it."""
        self._deliver(f"{self._path}/diff?n={self._last + 1}", diff, "text/x-diff")

    def _deliver(self, target: str, body: bytes, content_type: str) -> None:
        lost: Exception | None = None
        for wait in (0.0, *self._waits):
            time.sleep(wait)
            try:
                status, answer = self._request(target, body, content_type)
            except (OSError, http.client.HTTPException) as error:
                lost = error
                continue
            if status == 200:
                self._last += 1
                return
            if status < 500:
                raise WireError(f"the host refused a report: HTTP {status}: {answer[:300]}")
            lost = WireError(f"HTTP {status}: {answer[:300]}")
        raise WireError(f"the host cannot be reached: {lost}")

    def _request(self, target: str, body: bytes, content_type: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(*self._address, timeout=_CALL_TIMEOUT)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": content_type, "Connection": "close"}
        try:
            connection.request("POST", target, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        finally:
            connection.close()
