"""The attempts that run in this process, each in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

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
        self._hosts: dict[str, Host] = {}
        self._lock = threading.Lock()
        self._beat_at = 0

    def __len__(self) -> int:
        with self._lock:
            return len(self._hosts)

    def hosts(self) -> dict[str, Host]:
        """By the task's id."""
        with self._lock:
            return dict(self._hosts)

    def launch(self, task: Task, owner: str) -> None:
        """Start an attempt at a task that `owner`, this process, has claimed."""
        lease = Lease(self._bench.store, task, owner)
        host = Host(lease, on_phase=lambda phase: self._say(f"{task.id}: {phase.value}"))
        thread = threading.Thread(target=self._run, args=(host,), name=f"attempt-{task.id}", daemon=True)
        with self._lock:
            self._hosts[task.id] = host
        try:
            thread.start()
        except BaseException:
            self._forget(task.id)
            raise

    def end(self, how: Stop) -> None:
        """Ask all that run to end; with DRAIN they are left alone."""
        for host in self.hosts().values():
            if how is Stop.CANCEL:
                _cancel(host)
            elif how is Stop.LEAVE:
                host.leave(lasting=self._bench.executor(host.lease.task.executor).lasting)

    def watch(self, owner: str) -> None:
        """Keep the leases, and hear what was asked of the attempts meanwhile."""
        hosts, now = self.hosts(), self._bench.clock.lease_ms()
        if hosts and now >= self._beat_at:  # at once, too, when the machine wakes up
            Processes(self._bench.store).beat(owner, hosts)
            self._beat_at = now + BEAT_MS
        for host in hosts.values():
            if not host.stopping.is_set():
                _look(host)

    def _run(self, host: Host) -> None:
        task, bench = host.lease.task, self._bench
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
                self._forget(task.id)

    def _forget(self, task: str) -> None:
        with self._lock:
            del self._hosts[task]
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
