"""A workbench over real parts (SQLite, git, event loop) and an executor whose sandbox is a function of the test's."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pithy_local.clock import Clock, SystemClock
from pithy_local.config import GitSettings, ModelSettings, OpenAISettings, ScriptedSettings, Secrets, Settings
from pithy_local.door.loop import EventLoop
from pithy_local.door.reports import Result
from pithy_local.errors import PithyError
from pithy_local.executors.base import AgentJob, AttemptHost, Collected, Executor, Job, Sandbox, VerifyJob, VerifyRun
from pithy_local.executors.local import LocalExecutor
from pithy_local.forge.base import Forge
from pithy_local.lifecycle.attempt_log import AttemptLog
from pithy_local.lifecycle.host import Host
from pithy_local.lifecycle.supervisor import Supervisor
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import NewTask, Phase, Task
from pithy_local.paths import Home
from pithy_local.redact import Redactor
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.logs import Logs
from pithy_local.store.processes import Processes
from pithy_local.store.tasks import Tasks
from tests.support import make_bare, make_repo, wait_until

SECRET = "sk-canary-0d9c8b7a6f5e4d3c"
DIFF = b"""diff --git a/hello.txt b/hello.txt
index ce013625030ba8dba906f756967f9e9ca394464a..980a0d5f19a64b4b30a87d4206aade58726b60e3 100644
--- a/hello.txt
+++ b/hello.txt
@@ -1 +1 @@
-hello
+Hello World!
"""
REPLY = f"Greets the world.\n\n```diff\n{DIFF.decode()}```\n"
RIGHT = Result("ready", None, "", {})

Act = Callable[[Any, AttemptHost], bytes]
"""What happens in a sandbox: sets the runner's result and returns the diff."""


Judge = Callable[[VerifyJob], list[VerifyRun]]
"""How verify commands end."""


def passing(job: VerifyJob) -> list[VerifyRun]:
    """All is well."""
    return [VerifyRun(command=command, exit_code=0, seconds=0.1, output="") for command in job.commands]


def report(host: AttemptHost, result: Result) -> None:
    """What the runner says last."""
    host.gateway.reports.result = result
    host.gateway.reports.settled.set()


def succeed(job: AgentJob, host: AttemptHost) -> bytes:
    """The change is made at once."""
    report(host, RIGHT)
    return DIFF


class StandIn:
    """Implements `Executor` without a sandbox. `problem`: what every question to its engine raises."""

    isolated = True
    lasting = True

    def __init__(self, act: Act = succeed, *, name: str = "local") -> None:
        self.name = name
        self.act = act
        self.problem: PithyError | None = None
        self.boxes: list[Sandbox] = []
        self.jobs: list[Job] = []
        self.adopted: list[AgentJob] = []
        self.ended: list[AgentJob] = []
        self.verified: list[VerifyJob] = []
        self.judge: Judge = passing

    def check(self) -> None:
        self._answer()

    def run(self, job: Job, host: AttemptHost) -> Collected:
        self.jobs.append(job)
        host.enter(Phase.STARTING)
        host.enter(Phase.AGENT)
        diff = self.act(job, host)
        host.enter(Phase.COLLECTING)
        return Collected(diff=diff)

    def adopt(self, job: AgentJob, host: AttemptHost) -> Collected:
        self.adopted.append(job)
        diff = self.act(job, host)
        if host.phase is not Phase.COLLECTING:  # type: ignore[attr-defined]  # the real host
            host.enter(Phase.COLLECTING)
        return Collected(diff=diff)

    def end(self, job: AgentJob, host: AttemptHost) -> None:
        self._answer()
        self.ended.append(job)

    def verify(self, job: VerifyJob, host: AttemptHost) -> list[VerifyRun]:
        host.checkpoint()
        self.verified.append(job)
        return self.judge(job)

    def environment_key(self, host: AttemptHost, network: str = "sealed") -> str:
        return self.name

    def sandboxes(self, instance: str) -> list[Sandbox]:
        self._answer()
        return list(self.boxes)

    def remove(self, handle: str) -> None:
        self._answer()
        self.boxes = [box for box in self.boxes if box.handle != handle]

    def sweep(self, instance: str, before_ms: int) -> list[str]:
        self._answer()
        return []

    def close(self) -> None:
        """Nothing is held."""

    def _answer(self) -> None:
        if self.problem is not None:
            raise self.problem


class Held:
    """An `Act` that waits in the sandbox until the test lets it go on, or the attempt is to end."""

    def __init__(self, then: Act = succeed) -> None:
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self._then = then

    def __call__(self, job: AgentJob, host: AttemptHost) -> bytes:
        self.reached.set()
        while not self.go_on.wait(0.01):
            host.checkpoint()
        return self._then(job, host)


