"""When a task may start: what users write for `--at`, at this machine's place in time."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from pithy_local.config import parse_duration
from pithy_local.errors import UsageError

FORMS = (
    "Give HH:MM, `tomorrow HH:MM`, +2h, or a date and time such as 2026-12-24T09:00 (with Z or an offset, if need be)."
)
MOST_DAYS = 3_650
CLOCK = re.compile(r"(?P<tomorrow>tomorrow\s+)?(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)")


def start_time(text: str, now_ms: int) -> int:
    """Milliseconds since 1970; 0 for a time that has passed, which means at once.

    `HH:MM` is the next moment at which clocks show that. Raises UsageError for anything else than `FORMS`, and for
    what is more than ten years away.
    """
    text = text.strip()
    try:
        at = _read(text, datetime.fromtimestamp(now_ms / 1000))
        at_ms = int(at.timestamp() * 1000) if at else None
    except (ValueError, OverflowError, OSError):  # no date of any calendar, or one beyond the machine's
        at_ms = None
    if at_ms is None:
        raise UsageError(f"not a time to start at: {text[:40]!r}", hint=FORMS)
    if at_ms > now_ms + MOST_DAYS * 86_400_000:
        raise UsageError(f"{text[:40]!r} is more than ten years away", hint=FORMS)
    return at_ms if at_ms > now_ms else 0


def _read(text: str, now: datetime) -> datetime | None:
    if text.startswith("+"):
        seconds = parse_duration(text[1:])
        return None if seconds is None else datetime.fromtimestamp(now.timestamp() + seconds)
    if shown := CLOCK.fullmatch(text):
        at = now.replace(hour=int(shown["hour"]), minute=int(shown["minute"]), second=0, microsecond=0)
        return at + timedelta(days=1) if shown["tomorrow"] or at <= now else at
    return datetime.fromisoformat(text)
