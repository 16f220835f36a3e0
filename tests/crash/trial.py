"""A world whose processes are killed: tasks that count their executions, an engine behind a proxy, and what they did.

Of every container of an agent the engine's own log is kept as it is removed: what the store has is held against it.
"""

from __future__ import annotations

import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
from docker.errors import NotFound

from pithy_local import crash, service
from pithy_local.config import SandboxSettings
from tests.crash import work
from tests.e2e.world import SLUG, World
from tests.fakes.engine_proxy import Asked, EngineProxy


@dataclass(frozen=True, kw_only=True)
class Copy:
    """What the engine kept of one container's output when it was about to be removed."""

    out: bytes
    err: bytes


class Copies:
    """The logs of agents' containers by task and attempt; `watch` is the proxy's."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[str, int, Copy]] = {}
        self._lock = threading.Lock()

    def watch(self, asked: Asked) -> None:
        """Take the log of what is about to be removed, from the engine itself."""
        if asked.operation != "DELETE containers":
            return
        with closing(docker.from_env()) as client:
            try:
                container = client.containers.get(asked.object)
                labels = container.labels
                copy = Copy(out=container.logs(stderr=False), err=container.logs(stdout=False))
            except NotFound:
                return  # removed already: asked for twice
        if labels.get("pithy.role") == "agent":
            with self._lock:
                self._of[container.id] = (labels["pithy.task"], int(labels["pithy.attempt"]), copy)

    def of(self, task: str, attempt: int) -> list[Copy]:
        """One for each container that was removed: more than one where an earlier one never got its job."""
        with self._lock:
            return [copy for of, number, copy in self._of.values() if (of, number) == (task, attempt)]


@dataclass(kw_only=True)
class Trial:
    """Tasks, and `run` processes that are let die."""

    world: World
    copies: Copies
    proxy: EngineProxy | None
    tasks: list[str] = field(default_factory=list)
    deaths: Counter[str] = field(default_factory=Counter)
    """How often a process died, by the point or by `SIGKILL`."""
    runs: int = 0

    def add(self, lines: int, seconds: float, after: str | None = None) -> str:
        """Queue a task of so much work, which starts when the task `after` has completed; its id."""
        with service.open_app(env=self.world.env) as app:
            request = service.AddRequest(prompt=work.prompt(lines, seconds), repo=SLUG, after=after)
            self.tasks.append(service.add(app, request).task.id)
        return self.tasks[-1]

    @contextmanager
    def running(self, jobs: int = 2, point: str = "", nth: int = 1) -> Iterator[subprocess.Popen[str]]:
        """A `run --until-idle`, which dies at its `nth` visit of `point`; SIGKILLed at the end of the block."""
        self.runs += 1
        armed = {"PITHY_CRASH": f"{point}:{nth}" if point else "", "PITHY_CRASH_LOG": str(self._visits)}
        with (
            open(self._said, "a") as output,
            self.world.popen("run", "--until-idle", "--jobs", str(jobs), env=armed, output=output) as process,
        ):
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()
                    self.deaths["SIGKILL"] += 1
        if process.returncode == crash.EXIT:
            self.deaths[point] += 1

    def die_at(self, point: str, nth: int = 1, jobs: int = 1, timeout: float = 100) -> bool:
        """Whether a `run` died at this point; else it has ended because nothing was left to do."""
        with self.running(jobs, point, nth) as process:
            code = process.wait(timeout)
        assert code in (0, crash.EXIT), f"run ended with exit code {code}:\n{self.said[-3000:]}"
        return code == crash.EXIT

    def finish(self, jobs: int = 2, timeout: float = 100) -> None:
        """One `run` that nobody kills: whatever was left is settled by it."""
        with self.running(jobs) as process:
            code = process.wait(timeout)
        assert code == 0, f"run ended with exit code {code}:\n{self.said[-3000:]}"

    @property
    def visited(self) -> Counter[str]:
        """How often each crash point was visited, over all processes."""
        return Counter(self._visits.read_text().split()) if self._visits.exists() else Counter()

    @property
    def said(self) -> str:
        """What the processes said."""
        return self._said.read_text() if self._said.exists() else ""

    @property
    def _visits(self) -> Path:
        return self.world.root / "visits"

    @property
    def _said(self) -> Path:
        return self.world.root / "said"


@contextmanager
def made(root: Path, executor: str, sandbox: SandboxSettings, **settings: Any) -> Iterator[Trial]:
    """A trial in a started world of its own below `root`; with `docker` its engine is behind a proxy."""
    world = World.make(root, executor, sandbox, work.answer, files=work.FILES)
    copies = Copies()
    with ExitStack() as stack:
        stack.callback(world.stop)
        world.start()
        proxy = None
        if executor == "docker":
            proxy = EngineProxy.of_this_machine(unix=True, watch=copies.watch)
            stack.callback(proxy.cut)
            world.env["DOCKER_HOST"] = proxy.url
        world.configure(sandbox__verify=[work.VERIFY], **settings)
        yield Trial(world=world, copies=copies, proxy=proxy)
