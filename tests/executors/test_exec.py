"""Commands run by an engine that stalls, breaks off and refuses: only it knows how one ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pithy_local.errors import Cancelled, ErrorCode, PithyError
from pithy_local.executors.engine import Engine
from pithy_local.executors.exec import run_command
from pithy_local.executors.stream import WAITING, items
from tests.executors.fake_engine import Serve
from tests.fakes.loopback import Exchange, Gate
from tests.support import wait_until

Connect = Callable[[Serve], Engine]
RAW = {"Content-Type": "application/vnd.docker.raw-stream"}


def frame(data: bytes, stream: int = 1) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


class ExecEngine:
    """Answers as an engine with one exec: `output` is its stream, `states` what it says of it, one after the other."""

    def __init__(self, output: Callable[[Exchange], None], *states: int | None) -> None:
        self._output, self._states = output, list(states)
        self.asked: list[dict[str, object]] = []

    def __call__(self, exchange: Exchange) -> None:
        path = exchange.request.path.removeprefix("/v1.41")
        if path == "/containers/box/exec":
            self.asked.append(exchange.request.json())
            exchange.send(201, b'{"Id": "e1"}')
        elif path == "/exec/e1/start":
            self.asked.append(exchange.request.json())
            exchange.begin(200, RAW)
            self._output(exchange)
        else:
            code = self._states.pop(0)
            exchange.send(200, json.dumps({"Running": code is None, "ExitCode": code}).encode())


def silent(gate: Gate) -> Callable[[Exchange], None]:
    """A command that says nothing until the gate opens."""

    def output(exchange: Exchange) -> None:
        exchange.wait(gate)

    return output


def run(engine: Engine, seconds: float = 20.0, checkpoint: Callable[[], None] = lambda: None) -> tuple[int, bytes]:
    output = bytearray()
    code = run_command(
        engine, "box", ["sh", "-c", "true"], user="1000:1000", workdir="/pithy", seconds=seconds,
        checkpoint=checkpoint, take=output.extend,
    )  # fmt: skip
    return code, bytes(output)


def test_both_streams_come_as_written_and_the_engine_says_the_exit_code(connect: Connect) -> None:
    def output(exchange: Exchange) -> None:
        exchange.write(frame(b"one ") + frame(b"two ", 2)[:5])
        exchange.write(frame(b"two ", 2)[5:] + frame(b"three"))
        exchange.end()

    engine = ExecEngine(output, 7)
    assert run(connect(engine)) == (7, b"one two three")
    made, started = engine.asked
    assert (made["User"], made["WorkingDir"], made["AttachStdin"]) == ("1000:1000", "/pithy", False)
    assert started == {"Detach": False, "Tty": False}


def test_a_stream_that_ends_within_a_frame_does_not_end_the_command(connect: Connect) -> None:
    def output(exchange: Exchange) -> None:
        exchange.write(frame(b"whole") + frame(b"broken")[:-1])
        exchange.end()

    assert run(connect(ExecEngine(output, None, None, 0))) == (0, b"whole")


def test_a_stream_that_is_cut_is_a_lost_engine(connect: Connect) -> None:
    def output(exchange: Exchange) -> None:
        exchange.write(frame(b"whole"))
        exchange.cut()

    with pytest.raises(PithyError) as caught:
        run(connect(ExecEngine(output)))
    assert caught.value.code is ErrorCode.DOCKER_UNREACHABLE


def test_a_silent_command_meets_its_time_limit(connect: Connect) -> None:
    gate = Gate()
    with pytest.raises(TimeoutError):
        run(connect(ExecEngine(silent(gate))), seconds=0.5)
    assert gate.reached.wait(60)


def test_a_command_that_runs_on_without_its_stream_meets_its_time_limit(connect: Connect) -> None:
    states = [None] * 100
    with pytest.raises(TimeoutError):
        run(connect(ExecEngine(lambda exchange: exchange.end(), *states)), seconds=0.5)


def test_a_checkpoint_that_raises_ends_the_wait(connect: Connect) -> None:
    gate = Gate()

    def checkpoint() -> None:
        if gate.reached.is_set():
            raise Cancelled

    with pytest.raises(Cancelled):
        run(connect(ExecEngine(silent(gate))), checkpoint=checkpoint)


def test_a_command_that_cannot_be_made_ready_says_what_the_engine_said(connect: Connect) -> None:
    def refuse(exchange: Exchange) -> None:
        exchange.send(409, b'{"message": "Container box is not running"}', {"Content-Type": "application/json"})

    with pytest.raises(PithyError, match="is not running"):
        run(connect(refuse))


def test_a_taker_that_is_slow_makes_the_engine_wait(connect: Connect) -> None:
    """Nothing is hoarded: what nobody takes stays with the one who writes it."""
    read: list[int] = []

    def parse(response: Any) -> Iterator[int]:
        for number in range(10_000):
            read.append(number)
            yield number

    answer = connect(lambda exchange: exchange.send(200))
    stream = items(answer, "/exec/e1/start", parse, what="run", checkpoint=lambda: None)
    assert next(stream) == 0
    wait_until(lambda: len(read) > WAITING, what="the reader's being ahead")
    assert len(read) <= WAITING + 2
    assert list(stream) == list(range(1, 10_000))
