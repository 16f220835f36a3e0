"""Claims tasks and runs each in a thread; every process that works the queue has one.

Threads: the supervisor's own (`tick`), a guard that hears cancel requests and keeps the leases, one an attempt. All
processes share the home's concurrency, which is counted in the claim itself, and elect one leader (a flock) that
recovers and checkpoints.
"""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import IO

from pithy_local.errors import Cancelled, LeaseLost, PithyError
from pithy_local.lifecycle.attempt import Attempt
from pithy_local.lifecycle.attempt_log import AttemptLog
from pithy_local.lifecycle.host import Host
from pithy_local.lifecycle.recovery import Recovery
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Phase, Task
from pithy_local.notify import Notifier
from pithy_local.store.holds import Holds
from pithy_local.store.lease import Lease, Processes
from pithy_local.store.tasks import Tasks

TICK_SECONDS = 0.1
NOTIFY_SECONDS = 1.0
STUCK_SECONDS = 60.0
BEAT_SECONDS = 10.0
RECOVER_SECONDS = 15.0
ENGINE_SECONDS = 3.0
"""How long an answer about the engine is believed."""
IDLE_ENGINE_SECONDS = 15.0
"""The same while nothing waits for it."""
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
        self.engine_silent: PithyError | None = None
        """Why the engine does not answer, whether anything waits for it or not."""
        self.store_problem: PithyError | None = None
        """Why nothing could be claimed or written for `stuck_after` seconds: a full disk, a store that stays locked."""
        self._stuck_after, self._stuck_since = stuck_after, 0.0
        self._troubles: set[str] = set()
        self._recovery_problem: PithyError | None = None
        self._claim_problem: PithyError | None = None
        self._kind, self._tell = kind, say
        self._ids = list(ids) or None
        self._concurrency = jobs or bench.settings.concurrency
        self._tasks = Tasks(bench.store)
        self._holds = Holds(bench.store)
        self._notifier = Notifier(bench.store, bench.settings.notify, bench.redactor, self._say)
        self._running: dict[str, Host] = {}
        self._lock = threading.Lock()
        self._turn = threading.Lock()  # between a claim and its thread a task is neither queued nor running here
        self._stop = threading.Event()
        self._claiming = True
        self._ticked = False
        self._owner = ""
        self._leader: IO[str] | None = None
        self._recover_at = 0.0
        self._engine_asked = -IDLE_ENGINE_SECONDS
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Supervisor:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def running(self) -> int:
        """How many attempts run in this process."""
        with self._lock:
            return len(self._running)

    @property
    def idle(self) -> bool:
        """Of its tasks none is queued, and none runs: not here, and not in a process that may be dead.

        Never before the first round: even a process that finds no task clears up what dead ones left.
        """
        with self._turn:
            return self._ticked and not self.running and not self._tasks.undone(EXECUTORS, self._ids)

    def start(self) -> None:
        """Begin to work. Raises PithyError(store)."""
        self._owner = Processes(self.bench.store).register(self._kind)
        self.bench.loop.start()
        for target in (self._work, self._guard, self._notify):
            thread = threading.Thread(target=target, name=f"supervisor{target.__name__}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, *, cancel: bool = True) -> None:
        """Claim nothing more; cancel what runs here, or wait for it; return when nothing of it is left. Idempotent."""
        with self._turn:
            self._claiming = False
        while self.running:
            if cancel:
                for host in self._hosts().values():
                    self._cancel(host)
            self.bench.clock.sleep(0.02)
        self._stop.set()
        if self._threads:
            self._tell_the_rest()
        for thread in self._threads:
            thread.join()
        self._threads = []
        owner, self._owner = self._owner, ""
        if owner:
            try:
                Processes(self.bench.store).unregister(owner)
            except PithyError as error:  # whoever leads next forgets the dead
                self._say(error.message)
            self.bench.close()

    def _tell_the_rest(self) -> None:
        """What settled last is told, too: `run --until-idle` ends right after it."""
        try:
            self._notifier.drain()
        except PithyError as error:  # the next process tells it
            self._say(f"{error.message}. {error.hint}")

    def tick(self) -> None:
        """One round: recover if it is time and we lead, claim while slots are free."""
        if self._lead() and time.monotonic() >= self._recover_at:
            self._recover()
            self._recover_at = time.monotonic() + RECOVER_SECONDS
        able = [name for name in EXECUTORS if name in WITHOUT_ENGINE or self._engine_answers()]
        self._holds.lift()
        while self._take(lambda: self._tasks.claim_accepted(self._owner, ids=self._ids)):
            pass
        while self.running < self._concurrency and self._take(lambda: self._claim(able)):
            pass
        # last, in one step: who reads it must not take a task that was about to be claimed for one that waits
        waits = not self._tasks.queued(WITHOUT_ENGINE, self._ids)
        self.engine_problem = (self._claim_problem or self._recovery_problem) if waits else None
        self._ticked = True

    def _work(self) -> None:
        try:
            self._repeat(self._turn_over)
        finally:
            if self._leader is not None:
                self._leader.close()
                self._leader = None

    def _turn_over(self) -> None:
        """A tick, and how long none has succeeded."""
        try:
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
        beat_at = time.monotonic() + BEAT_SECONDS

        def look() -> None:
            nonlocal beat_at
            hosts = self._hosts()
            if hosts and time.monotonic() >= beat_at:
                Processes(self.bench.store).beat(self._owner, hosts)
                beat_at = time.monotonic() + BEAT_SECONDS
            for host in hosts.values():
                self._watch(host)

        self._repeat(look)

    def _notify(self) -> None:
        """Tell people what has settled."""
        self._repeat(self._notifier.tick, NOTIFY_SECONDS)

    def _repeat(self, step: Callable[[], None], pause: float = TICK_SECONDS) -> None:
        try:
            while not self._stop.wait(pause):
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

    def _recover(self) -> None:
        problems = Recovery(self.bench, self._owner, self._hosts(), self._say).tick()
        of_ours = [problem for task, problem in problems.items() if self._ids is None or task in self._ids]
        self._recovery_problem = of_ours[0] if of_ours else None
        self.bench.store.queue.checkpoint()
        self.bench.store.logs.checkpoint()

    def _lead(self) -> bool:
        if self._leader is None:
            try:
                file = open(self.bench.home.lock("leader"), "w")
            except OSError:
                return False  # no descriptor is free, the disk is read-only: nobody leads from here now
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.close()
                return False
            self._leader = file
        return True

    def _watch(self, host: Host) -> None:
        if host.stopping.is_set():
            return
        try:
            host.lease.check()
        except Cancelled:
            self._cancel(host)
        except LeaseLost:
            host.lose()

    def _cancel(self, host: Host) -> None:
        if host.cancel():
            try:
                host.lease.enter(Phase.CANCELLING)
            except (LeaseLost, PithyError):
                pass  # it has settled meanwhile, or the store is locked: the phase is for people, the attempt ends

    def _claim(self, able: Sequence[str]) -> Task | None:
        return self._tasks.claim(self._owner, executors=able, concurrency=self._concurrency, ids=self._ids)

    def _take(self, claim: Callable[[], Task | None]) -> bool:
        """Claim one task and start its thread; False when there is none to take."""
        with self._turn:
            if not self._claiming:
                return False
            task = claim()
            if task is not None:
                self._launch(task)
            return task is not None

    def _engine_answers(self) -> bool:
        """Whether a task waits for the engine and it answers. Without one it is asked less often, just to be shown."""
        waits = self._tasks.queued(("docker",), self._ids) > 0
        believed = ENGINE_SECONDS if waits else IDLE_ENGINE_SECONDS
        wanted = waits or (self.bench.settings.executor == "docker" and self._ids is None)
        if wanted and time.monotonic() - self._engine_asked >= believed:
            self.engine_silent = self._ask_engine()
            self._engine_asked = time.monotonic()
        self._claim_problem = self.engine_silent if waits else None
        return waits and self.engine_silent is None

    def _ask_engine(self) -> PithyError | None:
        try:
            self.bench.executor("docker").check()
        except PithyError as error:
            return error
        return None

    def _launch(self, task: Task) -> None:
        host = Host(
            Lease(self.bench.store, task, self._owner), on_phase=lambda phase: self._say(f"{task.id}: {phase.value}")
        )
        thread = threading.Thread(target=self._run, args=(host,), name=f"attempt-{task.id}", daemon=True)
        with self._lock:
            self._running[task.id] = host
        try:
            thread.start()
        except BaseException:
            self._forget(task.id)
            raise

    def _run(self, host: Host) -> None:
        task = host.lease.task
        try:
            log = AttemptLog(
                self.bench.store, task=host.lease.n, attempt=task.attempts, fence=host.lease.fence,
                redactor=self.bench.redactor, clock=self.bench.clock, on_lost=host.lose,
            )  # fmt: skip
            host.attach(log=log)
            self._say(f"{task.id}: started ({task.title})")
            try:
                Attempt(self.bench, host).run()
            finally:
                log.close()
            after = self._tasks.get(task.id)
            self._say(f"{task.id}: {after.status.value}" + (f" · {after.error.message}" if after.error else ""))
        except LeaseLost:
            self._say(f"{task.id}: another process has taken it over")
        except Exception as error:  # a full disk, a bug: the task is `running` still, and recovery finds it
            self._say(f"{task.id}: {type(error).__name__}: {error}")
        finally:
            try:
                self.bench.store.close_thread()
            finally:
                self._forget(task.id)

    def _forget(self, task: str) -> None:
        with self._lock:
            del self._running[task]

    def _hosts(self) -> dict[str, Host]:
        """What runs here now, by the task's id."""
        with self._lock:
            return dict(self._running)

    def _say(self, words: str) -> None:
        try:
            self._tell(words)
        except Exception:
            pass  # narration for a terminal that is gone must not end the work
