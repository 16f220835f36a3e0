"""A container's log carried into a home, as an attempt does it, beside `docker logs -f`."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from docker.types import LogConfig

from benchmarks.logs import programs
from pithy_local.executors.engine import Engine
from pithy_local.executors.logs import LogFollower
from pithy_local.lifecycle.attempt_log import AttemptLog
from pithy_local.models import NewTask
from pithy_local.paths import Home
from pithy_local.redact import Redactor
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.logs import Logs
from pithy_local.store.processes import Processes
from pithy_local.store.tasks import Tasks

SECRET = "sk-benchmark-0123456789abcdef"
"""Every line is searched for a key, as in real use."""
HANG_SECONDS = 600.0
WARM_UP = 3.0
"""Seconds until the first line: every reader is there by then."""


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Milliseconds from the writer to one reader, over all lines; `wrong`: numbers missing, doubled or out of order."""

    lines: int
    wrong: int
    p50: float
    p99: float


@dataclass(frozen=True, kw_only=True)
class Paced:
    """`floor`: `docker logs -f` in the same run; None where there is no docker command."""

    rate: int
    ours: Latency
    floor: Latency | None
    cpu: float
    """Of one processor: what follower, log, store and a server that is there took together."""


@dataclass(frozen=True, kw_only=True)
class Carried:
    """What came of a burst. `container`, `stored`: seconds until all was written, and until all was stored."""

    lines: int
    wrong: int
    truncated: bool
    container: float
    stored: float
    memory: int


def paced(image: str, rate: int, count: int, *, warm_up: float = WARM_UP) -> Paced:
    """Lines at a steady pace, seen by a viewer in a process of its own."""
    with (
        home() as (store, lease),
        container(image, programs.paced(rate, count, warm_up)) as (engine, box),
        viewer_of(count, store.home.root, lease.task.id) as viewer,
    ):
        return watched(engine, box, open_log(store, lease), viewer, rate=rate, count=count)


def watched(
    engine: Engine, container: str, log: AttemptLog, viewer: subprocess.Popen[bytes], *, rate: int, count: int
) -> Paced:
    """All that a container writes at this pace, beside `docker logs -f`."""
    with docker_logs(shutil.which("docker"), container, count) as floor:
        busy = time.process_time()
        carry(engine, container, log)
        busy = time.process_time() - busy
        return Paced(
            rate=rate, ours=latency_of(viewer), floor=latency_of(floor) if floor else None, cpu=busy / (count / rate)
        )


def burst(image: str, count: int, *, max_bytes: int = 1_000_000_000) -> Carried:
    """As many lines as the container can write, in one go."""
    with home() as (store, lease), container(image, programs.burst(count)) as (engine, box):
        begin = time.monotonic()
        log = open_log(store, lease, max_bytes)
        written = carry(engine, box, log)
        stored = time.monotonic() - begin
        lines, wrong = _check(store, lease.task.id)
        return Carried(
            lines=lines, wrong=wrong, truncated=Logs(store).bounds(lease.task.id).truncated,
            container=written - begin, stored=stored, memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10,
        )  # fmt: skip


def carry(engine: Engine, container: str, log: AttemptLog) -> float:
    """All the container writes, until it ends; when it ended (time.monotonic)."""
    follower = LogFollower(container, log.output, log.frames_of(container))
    follower.start()
    engine.api.wait(container, timeout=HANG_SECONDS)
    ended = time.monotonic()
    follower.complete(HANG_SECONDS)
    log.close()
    return ended


def _check(store: Store, task: str) -> tuple[int, int]:
    """How many lines of the container are stored, and how many are not the next one."""
    lines = wrong = after = 0
    while page := Logs(store).page(task, after=after):
        for line in page:
            wrong += line.seq != after + 1
            after = line.seq
            if line.stream.value == "out":
                wrong += line.text.partition(" ")[0] != str(lines)
                lines += 1
    return lines, wrong


@contextmanager
def home() -> Iterator[tuple[Store, Lease]]:
    """A home of its own with one running task."""
    with tempfile.TemporaryDirectory(prefix="pithy-logs-") as folder:
        store = Store(Home(root=Path(folder)))
        try:
            Tasks(store).insert(
                NewTask(title="t", prompt="p", repo="a/b", executor="docker", provider="openai", model="m")
            )  # fmt: skip
            owner = Processes(store).register("benchmark")
            claimed = Tasks(store).claim(owner, executors=["docker"], concurrency=1)
            assert claimed is not None
            yield store, Lease(store, claimed, owner)
        finally:
            store.close()


@contextmanager
def container(image: str, program: str) -> Iterator[tuple[Engine, str]]:
    """Running; with the sandbox's log driver. Removed at the end."""
    with Engine.connect() as engine:
        driver = LogConfig(type="json-file", config={"max-size": "2g", "max-file": "1"})
        made = engine.client.containers.create(image, ["python3", "-c", program], log_config=driver, network="none")
        try:
            made.start()
            yield engine, made.id
        finally:
            made.remove(force=True, v=True)


def open_log(store: Store, lease: Lease, max_bytes: int = 1_000_000_000) -> AttemptLog:
    return AttemptLog(
        store, task=lease.n, attempt=1, fence=lease.fence, redactor=Redactor([SECRET]), clock=store.clock,
        on_lost=lambda: None, max_bytes=max_bytes,
    )  # fmt: skip


@contextmanager
def viewer_of(
    *args: object, module: str = "benchmarks.logs.viewer", stdin: IO[bytes] | int | None = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits for lines and takes the time."""
    argv = [sys.executable, "-m", module, *map(str, args)]
    with subprocess.Popen(argv, stdin=stdin, stdout=subprocess.PIPE) as viewer:
        try:
            yield viewer
        finally:
            viewer.kill()


@contextmanager
def docker_logs(docker: str | None, container: str, count: int) -> Iterator[subprocess.Popen[bytes] | None]:
    """A viewer of `docker logs -f`; None where there is no docker command."""
    if docker is None:
        yield None
        return
    argv = [docker, "logs", "-f", container]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as cli:
        try:
            with viewer_of(count, stdin=cli.stdout) as viewer:
                yield viewer
        finally:
            cli.kill()


def latency_of(viewer: subprocess.Popen[bytes]) -> Latency:
    """What it saw, once it has seen all."""
    assert viewer.stdout is not None
    said = json.loads(viewer.stdout.read())
    return Latency(lines=said["lines"], wrong=said["wrong"], p50=said["p50"], p99=said["p99"])
