"""What GitHub says in the headers of an answer; names in lower case. They are text from outside: no form is trusted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from pithy_local.text import clip, safe_line

MAX_SCOPES = 50
MAX_SCOPE = 100
SECONDARY_WAIT = 60
"""Seconds after a secondary rate limit that names no time of its own: GitHub asks for a minute at least."""

Headers = Mapping[str, str]


def scopes(headers: Headers) -> tuple[str, ...] | None:
    """What a classic token may do; None for any other kind, of which GitHub does not say."""
    listed = headers.get("x-oauth-scopes")
    if listed is None:
        return None
    names = (clip(safe_line(name), MAX_SCOPE) for name in listed.split(","))
    return tuple(name for name in names if name)[:MAX_SCOPES]


def expiry_ms(headers: Headers) -> int | None:
    """When the token ends, `2026-12-31 23:59:59 UTC` or `… +0200`, in milliseconds since 1970."""
    told = headers.get("github-authentication-token-expiration", "").strip()
    try:
        return _ms(datetime.strptime(told.replace(" UTC", " +0000"), "%Y-%m-%d %H:%M:%S %z"))
    except ValueError:
        return None


def date_ms(headers: Headers) -> int | None:
    """GitHub's clock, from the Date header, in milliseconds since 1970."""
    try:
        told = parsedate_to_datetime(headers.get("date", ""))
        return _ms(told if told.tzinfo else told.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def retry_after(headers: Headers) -> int:
    """Seconds until a request that met a rate limit may be made again."""
    told = headers.get("retry-after", "")
    if told.isdecimal():
        return int(told[:9])
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        now = (date_ms(headers) or time.time_ns() // 1_000_000) // 1000
        return max(0, int(reset[:12]) - now) + 1  # nobody knows when in that second it is
    return SECONDARY_WAIT


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
