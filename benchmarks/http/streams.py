"""Live streams: from the container to the client, through reconnects, for many clients."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import httpx2

from benchmarks.http.server import client, serving
from benchmarks.logs import programs
from benchmarks.logs.path import Paced, container, home, open_log, viewer_of, watched
from pithy_local.models import Status, Stream, TaskError
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.logs import Entry, Logs

WARM_UP = 4.0
"""Seconds until the first line: every reader is there by then."""
BATCH = 50
END = TaskError(code="agent_failed", message="the benchmark is over", hint="")


@dataclass(frozen=True, kw_only=True)
class Followed:
    """What clients saw of `lines`: `wrong` clients missed one, saw one twice or in another order."""

    clients: int
    lines: int
    wrong: int
    seconds: float


def paced(image: str, rate: int, count: int, *, warm_up: float = WARM_UP) -> Paced:
    """Lines of a container at a steady pace, seen by the client of a live stream in a process of its own."""
    with (
        home() as (store, lease),
        serving(store) as url,
        container(image, programs.paced(rate, count, warm_up)) as (engine, box),
        viewer_of(count, url, lease.task.id, module="benchmarks.http.viewer") as viewer,
    ):
        return watched(engine, box, open_log(store, lease), viewer, rate=rate, count=count)


def reconnects(times: int, lines: int) -> Followed:
    """One client that leaves and comes back with its Last-Event-ID while the log is written."""
    with home() as (store, lease), serving(store) as url, client(url) as asking, _writing(store, lease, lines):
        begun, seen = time.monotonic(), list[int]()
        for _ in range(times):
            seen += islice(_numbers(asking, lease.task.id, seen[-1] if seen else 0), max(1, lines // (2 * times)))
        seen += _numbers(asking, lease.task.id, seen[-1])
        return Followed(
            clients=1, lines=len(seen), wrong=int(seen != list(range(1, lines + 1))), seconds=time.monotonic() - begun
        )


def many(clients: int, lines: int) -> Followed:
    """Clients that follow one task at once, from its first line to its end."""
    with home() as (store, lease), serving(store) as url, _writing(store, lease, lines):
        begun = time.monotonic()

        def follow(_: int) -> list[int]:
            with client(url) as asking:
                return list(_numbers(asking, lease.task.id, 0))

        with ThreadPoolExecutor(clients) as threads:
            wrong = sum(seen != list(range(1, lines + 1)) for seen in threads.map(follow, range(clients)))
        return Followed(clients=clients, lines=lines, wrong=wrong, seconds=time.monotonic() - begun)


@contextmanager
def _writing(store: Store, lease: Lease, lines: int) -> Iterator[None]:
    """A thread that writes a log of so many lines, 1,000 a second, and ends the task."""

    def write() -> None:
        logs, now = Logs(store), store.clock.now_ms()
        logs.open(lease.n, 1, lease.fence)
        for number in range(0, lines, BATCH):
            batch = range(number, min(number + BATCH, lines))
            logs.append(lease.n, lease.fence, [Entry(at=now, stream=Stream.OUT, text=f"line {each}") for each in batch])
            time.sleep(BATCH / 1000)
        lease.settle(Status.FAILED, END)
        store.close_thread()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _numbers(asking: httpx2.Client, task: str, after: int) -> Iterator[int]:
    """The numbers of the lines after that one, until the task ends or nobody asks for more."""
    headers = {"accept": "text/event-stream", "last-event-id": str(after)}
    with asking.stream("GET", f"/api/task/{task}/logs", headers=headers) as response:
        for line in response.iter_lines():
            if line.startswith("id: "):
                yield int(line[4:])
