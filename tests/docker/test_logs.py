"""A container's log, followed to its last byte, whoever reads it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors import container
from pithy_local.executors.engine import Engine
from pithy_local.executors.logs import LogFollower
from pithy_local.models import Stream
from tests.fakes.engine_proxy import EngineProxy
from tests.support import wait_until

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
    """Keeps what it is fed, until it has had enough of it, or fails."""

    def __init__(self, *, enough: int | None = None, fails_at: int | None = None) -> None:
        self.streams = {Stream.OUT: bytearray(), Stream.ERR: bytearray()}
        self.frames: list[int] = []
        self._enough, self._fails_at = enough, fails_at

    def feed(self, stream: Stream, data: bytes, frame: int) -> bool:
        if frame == self._fails_at:
            raise ValueError("no room")
        if frame == self._enough:
            return False
        self.streams[stream] += data
        self.frames.append(frame)
        return True

    @property
    def out(self) -> str:
        return self.streams[Stream.OUT].decode()


def numbers(start: int, end: int) -> str:
    return "".join(f"{n}\n" for n in range(start, end))


def test_both_streams_arrive_whole_and_apart(run: Run) -> None:
    program = "import sys\nfor n in range(5000):\n    print(n); print(-n, file=sys.stderr)\nprint('x' * 40_000, end='')"
    kept = Kept()
    follower = LogFollower(run(program), kept.feed)
    follower.start()
    assert follower.ended.wait(60)
    follower.complete(5)
    assert kept.out == numbers(0, 5000) + "x" * 40_000
    assert kept.streams[Stream.ERR].decode() == "".join(f"{-n}\n" for n in range(5000))
    assert kept.frames == list(range(1, len(kept.frames) + 1))


def test_what_was_written_just_before_a_kill_is_not_lost(engine: Engine, run: Run) -> None:
    started = run("import time\nfor n in range(20_000): print(n)\nprint('last', flush=True)\ntime.sleep(600)")
    kept = Kept()
    follower = LogFollower(started, kept.feed)
    follower.start()
    wait_until(lambda: b"last" in engine.api.logs(started, tail=1))
    container.kill(engine, started)
    follower.complete(10)
    assert kept.streams[Stream.OUT].endswith(b"19999\nlast\n")


def test_a_stream_that_does_not_end_is_cut_and_read_anew_from_where_it_was(engine: Engine, run: Run) -> None:
    started = run("import time\nprint('one', flush=True)\ntime.sleep(600)")
    kept = Kept()
    follower = LogFollower(started, kept.feed)
    follower.start()
    wait_until(lambda: b"one" in engine.api.logs(started))
    follower.complete(1)  # while it still runs: as good as a stream that hangs
    assert kept.streams[Stream.OUT] == b"one\n"
    assert follower.ended.is_set()


def test_a_receiver_that_fails_ends_the_following(run: Run) -> None:
    kept = Kept(fails_at=1000)
    follower = LogFollower(run("for n in range(100_000): print(n)"), kept.feed)
    follower.start()
    assert follower.ended.wait(60)
    follower.complete(5)
    assert kept.frames == list(range(1, 1000))


def test_a_receiver_that_has_had_enough_is_asked_no_more_and_the_container_goes_on(engine: Engine, run: Run) -> None:
    started = run("import time\nfor n in range(50_000): print(n)\nprint('through', flush=True)\ntime.sleep(600)")
    kept = Kept(enough=1000)
    follower = LogFollower(started, kept.feed)
    follower.start()
    wait_until(lambda: b"through" in engine.api.logs(started, tail=1))
    follower.complete(5)
    assert kept.frames == list(range(1, 1000))
    assert not follower.ended.is_set()


def test_a_second_reader_goes_on_after_the_frames_of_the_first(run: Run) -> None:
    started = run("import time\nfor n in range(3000): print(n, flush=n == 2999)\ntime.sleep(600)")
    first = Kept(fails_at=1234)
    cut = LogFollower(started, first.feed)
    cut.start()
    assert cut.ended.wait(60)
    second = Kept()
    follower = LogFollower(started, second.feed, frames=len(first.frames))
    follower.start()
    wait_until(lambda: second.out.endswith("2999\n"))
    follower.stop(60)
    assert first.out + second.out == numbers(0, 3000)
    assert second.frames[0] == 1234


def test_the_log_of_a_container_that_has_ended_is_completed_without_following(engine: Engine, run: Run) -> None:
    started = run("for n in range(3000): print(n)")
    engine.api.wait(started, timeout=60)
    kept = Kept()
    LogFollower(started, kept.feed, frames=1000).complete(5)
    assert kept.out == numbers(1000, 3000)


def test_a_connection_that_is_cut_costs_no_line_and_doubles_none(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = EngineProxy.of_this_machine()
    for size in (1_003, 5_001, 12_007):  # within a frame
        proxy.break_after("GET containers/logs", size)
    monkeypatch.setenv("DOCKER_HOST", proxy.url)
    started = run("import time\nfor n in range(2000): print(n, flush=n == 1999)\ntime.sleep(600)")
    kept = Kept()
    follower = LogFollower(started, kept.feed)
    follower.start()
    try:
        wait_until(lambda: kept.out.endswith("1999\n"))
        follower.stop(60)
    finally:
        proxy.cut()
    assert kept.out == numbers(0, 2000)


def test_a_last_reading_that_is_cut_is_begun_again(
    engine: Engine, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    proxy = EngineProxy.of_this_machine()
    for size in (5_001, 12_007):
        proxy.break_after("GET containers/logs", size)
    proxy.fail_next("GET containers/logs", 500)
    monkeypatch.setenv("DOCKER_HOST", proxy.url)
    started = run("for n in range(2000): print(n)")
    engine.api.wait(started, timeout=60)
    kept = Kept()
    try:
        LogFollower(started, kept.feed).complete(5)
    finally:
        proxy.cut()
    assert kept.out == numbers(0, 2000)


def test_an_engine_that_never_gives_the_whole_log_is_said_to_be_lost(
    engine: Engine, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    proxy = EngineProxy.of_this_machine()
    proxy.break_after("GET containers/logs", 5_001, times=99)
    monkeypatch.setenv("DOCKER_HOST", proxy.url)
    started = run("for n in range(2000): print(n)")
    engine.api.wait(started, timeout=60)
    try:
        with pytest.raises(PithyError) as caught:
            LogFollower(started, Kept().feed).complete(5)
    finally:
        proxy.cut()
    assert caught.value.code is ErrorCode.DOCKER_UNREACHABLE


def test_an_answer_that_stalls_loses_no_line_and_doubles_none_when_it_comes_late(
    engine: Engine, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = EngineProxy.of_this_machine()
    stalled = proxy.hold("GET containers/logs")
    monkeypatch.setenv("DOCKER_HOST", proxy.url)
    started = run("for n in range(2000): print(n)")
    kept = Kept()
    follower = LogFollower(started, kept.feed)
    follower.start()
    try:
        engine.api.wait(started, timeout=60)
        follower.complete(0.2)
        assert kept.out == numbers(0, 2000)
        stalled.release()
        assert follower.ended.wait(60)
    finally:
        proxy.cut()
    assert kept.out == numbers(0, 2000)


def test_leaving_a_log_ends_its_thread_and_leaves_the_container(engine: Engine, run: Run) -> None:
    started = run("import time\nprint('one', flush=True)\ntime.sleep(600)")
    seen = threading.Event()
    follower = LogFollower(started, lambda *_: seen.set())
    follower.start()
    assert seen.wait(60)
    follower.stop(60)
    assert follower.ended.is_set()
    assert engine.api.inspect_container(started)["State"]["Running"]
