"""The attempts that run in this process, each in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from pithy_local.errors import Cancelled, LeaseLost, PithyError
from pithy_local.lifecycle.attempt import Attempt
from pithy_local.lifecycle.attempt_log import AttemptLog
from pithy_local.lifecycle.host import NOTHING_YET, Host
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Phase, Status, Stop, Task
from pithy_local.store.lease import Lease
from pithy_local.store.processes import Processes
from pithy_local.store.tasks import Tasks

BEAT_MS = 10_000
TAKEN = "another process has taken it over"


class Running:
    """Safe to use from many threads. `say` gets a line when an attempt begins, enters a phase, ends; `ended` is called
    after each end."""

    def __init__(self, bench: Workbench, say: Callable[[str], None], ended: Callable[[], None]) -> None:
        self._bench, self._say, self._ended = bench, say, ended
        self._threads: dict[Host, threading.Thread] = {}
        self._lock = threading.Lock()
        self._beat_at = 0

    def __len__(self) -> int:
        with self._lock:
            return len(self._threads)

    def hosts(self) -> list[Host]:
        """One an attempt; two of one task, where this process takes up again what it has just let go of."""
        with self._lock:
            return list(self._threads)

    def tasks(self) -> set[str]:
        """The ids of the tasks that are worked here."""
        return {host.lease.task.id for host in self.hosts()}

    def launch(self, task: Task, owner: str) -> None:
        """Start an attempt at a task that `owner`, this process, has claimed."""
        lease = Lease(self._bench.store, task, owner)
        host = Host(lease, on_phase=lambda phase: self._say(f"{task.id}: {phase.value}"))
        with self._lock:
            before = [thread for other, thread in self._threads.items() if other.lease.task.id == task.id]
            thread = threading.Thread(target=self._run, args=(host, before), name=f"attempt-{task.id}", daemon=True)
            self._threads[host] = thread
        try:
            thread.start()
        except BaseException:
            self._forget(host)
            raise

    def end(self, how: Stop) -> None:
        """Ask all that run to end; with DRAIN they are left alone."""
        for host in self.hosts():
            if how is Stop.CANCEL:
                _cancel(host)
            elif how is Stop.LEAVE:
                host.leave(lasting=self._bench.executor(host.lease.task.executor).lasting)

    def watch(self, owner: str) -> None:
        """Keep the leases, and hear what was asked of the attempts meanwhile."""
        hosts, now = self.hosts(), self._bench.clock.lease_ms()
        if hosts and now >= self._beat_at:  # at once, too, when the machine wakes up
            Processes(self._bench.store).beat(owner, {host.lease.task.id for host in hosts})
            self._beat_at = now + BEAT_MS
        for host in hosts:
            if not host.stopping.is_set():
                _look(host)

    def _run(self, host: Host, before: Sequence[threading.Thread]) -> None:
        """`before`: earlier attempts' threads of the same task, which are about to end."""
        task, bench = host.lease.task, self._bench
        for thread in before:
            thread.join()
        try:
            log = AttemptLog(
                bench.store, task=host.lease.n, attempt=task.attempts, fence=host.lease.fence, redactor=bench.redactor,
                clock=bench.clock, on_lost=host.lose, max_bytes=bench.settings.logs.max_bytes_per_task,
            )  # fmt: skip
            host.attach(log=log)
            self._say(f"{task.id}: {_beginning(task, log)}")
            try:
                Attempt(bench, host).run()
            finally:
                log.leave() if host.lost else log.close()
            self._say(f"{task.id}: {_end(host, Tasks(bench.store).get(task.id))}")
        except LeaseLost:
            self._say(f"{task.id}: {TAKEN}")
        except Exception as error:  # a full disk, a bug: the task is `running` still, and recovery finds it
            self._say(f"{task.id}: {type(error).__name__}: {error}")
        finally:
            try:
                bench.store.close_thread()
            finally:
                self._forget(host)

    def _forget(self, host: Host) -> None:
        with self._lock:
            del self._threads[host]
        self._ended()


def _look(host: Host) -> None:
    try:
        host.lease.check()
    except Cancelled:
        _cancel(host)
    except LeaseLost:
        host.lose()


def _cancel(host: Host) -> None:
    if host.cancel():
        try:
            host.lease.enter(Phase.CANCELLING)
        except (LeaseLost, PithyError):
            pass  # it has settled meanwhile, or the store is locked: the phase is for people, the attempt ends


def _beginning(task: Task, log: AttemptLog) -> str:
    accepted = task.phase is Phase.DELIVERING and task.head_sha is None
    if task.phase is None or task.phase in NOTHING_YET or accepted:
        return f"started ({task.title})"
    return f"adopted in phase {task.phase.value} ({task.title}): its log goes on at line {log.last_seq + 1}"


def _end(host: Host, task: Task) -> str:
    if host.lost and not host.left:
        return TAKEN
    if task.status is Status.RUNNING and task.phase is not None:
        return f"left in phase {task.phase.value}: whoever works the queue next goes on with it"
    return task.status.value + (f" · {task.error.message}" if task.error else "")
