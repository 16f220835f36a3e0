"""Claims tasks and runs each in a thread; every process that works the queue has one.

Threads: the supervisor's own (`tick`), one heartbeat, one an attempt. All share the home's concurrency, which is
counted in the claim itself, and elect one leader (a flock) that recovers and checkpoints.
"""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import IO

from pithy_local.errors import Cancelled, LeaseLost, PithyError
from pithy_local.lifecycle.attempt import Attempt
from pithy_local.lifecycle.attempt_log import AttemptLog
from pithy_local.lifecycle.host import Host
from pithy_local.lifecycle.recovery import Recovery
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Phase, Status, Task
from pithy_local.store.lease import Lease, Processes
from pithy_local.store.tasks import Tasks

TICK_SECONDS = 0.1
BEAT_SECONDS = 10.0
RECOVER_SECONDS = 15.0
ENGINE_SECONDS = 3.0
"""How long an answer about the engine is believed."""
EXECUTORS = ("docker", "local")


@dataclass(kw_only=True)
class _Running:
    host: Host
    thread: threading.Thread


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
    ) -> None:
        self.bench = bench
        self._recovery_problem: PithyError | None = None
        self._claim_problem: PithyError | None = None
        self.failure: Exception | None = None
        self._kind, self._say = kind, say
        self._ids = list(ids) or None
        self._concurrency = jobs or bench.settings.concurrency
        self._tasks = Tasks(bench.store)
        self._running: dict[str, _Running] = {}
        self._lock = threading.Lock()
        self._turn = threading.Lock()  # between a claim and its thread a task is neither queued nor running here
        self._stop = threading.Event()
        self._claiming = True
        self._owner = ""
        self._leader: IO[str] | None = None
        self._recover_at = 0.0
        self._engine_at = 0.0
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
        """Nothing runs here, and nothing is queued that this supervisor could ever take."""
        with self._turn:
            if self.running or self._tasks.queued(EXECUTORS, self._ids):
                return False
        return self._ids is not None or not self._tasks.counts().get(Status.RUNNING)

    @property
    def engine_problem(self) -> PithyError | None:
        """Why work that needs the engine waits; None when none does, or it answers."""
        return self._claim_problem or self._recovery_problem

    def start(self) -> None:
        """Begin to work. Raises PithyError(store)."""
        self.bench.loop.start()
        self._owner = Processes(self.bench.store).register(self._kind)
        for target in (self._work, self._beat):
            thread = threading.Thread(target=target, name=f"supervisor{target.__name__}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, *, cancel: bool = True) -> None:
        """Claim nothing more; cancel what runs here, or wait for it; return when nothing of it is left. Idempotent."""
        with self._turn:
            self._claiming = False
        while self.running:
            for running in self._snapshot():
                if cancel and not running.host.stopping.is_set():
                    self._cancel(running.host)
            self.bench.clock.sleep(0.02)
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._threads = []
        if self._owner:
            Processes(self.bench.store).unregister(self._owner)
            self._owner = ""
            self.bench.close()

    def tick(self) -> None:
        """One round: recover if it is time and we lead, pass cancel requests on, claim while slots are free."""
        if self._lead() and time.monotonic() >= self._recover_at:
            self._recovery_problem = Recovery(self.bench, self._owner, set(self._running), self._say).tick()
            self.bench.store.queue.checkpoint()
            self.bench.store.logs.checkpoint()
            self._recover_at = time.monotonic() + RECOVER_SECONDS
        self._watch()
        able = [name for name in EXECUTORS if name != "docker" or self._engine_answers()]
        while self.running < self._concurrency and self._take(able):
            pass

    def _work(self) -> None:
        try:
            while not self._stop.wait(TICK_SECONDS):
                try:
                    self.tick()
                except PithyError as error:  # a full disk, a locked store: say so and try again
                    self._say(f"{error.message}. {error.hint}")
                    self._stop.wait(1.0)
        except Exception as error:
            self.failure = error
            self._say(f"the supervisor stopped: {type(error).__name__}: {error}")
        finally:
            if self._leader is not None:
                self._leader.close()
                self._leader = None
            self.bench.store.close_thread()

    def _beat(self) -> None:
        """On a connection of its own: a long write elsewhere in this process must not cost the lease."""
        while not self._stop.wait(BEAT_SECONDS):
            if self.running:
                try:
                    Processes(self.bench.store).beat(self._owner)
                except PithyError as error:
                    self._say(f"heartbeat: {error.message}")
        self.bench.store.close_thread()

    def _lead(self) -> bool:
        if self._leader is None:
            file = open(self.bench.home.lock("leader"), "w")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.close()
                return False
            self._leader = file
        return True

    def _watch(self) -> None:
        for running in self._snapshot():
            host = running.host
            if host.stopping.is_set():
                continue
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
            except LeaseLost:
                pass  # it has settled meanwhile

    def _take(self, able: Sequence[str]) -> bool:
        """Claim one task and start its thread; False when there is none to take."""
        with self._turn:
            if not self._claiming:
                return False
            task = self._tasks.claim(self._owner, executors=able, concurrency=self._concurrency, ids=self._ids)
            if task is not None:
                self._launch(task)
            return task is not None

    def _engine_answers(self) -> bool:
        """Asked only while a task waits for the engine; the answer is kept for a few seconds."""
        if not self._tasks.queued(("docker",), self._ids):
            self._claim_problem = None
            return False
        if time.monotonic() >= self._engine_at:
            try:
                self.bench.executor("docker").check()
                self._claim_problem = None
            except PithyError as error:
                self._claim_problem = error
            self._engine_at = time.monotonic() + ENGINE_SECONDS
        return self._claim_problem is None

    def _launch(self, task: Task) -> None:
        host = Host(
            Lease(self.bench.store, task, self._owner), on_phase=lambda phase: self._say(f"{task.id}: {phase.value}")
        )
        thread = threading.Thread(target=self._run, args=(host,), name=f"attempt-{task.id}", daemon=True)
        with self._lock:
            self._running[task.id] = _Running(host=host, thread=thread)
        thread.start()

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
        except (PithyError, LeaseLost) as error:
            self._say(f"{task.id}: {error}")
        finally:
            self.bench.store.close_thread()
            with self._lock:
                del self._running[task.id]

    def _snapshot(self) -> list[_Running]:
        with self._lock:
            return list(self._running.values())
