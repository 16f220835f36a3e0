"""What keeps the logs small: old ones are removed, space is given back, what a dead `rm` left behind is swept. And the
ids of completion reports, which nobody needs for ever."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from pithy_local.clock import day_of
from pithy_local.config import LogSettings, seconds
from pithy_local.store import Store
from pithy_local.store.log_removal import LogRemoval
from pithy_local.store.webhooks import Webhooks

ROUND_MS = 3_600_000
SLICE_SECONDS = 0.03
"""How long one tick may work: the leader has other things to do."""
LARGE_WAL = 1 << 29


class Retention:
    """Keep one for the life of a leader and call `tick` often, always from the same thread.

    `say` gets a line for what was removed, and a warning when the write-ahead log grows past `large_wal` bytes.
    """

    def __init__(
        self, store: Store, settings: LogSettings, say: Callable[[str], None], *, large_wal: int = LARGE_WAL
    ) -> None:
        self._store, self._settings, self._say, self._large_wal = store, settings, say, large_wal
        self._removal = LogRemoval(store)
        self._round: Iterator[None] | None = None
        self._due_at = 0
        self._warned = False

    def tick(self) -> None:
        """A slice of an hourly round; nothing at all between two rounds. Raises PithyError (store, disk_full)."""
        if self._round is None:
            if self._store.clock.lease_ms() < self._due_at:
                return
            self._due_at = self._store.clock.lease_ms() + ROUND_MS
            self._round = self._steps()
        end = time.monotonic() + SLICE_SECONDS
        try:
            for _ in self._round:
                if time.monotonic() > end:
                    return
        except BaseException:
            self._round = None
            raise
        self._round = None

    def watch_wal(self) -> None:
        """Say so, once, when a reader keeps the write-ahead log from being emptied: it grows until that reader ends.

        Call it after a checkpoint; costs one look at a file.
        """
        wal = self._store.home.logs_db.with_name(f"{self._store.home.logs_db.name}-wal")
        size = wal.stat().st_size if wal.exists() else 0
        if size > self._large_wal and not self._warned:
            self._say(
                f"{wal.name} has grown to {size >> 20} MiB: a program that reads the file keeps it from being emptied"
            )
        self._warned = size > self._large_wal

    def _steps(self) -> Iterator[None]:
        Webhooks(self._store).forget_old()
        for task in self._removal.strangers():
            yield from self._removal.drop(task)
        age = self._settings.retention
        now = self._store.clock.now_ms()
        words = f"This log was removed on {day_of(now)}: the task had ended more than {age} before (logs.retention)."
        expired = self._removal.expired(now - int(seconds(age) * 1000))
        for log in expired:
            yield from self._removal.expire(log, words)
        if expired:
            self._say(f"removed the logs of tasks that ended more than {age} ago: {len(expired)}")
        yield from self._removal.give_back()