class NoForge:
    """There is none: every repository of these tests is a local path."""

    def __call__(self) -> Forge:
        raise AssertionError("a local repository needs no forge")


@contextmanager
def opened_bench(
    root: Path, *executors: Executor, clock: Clock | None = None, patience: float = 30.0, model: str = ""
) -> Iterator[Workbench]:
    """A workbench with a fresh home below `root`; its store is closed at the end, the loop by who starts it.

    `local` is the real executor unless one of this name is given. The scripted provider answers REPLY; `model` is the
    address of an OpenAI-style server.
    """
    clock, home, loop = clock or SystemClock(), Home(root=root / "home"), EventLoop()
    replies = root / "replies.json"
    replies.write_text(json.dumps([REPLY]))
    settings = Settings(
        executor="local", concurrency=4, git=GitSettings(author="Tester <tester@example.org>"),
        model=ModelSettings(
            provider="scripted", scripted=ScriptedSettings(file=str(replies)), openai=OpenAISettings(base_url=model)
        ),
    )  # fmt: skip
    by_name: dict[str, Executor] = {"local": LocalExecutor(home, loop), "docker": StandIn(name="docker")}
    by_name |= {executor.name: executor for executor in executors}
    bench = Workbench(
        settings=settings, secrets=Secrets(openai_api_key=SECRET), home=home,
        store=Store(home, clock, patience=patience), clock=clock, redactor=Redactor([SECRET]), loop=loop,
        make_executor=by_name.__getitem__, make_forge=NoForge(),
    )  # fmt: skip
    try:
        yield bench
    finally:
        bench.store.close()


def repository(root: Path) -> Path:
    """A bare repository with one file, made once."""
    bare = root / "origin.git"
    if not bare.exists():
        make_bare(bare, make_repo(root / "work", {"hello.txt": "hello\n"}))
    return bare


def queue(bench: Workbench, repo: Path, *, executor: str = "local", **changes: object) -> Task:
    """A queued task on `repo`."""
    values: dict[str, object] = {
        "title": "Greet", "prompt": "Greet the world", "repo": str(repo), "executor": executor,
        "provider": "scripted", "model": "scripted",
    }  # fmt: skip
    return Tasks(bench.store).insert(NewTask(**{**values, **changes}))  # type: ignore[arg-type]  # a test's shorthand


@contextmanager
def hosted(bench: Workbench, task: Task) -> Iterator[Host]:
    """The task claimed, as the supervisor's thread has it before its attempt runs."""
    owner = Processes(bench.store).register("test")
    claimed = Tasks(bench.store).claim(owner, executors=[task.executor], concurrency=99, ids=[task.id])
    assert claimed is not None
    with hosting(bench, Lease(bench.store, claimed, owner)) as host:
        yield host


@contextmanager
def hosting(bench: Workbench, lease: Lease) -> Iterator[Host]:
    """A host, with its log, of a task that was claimed."""
    host = Host(lease, on_phase=lambda phase: None)
    log = AttemptLog(
        bench.store, task=lease.n, attempt=lease.task.attempts, fence=lease.fence, redactor=bench.redactor,
        clock=bench.clock, on_lost=host.lose,
    )  # fmt: skip
    host.attach(log=log)
    try:
        yield host
    finally:
        log.close()


def log_of(bench: Workbench, task: str) -> list[str]:
    """What was written down so far."""
    return [line.text for line in Logs(bench.store).page(task, limit=100_000)]


def code_of(task: Task) -> str:
    return task.error.code if task.error else ""


def settled(bench: Workbench, task: str) -> Task:
    """The task once it has settled."""
    tasks = Tasks(bench.store)
    wait_until(lambda: tasks.get(task).status.settled, what=f"the end of {task}")
    return tasks.get(task)


def silent(words: str) -> None:
    """For a supervisor whose narration nobody needs."""


def work(bench: Workbench, task: str) -> Task:
    """Let a supervisor see one task through."""
    with Supervisor(bench, kind="test", say=silent, ids=[task]):
        return settled(bench, task)


class At:
    """A supervisor's `say` that calls `act` with the task's id when an attempt gets to a point, in its thread.

    Points: `started`, the phases after preparing.
    """

    def __init__(self, point: str, act: Callable[[str], None]) -> None:
        self.reached = threading.Event()
        self.said: list[str] = []
        self._point, self._act = point, act

    def __call__(self, words: str) -> None:
        self.said.append(words)
        task, _, what = words.partition(": ")
        if what.split(" ")[0] == self._point and not self.reached.is_set():
            self.reached.set()
            self._act(task)


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """Another process holds the queue's write lock."""
    other = sqlite3.connect(store.home.queue_db, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
    finally:
        other.close()
