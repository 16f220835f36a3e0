"""Time and process identity behind seams, so that tests need no patching and no sleeping."""

from __future__ import annotations

import functools
import os
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base32, lower case
EPOCH_MS = 1_735_689_600_000  # 2025-01-01: 42 bits of milliseconds from here last until 2164


class Clock(Protocol):
    """What the product asks of time."""

    def now_ms(self) -> int:
        """Wall clock, milliseconds since 1970, for people to read."""

    def lease_ms(self) -> int:
        """Milliseconds since this machine's boot, suspended time included: leases count these."""

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's own clocks."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def lease_ms(self) -> int:
        boottime = getattr(time, "CLOCK_BOOTTIME", None)  # macOS has none; its monotonic clock stands still in sleep
        ns = time.clock_gettime_ns(boottime) if boottime is not None else time.monotonic_ns()
        return ns // 1_000_000

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def iso(ms: int | None) -> str | None:
    """`2026-11-23T00:18:40.123Z`, or None for None."""
    if ms is None:
        return None
    at = datetime.fromtimestamp(ms / 1000, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


def day_of(ms: int) -> str:
    """The date at this machine's place: `2026-11-23`."""
    return datetime.fromtimestamp(ms / 1000).astimezone().date().isoformat()


def day_bounds_ms(ms: int) -> tuple[int, int]:
    """The midnights, of this machine's place, before and after: milliseconds since 1970."""
    midnight = datetime.fromtimestamp(ms / 1000).replace(hour=0, minute=0, second=0, microsecond=0)
    return int(midnight.timestamp() * 1000), int((midnight + timedelta(days=1)).timestamp() * 1000)


def new_task_id(now_ms: int, noise: int | None = None) -> str:
    """10 characters that sort by time: 42 bits of milliseconds, 8 bits of chance (`noise`)."""
    value = ((now_ms - EPOCH_MS) & ((1 << 42) - 1)) << 8 | (secrets.randbits(8) if noise is None else noise)
    return "".join(ALPHABET[value >> shift & 31] for shift in range(45, -5, -5))


@dataclass(frozen=True, kw_only=True)
class ProcessIdentity:
    """Names one boot of one process: a pid alone is reused."""

    pid: int
    started: float
    boot_id: str

    @classmethod
    def current(cls) -> ProcessIdentity:
        return cls(pid=os.getpid(), started=_start_time(os.getpid()) or 0.0, boot_id=machine_boot_id())

    def is_alive(self) -> bool:
        """False as soon as the pid is gone, was reused, or the machine was booted anew."""
        if self.boot_id != machine_boot_id():
            return False
        started = _start_time(self.pid)
        return started is not None and abs(started - self.started) < 0.02


def _start_time(pid: int) -> float | None:
    """Seconds since boot on Linux (immune to clock changes); since 1970 elsewhere; None if gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return None if fields[0] in (b"Z", b"X") else int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/stat").exists():
            return None
    import psutil  # only where there is no /proc

    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


@functools.cache
def machine_boot_id() -> str:
    """Changes at every boot of the machine (of the container, where the host runs in one)."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        import psutil

        return f"boot-{int(psutil.boot_time())}"
