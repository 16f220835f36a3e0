"""The log of one attempt on its way into the store: lines assembled, made safe, masked, bounded, written in batches."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from pithy_local import crash
from pithy_local.clock import Clock
from pithy_local.config import LogSettings
from pithy_local.errors import ErrorCode, LeaseLost, PithyError
from pithy_local.models import Stream
from pithy_local.redact import Redactor
from pithy_local.store import Store
from pithy_local.store.logs import Entry, Logs, Position
from pithy_local.text import LineAssembler, for_storage

BATCH_LINES = 500
BATCH_SECONDS = 0.05
"""A commit every 500 lines or 50 ms carries 10,000 lines/s at 4 % of a core (docs/durability.md)."""
BACKLOG_LINES = 10_000
BACKLOG_CHARS = 8_000_000
"""Past either the writer of the lines waits: memory stays bounded when the disk is slow."""
MAX_LINES = 2_000_000
FULL = (
    "The log is full: {lines:,} lines, {size:,} bytes as the engine stores them. What the sandbox writes from here on "
    "is not kept; `logs.max_bytes_per_task` sets the limit."
)


class AttemptLog:
    """Takes text from any thread; one thread of its own writes it. `on_lost` is called when the lease is gone.

    Opened for an attempt that has a log already, it goes on exactly where that stands: what was taken of the sandbox's
    own log and of its unfinished lines is stored in the transaction that stores the lines.
    """

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
        max_bytes: int = LogSettings().max_bytes_per_task,
    ) -> None:
        self._store, self._task, self._fence = store, task, fence
        self._redactor, self._clock, self._on_lost = redactor, clock, on_lost
        bounds, at = Logs(store).open(task, attempt, fence)
        self.last_seq = bounds.last
        """The number of the last line that was there when this log was opened."""
        self._assemblers = {Stream.OUT: LineAssembler(rest=at.part_out), Stream.ERR: LineAssembler(rest=at.part_err)}
        self._source, self._frames = at.source, at.frames
        self._lines, self._bytes, self._truncated = bounds.last - bounds.first + 1, at.bytes, at.truncated
        self._max_bytes = max_bytes
        self._pending: list[Entry] = []
        self._pending_chars = 0
        self._changed = threading.Condition()
        self._urgent = False
        self._closed = False
        self.failure: PithyError | None = None
        self._made_up = False
        self._writer = threading.Thread(target=self._write, name=f"log-{task}", daemon=True)
        self._writer.start()

    def frames_of(self, source: str) -> int:
        """How many frames of this sandbox's own log were taken; from now on its frames are counted."""
        with self._changed:
            if source != self._source:
                self._flush()
                self._source, self._frames = source, 0
            return self._frames

    def say(self, text: str) -> None:
        """The host's own words, one line or more; written at once, and kept when the log is full."""
        with self._changed:
            self._add(Stream.SYS, text.splitlines() or [""], urgent=True)

    def output(self, stream: Stream, data: bytes, frame: int | None = None) -> bool:
        """Bytes of the sandbox, in any portions. Blocks while the backlog is full; False when no more is wanted.

        `frame`: the number, from 1, of this frame in the log of the sandbox that `frames_of` named.
        """
        with self._changed:
            self._changed.wait_for(self._has_room)
            if self._closed or self._truncated:
                return False
            size = stored_size(data)
            if self._bytes + size > self._max_bytes or self._lines >= MAX_LINES:
                self._truncate()
                return False
            self._bytes += size
            self._frames = self._frames if frame is None else frame
            self._add(stream, self._assemblers[stream].feed(data))
            return True

    def close(self, last: str = "") -> None:
        """Write what is left, unfinished lines too, and `last` after it; the log is complete then. Idempotent."""
        with self._changed:
            self._flush()
        self.leave(last)

    def leave(self, last: str = "") -> None:
        """Write what is left, and `last`, for another process that goes on: unfinished lines stay so. Idempotent."""
        with self._changed:
            self._add(Stream.SYS, last.splitlines())
            self._closed = True
            self._changed.notify_all()
        self._writer.join()

    def make_up(self, last: str) -> None:
        """Write what the log was closed with after all, once, where it could not be written then and can be now."""
        if self.failure is None or self._made_up:
            return
        with suppress(PithyError, LeaseLost):
            Logs(self._store).append(self._task, self._fence, self._entries(Stream.SYS, last.splitlines()))
            self._made_up = True

    def _flush(self) -> None:
        for stream, assembler in self._assemblers.items():
            self._add(stream, assembler.flush())

    def _truncate(self) -> None:
        self._flush()
        self._truncated = True
        self._add(Stream.SYS, [FULL.format(lines=self._lines, size=self._bytes)], urgent=True)

    def _add(self, stream: Stream, lines: list[str], *, urgent: bool = False) -> None:
        """With the lock held: what was taken of the sandbox's log and the lines that come of it belong together."""
        if not lines or self._closed:
            return  # nothing, or nobody writes any more
        entries = self._entries(stream, lines)
        sleeping = not self._pending
        self._pending += entries
        self._pending_chars += sum(len(entry.text) for entry in entries)
        self._lines += len(entries)
        if not self._urgent and (urgent or len(self._pending) >= BATCH_LINES):
            self._urgent = sleeping = True
        if sleeping:
            self._changed.notify_all()

    def _entries(self, stream: Stream, lines: list[str]) -> list[Entry]:
        now = self._clock.now_ms()
        return [Entry(at=now, stream=stream, text=for_storage(self._redactor.mask(line))) for line in lines]

    def _has_room(self) -> bool:
        return self._closed or (len(self._pending) < BACKLOG_LINES and self._pending_chars < BACKLOG_CHARS)

    def _write(self) -> None:
        logs = Logs(self._store)
        next_at = 0.0
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: bool(self._pending) or self._closed)
                    pause = max(0.0, next_at - time.monotonic())  # none after a silence: one line is seen at once
                    self._changed.wait_for(lambda: self._urgent or self._closed, timeout=pause)
                    batch, position = self._pending, self._position()
                    self._pending, self._pending_chars, self._urgent = [], 0, False
                    self._changed.notify_all()
                    if not batch:
                        return
                logs.append(self._task, self._fence, batch, position)
                crash.point("log.appended")
                next_at = time.monotonic() + BATCH_SECONDS
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

    def _position(self) -> Position:
        out, err = (
            self._redactor.mask_bytes(self._assemblers[stream].rest) for stream in (Stream.OUT, Stream.ERR)
        )  # fmt: skip
        return Position(
            source=self._source, frames=self._frames, part_out=out, part_err=err, bytes=self._bytes,
            truncated=self._truncated,
        )  # fmt: skip


def stored_size(data: bytes) -> int:
    """Bytes that the engine's json-file log takes for `data`: a short line takes 70, a NUL six, each `<` as well."""
    escaped = data.translate(None, _PLAIN)
    twice = escaped.translate(None, _SIXFOLD)
    broken = data.count("\ufffd".encode())  # what was no UTF-8 is stored as an escape and read back as this
    entries = data.count(b"\n") + (not data.endswith(b"\n"))
    return len(data) + len(twice) + 5 * (len(escaped) - len(twice)) + 3 * broken + ENTRY_BYTES * entries


ENTRY_BYTES = len('{"log":"","stream":"stdout","time":"2026-11-23T07:19:27.123456789Z"}\n')
_TWOFOLD = b'\n\r"\\'
_SIXFOLD = bytes(sorted({*range(0x20), *b"<>&"} - {*_TWOFOLD}))
_PLAIN = bytes(sorted({*range(0x100)} - {*_TWOFOLD, *_SIXFOLD}))
