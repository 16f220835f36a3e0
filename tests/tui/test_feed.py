"""The reader behind the screens: what it remembers, what it gives up, and that a failed read is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.models import Status
from pithy_local.service import Needle
from pithy_local.tui.board import Board
from pithy_local.tui.feed import Feed
from pithy_local.tui.records import Details, Entry, LogPart, Matches, Scan, Snapshot
from tests.tui.alone import Watcher, alone
from tests.tui.driving import PATIENCE
from tests.tui.seeding import Seed


class Held(Board):
    """Reads that wait until the test lets them go on, and reads that fail."""

    def __init__(self, seed: Seed) -> None:
        super().__init__(seed.app, worker=False)
        self.free = threading.Event()
        self.begun: list[str] = []
        self.error: Exception | None = None

    def _wait(self, what: str) -> None:
        self.begun.append(what)
        assert self.free.wait(PATIENCE)

    def details(self, entry: Entry) -> Details:
        found = super().details(entry)
        self._wait(entry.task.title)
        return found

    def matches(self, scan: Scan) -> Iterator[Matches]:
        for found in super().matches(scan):
            yield found
            if scan.needles[0].text == "first":
                self._wait("first")
                yield found

    def diff(self, task_id: str, attempt: int | None = None) -> bytes:
        if self.error is not None:
            raise self.error
        if not self.begun:
            self._wait("the older one")
            return b"old"
        return b"new"

    def log(self, task_id: str, pages: object = (), *, newest: int = 0) -> LogPart:
        raise PithyError(ErrorCode.STORE, "the database is locked")


async def idle(user: Watcher) -> None:
    """Until no thread reads any more."""
    await user.app.workers.wait_for_complete()
    await user.pilot.pause()


async def test_what_is_wanted_while_the_reader_is_busy_is_read_afterwards(seed: Seed) -> None:
    first, second = (Entry(task=seed.queued(title)) for title in ("First", "Second"))
    board = Held(seed)
    feed = Feed(board)
    async with alone(feed) as user:
        feed.read_details(first)
        feed.read_details(second)
        stale = [feed.details_stale]  # so the next tick asks again
        board.free.set()
        await idle(user)
        feed.read_details(second)
        await idle(user)
        assert [*stale, feed.details_stale] == [True, False]
        assert [each.details.entry for each in user.heard(Feed.DetailsRead)] == [first, second]


async def test_a_filter_that_was_given_up_keeps_no_other_waiting(seed: Seed) -> None:
    lease = seed.running()
    seed.log(lease, "first", "second")
    board = Held(seed)
    feed = Feed(board)
    first, second = (Scan(task=lease.task.id, needles=(Needle(text=text),)) for text in ("first", "second"))
    async with alone(feed) as user:
        feed.scan_log([first])
        await user.until(lambda: board.begun, "the first scan")
        feed.scan_log([replace(first, after=2)])  # the same one: it goes on
        feed.scan_log([second])
        await user.until(lambda: len(user.heard(Feed.Matched)) == 2, "the second scan")
        board.free.set()
        await idle(user)
        assert [each.matches.needles for each in user.heard(Feed.Matched)] == [first.needles, second.needles]
        feed.scan_log([second])  # once more: nothing is under way
        await user.until(lambda: len(user.heard(Feed.Matched)) == 3, "the third scan")


async def test_an_older_diff_does_not_replace_a_newer_one(seed: Seed) -> None:
    task = seed.queued()
    board = Held(seed)
    feed = Feed(board)
    async with alone(feed) as user:
        feed.read_diff(task.id)
        await user.until(lambda: board.begun, "the first read")
        feed.read_diff(task.id)
        await user.until(lambda: user.heard(Feed.DiffRead), "the second read")
        board.free.set()
        await idle(user)
        assert len(user.heard(Feed.DiffRead)) == 1


async def test_what_cannot_be_read_is_told(seed: Seed) -> None:
    task = seed.settled(Status.CANCELLED)
    board = Held(seed)
    board.error = IsADirectoryError(21, "Is a directory", "patch.diff")
    feed = Feed(board)
    async with alone(feed) as user:
        feed.read_pages(task.id, [3])
        feed.read_diff(task.id)
        await idle(user)
        [part] = [each.part for each in user.heard(Feed.LogRead)]
        assert (part.task, part.unread, part.pages) == (task.id, [3], {})
        assert [each.error.message for each in user.heard(Feed.Troubled)] == ["the database is locked"]
        assert "Is a directory" in user.heard(Feed.DiffRead)[0].problem
        assert (feed.tasks_stale, feed.log_stale, feed.details_stale) == (True, True, True)


def test_older_tasks_are_asked_for_once_however_often_the_key_is_pressed(seed: Seed) -> None:
    for _ in range(3):
        seed.queued()
    asked: list[int] = []

    class Counting(Board):
        def snapshot(self, limit: int) -> Snapshot:
            asked.append(limit)
            return super().snapshot(limit)

    feed = Feed(Counting(seed.app, worker=False))
    feed._limit = 2
    for _ in range(3):
        feed.first()
        for _ in range(6):
            feed.older()
    assert asked == [2, 4, 6]
