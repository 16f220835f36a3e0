"""Claims tasks and runs each in a thread; every process that works the queue has one.

Threads: the supervisor's own (`tick`), a guard that hears cancel requests and keeps the leases, one that notifies, one
an attempt. All processes share the home's concurrency, which is counted in the claim itself, and elect one leader (a
flock) that recovers first, reaps and checkpoints.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType

from pithy_local import crash
from pithy_local.errors import PithyError
from pithy_local.lifecycle.engine_watch import EngineWatch
from pithy_local.lifecycle.leadership import Leadership
from pithy_local.lifecycle.recovery import Recovery
from pithy_local.lifecycle.running import Running
from pithy_local.lifecycle.upkeep.premises import settle_in
from pithy_local.lifecycle.upkeep.reaper import Reaper
from pithy_local.lifecycle.upkeep.retention import Retention
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Stop, Task
from pithy_local.notify import Notifier
from pithy_local.store.holds import Holds
from pithy_local.store.orphans import Orphans
from pithy_local.store.processes import Processes
from pithy_local.store.tasks import Tasks

TICK_SECONDS = 0.1
NOTIFY_SECONDS = 1.0
STUCK_SECONDS = 60.0
RECOVER_SECONDS = 15.0
IDLE_SECONDS = 1.0
"""A round is skipped while nothing was written since the last one, but no longer than this: time passes, too."""
EXECUTORS = ("docker", "local")
WITHOUT_ENGINE = ("local",)


class Supervisor:
    """Works the queue from `start` to `stop`."""

    def __init__(
        self,
        bench: Workbench,
        *,
        kind: str,
        say: Callable[[str], None],
        ids: Sequence[str] = (),
        jobs: int | None = None,
        stuck_after: float = STUCK_SECONDS,
    ) -> None:
        self.bench = bench
        self.failure: Exception | None = None
        """The bug that ended one of the supervisor's threads."""
        self.engine_problem: PithyError | None = None
        """Why work that needs the engine waits; None when none does, it answers, or there is other work to take."""
        self.store_problem: PithyError | None = None
        """Why nothing could be claimed or written for `stuck_after` seconds: a full disk, a store that stays locked."""
        self._stuck_after, self._stuck_since = stuck_after, 0.0
        self._troubles: set[str] = set()
        self._recovery_problem: PithyError | None = None
        self._kind, self._tell = kind, say
        self._ids = list(ids) or None
        self._concurrency = jobs or bench.settings.concurrency
        self._tasks = Tasks(bench.store)
        self._orphans = Orphans(bench.store)
        self._holds = Holds(bench.store)
        self._notifier = Notifier(bench.store, bench.settings.notify, bench.redactor, self._say)
        self._reaper = Reaper(bench, self._say)
        self._retention = Retention(bench.store, bench.settings.logs, self._say)
        self._engine = EngineWatch(bench, self._ids)
        self._leadership = Leadership(bench.home.lock("leader"))
        self._attempts = Running(bench, self._say, self._look_again)
        self._ending = threading.Lock()
        self._turn = threading.Lock()  # between a claim and its thread a task is neither queued nor running here
        self._stop = threading.Event()
        self._claiming = True
        self._how = Stop.CANCEL
        self._ticked = False
        self._seen: int | None = None
        self._tick_at = self._recover_at = 0.0
        self._owner = ""
        self._recovery: Recovery | None = None
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Supervisor:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # a failure of this process is no reason to end the tasks' work: another one goes on with it
        self.stop(Stop.LEAVE if isinstance(error, Exception) else Stop.CANCEL)

    @property
    def running(self) -> int:
        """How many attempts run in this process."""
        return len(self._attempts)

    @property
    def idle(self) -> bool:
        """Of its tasks none is queued, and none runs: not here, and not in a process that may be dead.

        Never before the first round: even a process that finds no task clears up what dead ones left.
        """
        with self._turn:
            return self._ticked and not self.running and not self._tasks.undone(EXECUTORS, self._ids)

    @property
    def engine_silent(self) -> PithyError | None:
        """Why the engine does not answer, whether anything waits for it or not."""
        return self._engine.silent

    @property
    def engine_silent_for(self) -> float:
        """Seconds since the engine last answered here; infinite if it never did."""
        return self._engine.silent_for

    def start(self) -> None:
        """Begin to work. Raises PithyError(store)."""
        for words in settle_in(self.bench.store):
            self._say(words)
        self._owner = Processes(self.bench.store).register(self._kind)
        self._recovery = Recovery(self.bench, self._owner, self._say)
        self.bench.loop.start()
        for target in (self._work, self._guard, self._notify):
            thread = threading.Thread(target=target, name=f"supervisor{target.__name__}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def claim_no_more(self) -> None:
        """What is `running` when this returns is all that will ever run here."""
        with self._turn:
            self._claiming = False

    def stop(self, how: Stop = Stop.CANCEL) -> None:
        """Claim nothing more and deal with what runs here as `how` says; return when nothing of it is left.

        Idempotent. Called again meanwhile, from another thread, it says anew how.
        """
        self._how = how
        self.claim_no_more()
        while self.running:
            self._attempts.end(self._how)
            self.bench.clock.sleep(0.02)
        self._stop.set()
        with self._ending:
            if not self._owner:
                return
            self._tell_the_rest()
            for thread in self._threads:
                thread.join()
            try:
                Processes(self.bench.store).unregister(self._owner)
            except PithyError as error:  # whoever leads next forgets the dead
                self._say(error.message)
            self._threads, self._owner = [], ""
            self.bench.close()

    def _tell_the_rest(self) -> None:
        """What settled last is told, too: `run --until-idle` ends right after it."""
        try:
            self._notifier.drain()
        except PithyError as error:  # the next process tells it
            self._say(f"{error.message}. {error.advice}")

    def tick(self) -> None:
        """One round: recover if it is time, take up what has no owner, claim while slots are free."""
        led, leads = self._leadership.mine, self._leadership.held()
        if leads is not led or time.monotonic() >= self._recover_at:
            self._recover(leads)
            self._recover_at = time.monotonic() + RECOVER_SECONDS
        able = [name for name in EXECUTORS if name in WITHOUT_ENGINE or self._engine.answers()]
        self._holds.lift()
        while self._take(lambda: self._adopt(able)):
            pass
        while self.running < self._concurrency and self._take(lambda: self._claim(able)):
            pass
        # last, in one step: who reads it must not take a task that was about to be claimed for one that waits
        waits = not self._tasks.claimable(WITHOUT_ENGINE, self._ids)
        self.engine_problem = (self._engine.problem or self._recovery_problem) if waits else None
        self._ticked = True
        if leads:
            self._retention.tick()

    def _work(self) -> None:
        try:
            self._repeat(self._turn_over, lambda: TICK_SECONDS)
        finally:
            self._leadership.give_up()

    def _news(self) -> bool:
        """Whether a round may find something: something was written, time may have passed that somebody waits for."""
        seen, now = self.bench.store.queue.data_version(), time.monotonic()
        if seen == self._seen and now < self._tick_at:
            return False
        self._seen, self._tick_at = seen, now + IDLE_SECONDS
        return True

    def _turn_over(self) -> None:
        """A tick, if there is news, and how long none has succeeded."""
        try:
            if self._news():
                self.tick()
            self._stuck_since, self.store_problem = 0.0, None
            self._troubles.clear()
        except PithyError as error:
            self._stuck_since = self._stuck_since or time.monotonic()
            if time.monotonic() - self._stuck_since > self._stuck_after:
                self.store_problem = error
            raise

    def _guard(self) -> None:
        """Hear cancel requests and keep the leases, on connections of its own: neither a long write elsewhere in this
        process nor an engine that hangs must cost a lease, or keep a task from being cancelled."""
        self._repeat(lambda: self._attempts.watch(self._owner), lambda: TICK_SECONDS if self.running else IDLE_SECONDS)

    def _notify(self) -> None:
        """Tell people what has settled."""
        self._repeat(self._notifier.tick, lambda: NOTIFY_SECONDS)

    def _repeat(self, step: Callable[[], None], pause: Callable[[], float]) -> None:
        try:
            while not self._stop.wait(pause()):
                try:
                    step()
                except PithyError as error:  # a full disk, a locked store: say so once and try again
                    if error.message not in self._troubles:
                        self._troubles.add(error.message)
                        self._say(f"{error.message}: trying again")
                    self._stop.wait(1.0)
        except Exception as error:
            self.failure = error
            self._say(f"the supervisor stopped: {type(error).__name__}: {error}")
        finally:
            self.bench.store.close_thread()

    def _recover(self, leads: bool) -> None:
        assert self._recovery is not None, "made by `start`"
        problems = self._recovery.tick(self._attempts.tasks(), leads=leads)
        of_ours = [problem for task, problem in problems.items() if self._ids is None or task in self._ids]
        self._recovery_problem = of_ours[0] if of_ours else None
        if leads:
            self._reaper.tick()
            self.bench.store.queue.checkpoint()
            self.bench.store.logs.checkpoint()
            self._retention.watch_wal()

    def _adopt(self, able: Sequence[str]) -> Task | None:
        return self._orphans.claim(self._owner, executors=able, concurrency=self._concurrency, ids=self._ids)

    def _claim(self, able: Sequence[str]) -> Task | None:
        return self._tasks.claim(
            self._owner, executors=able, concurrency=self._concurrency, ids=self._ids,
            per_repo=self.bench.settings.concurrency_per_repo,
        )  # fmt: skip

    def _take(self, claim: Callable[[], Task | None]) -> bool:
        """Claim one task and start its thread; False when there is none to take."""
        with self._turn:
            if not self._claiming:
                return False
            task = claim()
            if task is not None:
                crash.point("claimed")
                self._attempts.launch(task, self._owner)
            return task is not None

    def _look_again(self) -> None:
        """An attempt has ended: there is a free slot, and the engine may be why."""
        self._engine.doubt()
        self._tick_at = 0.0

    def _say(self, words: str) -> None:
        try:
            self._tell(words)
        except Exception:
            pass  # narration for a terminal that is gone must not end the work
