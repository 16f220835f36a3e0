"""Files of the host's own half that outlived their use: bundles, indexes, pins, mirrors, artifacts, replays."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from pithy_local.config import size_bytes
from pithy_local.errors import NoSuchTask, PithyError, UsageError
from pithy_local.git.remote import Remote, parse_repo
from pithy_local.git.upkeep import shrink, stored
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Status
from pithy_local.paths import remove_tree, try_lock
from pithy_local.store.rows import WAITS_FOR_A_PERSON
from pithy_local.store.tasks import Tasks

BUNDLE = re.compile(r"bundle-(?P<task>[0-9a-z]{10})-f(?P<fence>\d+)")
TASK = re.compile(r"[0-9a-z]{10}")
ROUND_MS = 3_600_000
"""Between two looks at what is large, or harmless for a while."""
DAY_MS = 24 * ROUND_MS
UNKNOWN = ".unknown"
"""In the artifacts of a task that is not in the queue: its time says since when that is known."""
NEEDED = (Status.QUEUED, Status.RUNNING, *WAITS_FOR_A_PERSON)
MB = 1_000_000


class Housekeeping:
    """Clears up below the home. Keep one for the life of a process."""

    def __init__(self, bench: Workbench, say: Callable[[str], None]) -> None:
        self.bench, self.home, self.say = bench, bench.home, say
        self.tasks = Tasks(bench.store)
        self._round_at = 0

    def tick(self) -> None:
        """One round. Raises PithyError (store), OSError; what cannot be removed now is tried again."""
        now = self.bench.clock.lease_ms()
        whole = now >= self._round_at
        self._folders()
        self._pins(packed=whole)
        if whole:
            self._round_at = now + ROUND_MS
            self._mirrors()
            self._artifacts()

    def _folders(self) -> None:
        """Temporary directories: packed repositories, indexes of commits, copies for a backup that was killed."""
        for folder in self.home.scratch.glob("bundle-*"):
            found = BUNDLE.fullmatch(folder.name)
            if found and self._fence_of(found["task"]) != int(found["fence"]):
                remove_tree(folder)
        for folder in self.home.mirrors.glob("*/index-*"):
            if self._fence_of(folder.name.removeprefix("index-")) is None:
                remove_tree(folder)
        backup = self.home.scratch / "backup"
        if backup.exists():
            with try_lock(self.home.lock("backup")) as free:
                if free:
                    remove_tree(backup)

    def _fence_of(self, task_id: str) -> int | None:
        """Of a running task; None for every other."""
        try:
            task = self.tasks.get(task_id)
        except NoSuchTask:
            return None
        return task.fence if task.status is Status.RUNNING else None

    def _pins(self, *, packed: bool) -> None:
        """Commits that mirrors keep for attempts that are over."""
        for mirror in stored(self.home.mirrors):
            for task in mirror.pinned(packed=packed):
                if self._fence_of(task) is None:
                    try:
                        mirror.release(task)
                    except PithyError:
                        continue

    def _mirrors(self) -> None:
        """The least recently used go while all of them take more than `git.mirror_limit`."""
        limit = size_bytes(self.bench.settings.git.mirror_limit)
        try:
            removed = shrink(self.home.mirrors, limit, lambda: list(self._needed()))
        except OSError as error:
            self.say(f"the mirrors could not be looked through: {error}")
            return
        for mirror, size in removed:
            self.say(f"removed the mirror {mirror.folder.name}, {size / MB:.0f} MB: fetched anew when it is needed")

    def _needed(self) -> Iterator[Remote]:
        """The repositories of tasks that may still be worked or delivered."""
        for repo in {task.repo for task in self.tasks.select(statuses=NEEDED)}:
            try:
                yield parse_repo(repo, api_url=self.bench.settings.github.api_url)
            except UsageError:
                continue  # an older version took it

    def _artifacts(self) -> None:
        """Half-written files, and what is kept for tasks that are not in the queue."""
        for folder in (self.home.root / "artifacts").glob("*/"):
            if TASK.fullmatch(folder.name):
                try:
                    self._judge_artifacts(folder)
                except OSError as error:
                    self.say(f"the artifacts of task {folder.name} could not be cleared up: {error}")

    def _judge_artifacts(self, folder: Path) -> None:
        mark = folder / UNKNOWN
        try:
            running = self.tasks.get(folder.name).status is Status.RUNNING
        except NoSuchTask:
            self._judge_unknown(folder, mark)
            return
        mark.unlink(missing_ok=True)
        if not running:
            for part in folder.glob("*/.*.part"):
                part.unlink(missing_ok=True)

    def _judge_unknown(self, folder: Path, mark: Path) -> None:
        """`rm` was killed, or an older backup was restored: a day to notice the second."""
        now = self.bench.clock.now_ms()
        if not mark.exists():
            mark.touch()
            os.utime(mark, (now / 1000, now / 1000))
            self.say(f"task {folder.name} is not in this queue (a restored backup?): {folder} goes in a day")
        elif now - mark.stat().st_mtime * 1000 > DAY_MS:
            remove_tree(folder)
