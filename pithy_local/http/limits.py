"""How long and how much: nobody is waited for without an end, and nobody can fill the memory."""

from __future__ import annotations

from dataclasses import dataclass

MAX_BODY = 1_000_000
"""Bytes of a request's body."""
DRAINED = 64_000_000
"""Bytes of a body that is too large which are still taken, and thrown away: else its sender never reads the answer."""
MAX_HEAD = 16_384
"""Bytes of a request's line and headers."""
MAX_CONNECTIONS = 400


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Seconds."""

    request: float = 30.0
    """A request must be whole by then, counted from its first byte; a connection must have begun one."""
    body: float = 15.0
    """A body must be: that is answered with 408, the above with nothing."""
    idle: int = 15
    """An idle connection is kept."""
    stalled: float = 60.0
    """A client that takes nothing of what is sent to it is cut; a stream is resumed from its last event."""
    heartbeat: float = 15.0
    """Between two comments in a stream that is silent otherwise."""
    finish: int = 5
    """Requests are given at the server's end."""
