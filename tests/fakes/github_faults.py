"""Faults that a test asks of the fake GitHub, by GitHub's operation id."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from tests.fakes.faults import Chance, Drop, Fail, Faults, Hold, LoseAnswer
from tests.fakes.github_state import DOCS
from tests.fakes.loopback import Gate


class GitHubFaults:
    """What `FakeGitHub` can be made to do wrong; `operation` is an id such as `pulls/create`."""

    def __init__(self) -> None:
        super().__init__()
        self._faults = Faults()

    def fail_next(
        self,
        operation: str,
        status: int,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
    ) -> None:
        """Answer the next `times` requests of `operation` with `status` and do nothing.

        `body`: JSON data, or bytes sent as they are; by default GitHub's error shape.
        """
        if body is None:
            body = {"message": "Server Error" if status >= 500 else "Refused by the test", "documentation_url": DOCS}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._faults.add(operation, Fail(status=status, body=data, headers=headers or {}), times)

    def rate_limit_next(self, operation: str, *, reset_in: int, times: int = 1) -> None:
        """Let the next requests meet the primary rate limit, as GitHub words it (403); `reset_in` in seconds."""
        headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + reset_in)}
        body = {"message": "API rate limit exceeded for user ID 1.", "documentation_url": DOCS}
        self.fail_next(operation, 403, body, headers, times)

    def secondary_rate_limit_next(
        self, operation: str, *, retry_after: int | None = None, status: int = 403, times: int = 1
    ) -> None:
        """Let the next requests meet a secondary rate limit (403 or 429), which names a time or does not."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        body = {
            "message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
            "documentation_url": DOCS,
        }
        self.fail_next(operation, status, body, headers, times)

    def list_late(self, times: int = 1) -> None:
        """Let the next lists of pull requests be older than whatever was opened: they show none."""
        self.fail_next("pulls/list", 200, [], times=times)

    def leave_to_chance(self, chance: Chance) -> None:
        """Ask `chance` about each request that no other fault waits for; operations are GitHub's ids."""
        self._faults.otherwise = chance

    def drop_next(self, operation: str, times: int = 1) -> None:
        """Close the connection of the next requests without doing anything."""
        self._faults.add(operation, Drop(), times)

    def lose_answer(self, operation: str, times: int = 1) -> None:
        """Do what the next requests ask and close the connection instead of answering."""
        self._faults.add(operation, LoseAnswer(), times)

    def hold(self, operation: str) -> Gate:
        """Let the next request wait, before anything is done, until the returned gate is released."""
        gate = Gate()
        self._faults.add(operation, Hold(gate=gate))
        return gate
