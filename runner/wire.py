"""Events and diffs to the host, over its report service (HTTP/1.1, JSON, loopback in every executor).

Each request of an attempt carries the next number 1, 2, 3, … A lost answer is asked for again with the *same* number:
the host acknowledges a repeat and drops it, so nothing is told twice and nothing is skipped. A host that is gone is
waited for: another process of it opens the door again and goes on where this one was.
"""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from runner.errors import WireError

RETRY_WAITS = (0.05, 0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each repetition of a request whose answer was lost."""
PATIENCE = 24 * 3600.0
"""Seconds that a shut door is waited for: the host ends the sandbox when its time is over, not we."""
_CALL_TIMEOUT = 30.0
_POLL = 0.05


class Host:
    """The host's end, seen from in here. One thread, one request at a time. `say` tells people of a wait."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        say: Callable[[str], None] = lambda words: None,
        waits: tuple[float, ...] = RETRY_WAITS,
        patience: float = PATIENCE,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise WireError(f"the host's address is not a plain http URL: {url!r}")
        self._address = (parts.hostname, parts.port or 80)
        self._path = parts.path.rstrip("/")
        self._token = token
        self._say, self._waits, self._patience = say, waits, patience
        self._last = 0

    def event(self, kind: str, data: dict[str, Any]) -> None:
        """Report one event (`narrate` has them all). Raises WireError when the host does not take it."""
        number = self._last + 1
        body = json.dumps({"n": number, "kind": kind, "data": data}).encode()
        self._deliver(f"{self._path}/event", body, "application/json")

    def diff(self, diff: bytes) -> None:
        """Hand over the canonical diff as it stands. Raises WireError when the host does not take it."""
        self._deliver(f"{self._path}/diff?n={self._last + 1}", diff, "text/x-diff")

    def was_away(self) -> bool:
        """Wait while nobody listens at the host's address; whether there was anything to wait for.

        Raises WireError when nobody came for `patience` seconds.
        """
        end = time.monotonic() + self._patience
        away = False
        while not self._listens():
            if not away:
                self._say("the host is away: waiting for it")
            away = True
            if time.monotonic() >= end:
                raise WireError(f"the host did not come back within {self._patience:g} s")
            time.sleep(_POLL)
        if away:
            self._say("the host is back")
        return away

    def _listens(self) -> bool:
        try:
            socket.create_connection(self._address, _CALL_TIMEOUT).close()
        except OSError:
            return False
        return True

    def _deliver(self, target: str, body: bytes, content_type: str) -> None:
        waits = iter(self._waits)
        while True:
            try:
                status, answer = self._request(target, body, content_type)
            except (OSError, http.client.HTTPException) as error:
                lost: Exception = error
                if self.was_away():
                    waits = iter(self._waits)
                    continue
            else:
                if status == 200:
                    self._last += 1
                    return
                if status < 500:
                    raise WireError(f"the host refused a report: HTTP {status}: {answer[:300]}")
                lost = WireError(f"HTTP {status}: {answer[:300]}")
            pause = next(waits, None)
            if pause is None:
                raise WireError(f"the host cannot be reached: {lost}")
            time.sleep(pause)

    def _request(self, target: str, body: bytes, content_type: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(*self._address, timeout=_CALL_TIMEOUT)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": content_type, "Connection": "close"}
        try:
            connection.request("POST", target, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        finally:
            connection.close()
