"""Reads the board in threads and tells the screen what it found: only the handlers of these messages touch widgets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from textual import work
from textual.message import Message
from textual.widget import Widget
from textual.worker import Worker, get_current_worker

from pithy_local.errors import NoSuchTask, NotThereYet, PithyError
from pithy_local.service import Needle
from pithy_local.tui.board import Board
from pithy_local.tui.models.diffrows import DiffRows, laid_out
from pithy_local.tui.records import Details, Entry, Hunt, LogPart, Matches, Scan, Snapshot

TICK_SECONDS = 0.15
TASKS_SECONDS = 0.25
"""How often the whole table is read at most while logs pour in; the log itself is read at each tick."""
TASKS_SHARE = 4
"""A read of the table that took a second is followed by four without one."""
TASKS_AT_ONCE = 500
Question = tuple[str, tuple[Needle, ...]]
"""A task, and what lines of its log are looked for by."""


class Feed(Widget):
    """At most one reader of a kind at a time; the token is taken before the data, so that no change is missed."""

    class TasksRead(Message):
        def __init__(self, snapshot: Snapshot) -> None:
            super().__init__()
            self.snapshot = snapshot

    class LogRead(Message):
        def __init__(self, part: LogPart) -> None:
            super().__init__()
            self.part = part

    class Matched(Message):
        """More of the lines that a scan asked for."""

        def __init__(self, matches: Matches) -> None:
            super().__init__()
            self.matches = matches

    class Found(Message):
        """The line (`seq`) that was looked for, None: there is none."""

        def __init__(self, hunt: Hunt, seq: int | None) -> None:
            super().__init__()
            self.hunt, self.seq = hunt, seq

    class DetailsRead(Message):
        def __init__(self, details: Details) -> None:
            super().__init__()
            self.details = details

    class DiffRead(Message):
        """The diff that an attempt of a task made, and which others made one; without one `problem` says why."""

        def __init__(
            self, task: str, diff: DiffRows | None, problem: str = "", attempt: int = 0, attempts: Sequence[int] = (),
            *, again: bool = False,
        ) -> None:  # fmt: skip
            """`again`: it may be there when it is read the next time."""
            super().__init__()
            self.task_id, self.diff, self.problem, self.again = task, diff, problem, again
            self.attempt, self.attempts = attempt, attempts

    class Troubled(Message):
        """The database did not answer; what is shown stays, and the next tick tries again."""

        def __init__(self, error: PithyError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, board: Board) -> None:
        super().__init__(id="feed")
        self._board = board
        self._token: tuple[int, int] | None = None
        self._reading: set[str] = set()
        self._tasks_at = 0.0
        self._limit = TASKS_AT_ONCE
        self._loaded = 0
        self._scans: dict[Question, Worker[None]] = {}
        """The scans that are under way, or ended since they were last asked for."""
        self.tasks_stale = self.log_stale = self.details_stale = True

    def first(self) -> Snapshot:
        """The tasks as they are now, read at once: for the first frame, before which nobody can press a key.

        Raises PithyError (store).
        """
        self._token = self._board.token()
        self.tasks_stale = False
        return self._snapshot(self._limit)

    def look(self) -> None:
        """Whether anything has changed: called at each tick."""
        try:
            token = self._board.token()
        except PithyError as error:
            self.post_message(self.Troubled(error))
            return
        if token != self._token:
            queue_changed = self._token is None or token[0] != self._token[0]
            self._token = token
            self.log_stale = True
            self.tasks_stale |= queue_changed
            self.details_stale |= queue_changed
        if self.tasks_stale and time.monotonic() >= self._tasks_at and self._begin("tasks"):
            self.tasks_stale = False
            self._read_tasks(self._limit)

    def older(self) -> None:
        """Load as many tasks more; asked again before they are there, it asks for no more."""
        self._limit = max(self._limit, 2 * self._loaded)
        self.tasks_stale = True

    def newest(self) -> None:
        """The newest will do from now on: a long list costs its length at each change."""
        self._limit = TASKS_AT_ONCE

    def read_log(self, task: str, newest: int) -> None:
        """The end of a log, if it may be another one by now."""
        if self.log_stale and self._begin("log"):
            self.log_stale = False
            self._read_log(task, newest)

    def scan_log(self, scans: Sequence[Scan]) -> None:
        """Look for these lines; a scan for others that is still under way is given up."""
        asked = {(scan.task, scan.needles): scan for scan in scans}
        for question in self._scans.keys() - asked.keys():
            self._scans.pop(question).cancel()
        for question, scan in asked.items():
            if question not in self._scans or self._scans[question].is_finished:
                self._scans[question] = self._scan(scan)

    def read_pages(self, task: str, pages: Sequence[int]) -> None:
        """Pages that are in view and not in memory."""
        self._read_pages(task, pages)

    def find(self, hunt: Hunt) -> None:
        """Where the next match is; an earlier search that is still under way is given up."""
        self._find(hunt)

    def read_details(self, entry: Entry) -> None:
        """Everything about a task. While another one's are being read they stay stale, and the next tick asks again."""
        begun = self._begin("details")
        self.details_stale = not begun
        if begun:
            self._read_details(entry)

    def read_diff(self, task: str, attempt: int | None = None) -> None:
        """What this attempt of a task made, else the last that made something."""
        self._read_diff(task, attempt)

    def _begin(self, what: str) -> bool:
        """Whether nobody reads it yet."""
        if what in self._reading:
            return False
        self._reading.add(what)
        return True

    def _snapshot(self, limit: int) -> Snapshot:
        snapshot = self._board.snapshot(limit)
        self._loaded = len(snapshot.entries)
        return snapshot

    def _reads(self, what: str, read: Callable[[], Iterable[Message]], failed: Message | None = None) -> None:
        """In a thread: tell what was read, or why it was not, and `failed`; nothing that nobody waits for any more."""
        worker = get_current_worker()
        try:
            with self._board.in_words():
                for message in read():
                    if worker.is_cancelled:
                        return
                    self.post_message(message)
        except NoSuchTask:
            pass  # it was deleted meanwhile: the next snapshot is without it
        except PithyError as error:
            self.tasks_stale = self.log_stale = self.details_stale = True
            self.post_message(self.Troubled(error))
            if failed is not None:
                self.post_message(failed)
        finally:
            self._reading.discard(what)

    @work(thread=True, group="tasks")
    def _read_tasks(self, limit: int) -> None:
        began = time.monotonic()
        self._reads("tasks", lambda: [self.TasksRead(self._snapshot(limit))])
        now = time.monotonic()
        self._tasks_at = now + max(TASKS_SECONDS, TASKS_SHARE * (now - began))

    @work(thread=True, group="log")
    def _read_log(self, task: str, newest: int) -> None:
        self._reads("log", lambda: [self.LogRead(self._board.log(task, newest=newest))])

    @work(thread=True, group="pages")
    def _read_pages(self, task: str, pages: Sequence[int]) -> None:
        failed = self.LogRead(LogPart(task=task, unread=pages))
        self._reads("pages", lambda: [self.LogRead(self._board.log(task, pages))], failed)

    @work(thread=True, group="scan")
    def _scan(self, scan: Scan) -> None:
        self._reads("scan", lambda: map(self.Matched, self._board.matches(scan)))

    @work(thread=True, group="find", exclusive=True)
    def _find(self, hunt: Hunt) -> None:
        worker = get_current_worker()
        self._reads(
            "find", lambda: [self.Found(hunt, self._board.find_line(hunt, wanted=lambda: not worker.is_cancelled))]
        )

    @work(thread=True, group="details")
    def _read_details(self, entry: Entry) -> None:
        self._reads("details", lambda: [self.DetailsRead(self._board.details(entry))])

    @work(thread=True, group="diff", exclusive=True)
    def _read_diff(self, task: str, attempt: int | None) -> None:
        def read() -> list[Message]:
            try:
                with self._board.in_words():
                    attempts = self._board.diffs(task)
                    diff = laid_out(self._board.diff(task, attempt))
            except PithyError as error:
                again = not isinstance(error, NotThereYet)
                return [self.DiffRead(task, None, f"{error.message}\n{error.advice}", again=again)]
            return [self.DiffRead(task, diff, attempt=attempt or max(attempts, default=0), attempts=attempts)]

        self._reads("diff", read)
