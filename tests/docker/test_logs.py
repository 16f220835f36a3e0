"""A container's log, followed to its last byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pithy_local.executors import container
from pithy_local.executors.engine import Engine
from pithy_local.executors.logs import LogFollower
from pithy_local.models import Stream

pytestmark = pytest.mark.docker

Run = Callable[[str], str]


@pytest.fixture
def run(engine: Engine, sandbox_image: str, instance: str) -> Iterator[Run]:
    """Starts a container that runs a Python program; returns its id."""
    started: list[str] = []

    def start(program: str) -> str:
        labels = {"pithy.instance": instance}
        made = engine.client.containers.create(sandbox_image, ["python3", "-c", program], labels=labels)
        started.append(made.id)
        made.start()
        return started[-1]

    yield start
    for made in started:
        container.remove(engine, made)


class Kept:
    """Keeps what it is fed; refuses once there is enough."""

    def __init__(self, limit: int = 1 << 30) -> None:
        self.streams = {Stream.OUT: bytearray(), Stream.ERR: bytearray()}
        self.limit = limit

    def feed(self, stream: Stream, data: bytes) -> None:
        if len(self.streams[stream]) > self.limit:
            raise ValueError("enough")
        self.streams[stream] += data


def test_both_streams_arrive_whole_and_apart(run: Run) -> None:
    program = "import sys\nfor n in range(5000):\n    print(n); print(-n, file=sys.stderr)\nprint('x' * 40_000, end='')"
    kept = Kept()
    follower = LogFollower(run(program), kept.feed)
    follower.start()
    assert follower.ended.wait(20)
    follower.complete(5)
    assert kept.streams[Stream.OUT].decode() == "".join(f"{n}\n" for n in range(5000)) + "x" * 40_000
    assert kept.streams[Stream.ERR].decode() == "".join(f"{-n}\n" for n in range(5000))


def test_what_was_written_just_before_a_kill_is_not_lost(engine: Engine, run: Run) -> None:
    started = run("import time\nfor n in range(20_000): print(n)\nprint('last', flush=True)\ntime.sleep(60)")
    kept = Kept()
    follower = LogFollower(started, kept.feed)
    follower.start()
    while b"last" not in engine.api.logs(started, tail=1):
        pass
    container.kill(engine, started)
    follower.complete(10)
    assert kept.streams[Stream.OUT].endswith(b"19999\nlast\n")


def test_a_stream_that_does_not_end_is_cut_and_read_anew_from_where_it_was(engine: Engine, run: Run) -> None:
    started = run("import time\nprint('one', flush=True)\ntime.sleep(60)")
    kept = Kept()
    follower = LogFollower(started, kept.feed)
    follower.start()
    follower.complete(1)  # while it still runs: as good as a stream that hangs
    assert kept.streams[Stream.OUT] == b"one\n"
    assert follower.ended.is_set()


def test_a_receiver_that_refuses_ends_the_following(run: Run) -> None:
    kept = Kept(limit=1000)
    follower = LogFollower(run("for n in range(100_000): print(n)"), kept.feed)
    follower.start()
    assert follower.ended.wait(10)
    assert len(kept.streams[Stream.OUT]) < 100_000
