"""The door's process driven frame by frame, and processes that only pretend to be a door."""

from __future__ import annotations

import json
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

from pithy_local.door.frames import VERSION, Decoder, Frame, Kind, encode
from tests.door.harness import DOOR


class RawDoor:
    """`runner/door.py` as a plain process; the test is its host."""

    def __init__(self, port: int, **hello: Any) -> None:
        self.hello = {"version": VERSION, "ports": {"gateway": port}, "heartbeat": 15.0, "bind_seconds": 10.0, **hello}
        self.process = subprocess.Popen(
            DOOR, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        self._decoder = Decoder()
        self._frames: list[Frame] = []

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def greet(self) -> dict[str, Any]:
        """Say HELLO; the door's answer."""
        self.write(encode(Kind.HELLO, 0, json.dumps(self.hello).encode()))
        frame = self.read()
        assert frame.kind is Kind.HELLO
        answer: dict[str, Any] = json.loads(frame.payload)
        return answer

    def read(self) -> Frame:
        """The next frame; EOFError when there is none."""
        assert self.process.stdout is not None
        while not self._frames:
            data = self.process.stdout.read(65536)
            if not data:
                raise EOFError
            self._frames = self._decoder.feed(data)
        return self._frames.pop(0)

    def hang_up(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def exit_code(self) -> int:
        return self.process.wait(60)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait(60)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()


HELLO = encode(Kind.HELLO, 0, json.dumps({"version": VERSION, "ok": True}).encode())


def false_door(said: str, *, greets: bool = True, reads: bool = True) -> list[str]:
    """The command of a process that answers HELLO like a door, says the bytes of this expression, and stays."""
    program = f"""
import struct, sys, time
sys.stdin.buffer.raw.read(65536)
if {greets!r}:
    sys.stdout.buffer.raw.write({HELLO!r})
    sys.stdin.buffer.raw.read(65536)  # the first PING: the relay has started
said = {said}
while said:
    said = said[sys.stdout.buffer.raw.write(said):]
while {reads!r} and sys.stdin.buffer.raw.read(65536):
    pass
time.sleep(600)
"""
    return [sys.executable, "-I", "-S", "-c", program]
