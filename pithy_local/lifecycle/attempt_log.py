"""The log of one attempt on its way into the store: lines assembled, made safe, masked, written in batches."""

from __future__ import annotations

import threading
from collections.abc import Callable

from pithy_local.clock import Clock
from pithy_local.errors import ErrorCode, LeaseLost, PithyError
from pithy_local.models import Stream
from pithy_local.redact import Redactor
from pithy_local.store import Store
from pithy_local.store.logs import Entry, Logs
from pithy_local.text import LineAssembler, for_storage

BATCH_LINES = 500
BATCH_SECONDS = 0.05
"""A commit every 500 lines or 50 ms carries 10,000 lines/s at 4 % of a core (RELIABILITY)."""
BACKLOG_LINES = 10_000
"""Past this the writer of the lines waits: memory stays bounded when the disk is slow."""


class AttemptLog:
    """Takes text from any thread; one thread of its own writes it. `on_lost` is called when the lease is gone."""

    def __init__(
        self,
        store: Store,
        *,
        task: int,
        attempt: int,
        fence: int,
        redactor: Redactor,
        clock: Clock,
        on_lost: Callable[[], None],
    ) -> None:
        self._store, self._task, self._fence = store, task, fence
        self._redactor, self._clock, self._on_lost = redactor, clock, on_lost
        self._assemblers = {Stream.OUT: LineAssembler(), Stream.ERR: LineAssembler()}
        self._pending: list[Entry] = []
        self._changed = threading.Condition()
        self._urgent = False
        self._closed = False
        self.failure: PithyError | None = None
        Logs(store).open(task, attempt, fence)
        self._writer = threading.Thread(target=self._write, name=f"log-{task}", daemon=True)
        self._writer.start()

    def say(self, text: str) -> None:
        """The host's own words, one line or more; written at once."""
        self._add(Stream.SYS, text.splitlines() or [""], urgent=True)

    def output(self, stream: Stream, data: bytes) -> None:
        """Bytes of the sandbox, in any portions. Blocks while the backlog is full."""
        with self._changed:
            lines = list(self._assemblers[stream].feed(data))
            self._changed.wait_for(lambda: len(self._pending) < BACKLOG_LINES or self._closed)
        self._add(stream, lines)

    def close(self, last: str = "") -> None:
        """Write what is left, unfinished lines too, and `last` after it; the log is complete then. Idempotent."""
        with self._changed:
            rests = {stream: list(assembler.flush()) for stream, assembler in self._assemblers.items()}
        for stream, rest in rests.items():
            self._add(stream, rest)
        self._add(Stream.SYS, last.splitlines())
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._writer.join()

    def _add(self, stream: Stream, lines: list[str], *, urgent: bool = False) -> None:
        if not lines:
            return
        now = self._clock.now_ms()
        entries = [Entry(at=now, stream=stream, text=for_storage(self._redactor.mask(line))) for line in lines]
        with self._changed:
            if self._closed:
                return  # nobody writes any more
            self._pending += entries
            self._urgent = self._urgent or urgent or len(self._pending) >= BATCH_LINES
            self._changed.notify_all()

    def _write(self) -> None:
        logs = Logs(self._store)
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: bool(self._pending) or self._closed)
                    self._changed.wait_for(lambda: self._urgent or self._closed, timeout=BATCH_SECONDS)
                    batch, self._pending, self._urgent = self._pending, [], False
                    self._changed.notify_all()
                    if not batch:
                        return
                logs.append(self._task, self._fence, batch)
        except LeaseLost:
            self._on_lost()
        except Exception as error:  # a full disk, a bug: an attempt without a log does not go on
            bug = PithyError(ErrorCode.INTERNAL, f"the log failed: {type(error).__name__}: {error}")
            self.failure = error if isinstance(error, PithyError) else bug
            self._on_lost()
        finally:
            with self._changed:
                self._closed = True
                self._changed.notify_all()
            self._store.close_thread()
