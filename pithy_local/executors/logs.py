"""Follow a container's log, frame by frame."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from docker.errors import NotFound

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors.engine import Engine, engine_errors, hang_up
from pithy_local.models import Stream
from pithy_local.retry import retried

HEADER = 8
PIECE = 1 << 16
RETRY_SECONDS = 0.5
REST_WAITS = (0.2, 1.0, 3.0)
"""Seconds before the last reading is tried again: an engine that restarts is back by then, or is away for longer."""
STREAMS = {1: Stream.OUT, 2: Stream.ERR}

Feed = Callable[[Stream, bytes, int], bool | None]
"""Takes a frame and its number in the container's log, from 1; False when it wants no more."""


class _Enough(Exception):
    """The receiver wants no more: its log is full."""


class _Refused(Exception):
    """The receiver failed: its lease is lost, its disk full."""


class LogFollower:
    """Feeds a container's output to `feed`, from a thread and over a connection of its own, until the container ends.

    `frames`: how many of them were taken already, by a process that is gone.

    Own frame reader instead of docker-py's iterator: that one drops the stream's name. The end of a log stream does
    not mean that the container ended, so it is asked, and the log resumed by the count of whole frames, which is
    exact where timestamps are not (they run backwards when stdout and stderr race).
    """

    def __init__(self, container: str, feed: Feed, frames: int = 0) -> None:
        self._container, self._feed, self._frames = container, feed, frames
        self._thread = threading.Thread(target=self._run, name=f"log-{container[:12]}", daemon=True)
        self._response: Any = None
        self._stop = threading.Event()
        self._turn = threading.Lock()  # a stream that hung may wake up while the log is completed without it
        self._done = False
        self.ended = threading.Event()
        """The container may have ended. Not set where the receiver has had enough of one that goes on."""

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Leave the log as it is: another process goes on with it. Waits up to `timeout` seconds for the thread."""
        self._stop.set()
        if self._response is not None:
            hang_up(self._response)
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def complete(self, timeout: float) -> None:
        """Call when the container has ended and before it is removed: returns once all it wrote was fed.

        A followed stream may end before all of it was sent, and looks as if it had ended well: only a read of the
        stored log, from where we are, completes it. `timeout`: seconds for a stream that does not end although it
        should; then it is cut. Works without `start` too. Raises PithyError (docker_unreachable, container_lost).
        """
        if self._thread.ident is not None:
            self._thread.join(timeout)
            if self._thread.is_alive():
                self.stop(timeout)
        if not self._done:
            retried(self._read_rest, _pause, waits=REST_WAITS)

    def _read_rest(self) -> None:
        with Engine.connect() as engine, engine_errors("read the sandbox's log"):
            try:
                self._read(engine, follow=False)
            except (_Enough, _Refused):
                self._done = True
            except EOFError as error:
                raise ConnectionError(str(error)) from error

    def _run(self) -> None:
        try:
            with Engine.connect() as engine:
                self._follow(engine)
        except _Enough:
            self._done = True
            return
        except _Refused:
            self._done = True
        except PithyError:
            pass  # no engine: the attempt itself finds that out and says so
        self.ended.set()

    def _follow(self, engine: Engine) -> None:
        while True:
            try:
                self._read(engine, follow=True)
            except NotFound:
                return
            except (_Enough, _Refused):
                raise
            except Exception:
                pass  # a cut stream raises all sorts of things: whatever it was, read on from here
            if self._stop.is_set() or not _is_running(engine, self._container):
                return
            self._stop.wait(RETRY_SECONDS)

    def _read(self, engine: Engine, *, follow: bool) -> None:
        params = {"stdout": 1, "stderr": 1, "follow": int(follow)}
        self._response = response = engine.stream("GET", f"/containers/{self._container}/logs", params=params)
        try:
            if follow and self._stop.is_set():  # before there was a stream to hang up
                return
            for number, (stream, data) in enumerate(frames(response.raw), start=1):
                with self._turn:
                    if number > self._frames:
                        self._hand_on(stream, data, number)
                        self._frames = number
        finally:
            response.close()

    def _hand_on(self, stream: Stream, data: bytes, number: int) -> None:
        try:
            wanted = self._feed(stream, data, number)
        except Exception as error:
            raise _Refused from error
        if wanted is False:
            raise _Enough


def frames(raw: Any) -> Iterator[tuple[Stream, bytes]]:
    """The engine's multiplexed frames: one byte of stream, three of nothing, four of length, then the data.

    `raw`: anything with `read1(n)`, such as urllib3's response. Raises EOFError when it ends within a frame.
    """
    held = bytearray()
    while piece := raw.read1(PIECE):
        held += piece
        at = 0
        while len(held) >= (begin := at + HEADER):
            end = begin + int.from_bytes(held[at + 4 : begin], "big")
            if end > len(held):
                break
            yield STREAMS.get(held[at], Stream.OUT), bytes(held[begin:end])
            at = end
        del held[:at]
    if held:
        raise EOFError("the log ended within a frame")


def _pause(failure: PithyError, planned: float) -> float | None:
    return None if failure.code is ErrorCode.CONTAINER_LOST else planned


def _is_running(engine: Engine, container: str) -> bool:
    try:
        return bool(engine.api.inspect_container(container)["State"]["Running"])
    except NotFound:
        return False
    except Exception:  # the engine is away: it may come back with the container running
        return True
