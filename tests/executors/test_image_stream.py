"""Streams of the engine's messages: read from a loopback engine that stalls, breaks off and refuses."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from pithy_local.errors import Cancelled, ErrorCode, PithyError
from pithy_local.executors.engine import Engine
from pithy_local.executors.stream import messages
from tests.executors.fake_engine import Serve
from tests.fakes.loopback import Exchange, Gate

JSON = {"Content-Type": "application/json"}
Connect = Callable[[Serve], Engine]


def test_messages_arrive_while_the_stream_is_still_open(connect: Connect) -> None:
    gate = Gate()

    def answer(exchange: Exchange) -> None:
        exchange.begin(200, JSON)
        exchange.write(b'{"stream": "one"}\r\n{"stre')
        exchange.wait(gate)
        exchange.write(b'am": "two"}\r\n')
        exchange.end()

    stream = messages(connect(answer), "/build", what="build", checkpoint=lambda: None)
    assert next(stream) == {"stream": "one"}
    gate.release()
    assert list(stream) == [{"stream": "two"}]


def test_a_silent_engine_does_not_keep_a_cancelled_build(connect: Connect) -> None:
    hung_up = Gate()

    def answer(exchange: Exchange) -> None:
        exchange.begin(200, JSON)
        exchange.write(b'{"stream": "one"}\n')
        while exchange.wait(None, 0.02):
            pass
        hung_up.wait(0)  # tells that the client left

    cancelled = False

    def checkpoint() -> None:
        if cancelled:
            raise Cancelled

    stream = messages(connect(answer), "/build", what="build", checkpoint=checkpoint)
    next(stream)
    cancelled = True
    with pytest.raises(Cancelled):
        next(stream)
    assert hung_up.reached.wait(60)


def test_a_stream_that_breaks_off_is_a_lost_engine(connect: Connect) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.begin(200, JSON)
        exchange.write(b'{"stream": "one"}\n')
        exchange.cut()

    with pytest.raises(PithyError) as caught:
        list(messages(connect(answer), "/build", what="build", checkpoint=lambda: None))
    assert caught.value.code is ErrorCode.DOCKER_UNREACHABLE


def test_a_refusal_says_what_the_engine_said(connect: Connect) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.send(500, json.dumps({"message": "Cannot locate specified Dockerfile"}).encode(), JSON)

    with pytest.raises(PithyError, match="Cannot locate") as caught:
        list(messages(connect(answer), "/build", what="build", checkpoint=lambda: None))
    assert caught.value.detail["http_status"] == 500


def test_a_full_disk_has_its_own_code(connect: Connect) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.send(500, json.dumps({"message": "write /x: no space left on device"}).encode(), JSON)

    with pytest.raises(PithyError) as caught:
        list(messages(connect(answer), "/build", what="build", checkpoint=lambda: None))
    assert caught.value.code is ErrorCode.DISK_FULL
