"""The ledger as the gateway sees it: every call is reserved before it goes out and settled after it has ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, kw_only=True)
class Ask:
    """The most a call may take: its body's bytes / 3.5, and the output limit it is sent with, in tokens."""

    provider: str
    model: str
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, kw_only=True)
class Call:
    """One settled model call.

    `status`: the upstream's, or 502 (unreachable, broken off), 504 (too slow), 499 (the client left).
    `input_tokens` is all that was read: `cache_read` and `cache_write` are the parts of it that were read from and
    written to the provider's prompt cache, which have prices of their own. `estimated`: the upstream told no usage, or
    the answer was cut short, so that bytes / 3.5 were taken. `at_ms`: when it began, milliseconds since 1970.
    """

    provider: str
    model: str
    status: int
    input_tokens: int
    output_tokens: int
    cache_read: int = 0
    cache_write: int = 0
    estimated: bool
    seconds: float
    at_ms: int


class Ledger(Protocol):
    """Where tokens and money are kept. Called in worker threads, several at once.

    A call is granted while what is settled and what is reserved leave anything of a limit: so the settled sum passes
    a limit by one call's reservation at most.
    """

    def reserve(self, ask: Ask) -> int | Literal["wait", "token_limit", "budget"]:
        """A ticket for one call, or why there is none. "wait": open reservations of others may yet leave room."""

    def settle(self, ticket: int, call: Call) -> None:
        """How the call ended; exactly once for each ticket, also where no connection was made."""
