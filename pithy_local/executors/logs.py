"""Follow a container's log, frame by frame."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from docker.errors import NotFound

from pithy_local.errors import PithyError
from pithy_local.executors.engine import Engine, engine_errors, hang_up
from pithy_local.models import Stream

HEADER = 8
PIECE = 1 << 16
RETRY_SECONDS = 0.5
STREAMS = {1: Stream.OUT, 2: Stream.ERR}

Feed = Callable[[Stream, bytes], None]


class _Refused(Exception):
    """The receiver takes no more: its lease is lost, its disk full."""


class LogFollower:
    """Feeds a container's output to `feed`, from a thread and over a connection of its own, until the container ends.

    Own frame reader instead of docker-py's iterator: that one drops the stream's name. The end of a log stream does
    not mean that the container ended, so it is asked, and the log resumed by the count of whole frames, which is
    exact where timestamps are not (they run backwards when stdout and stderr race).
    """

    def __init__(self, container: str, feed: Feed) -> None:
        self._container, self._feed = container, feed
        self._thread = threading.Thread(target=self._run, name=f"log-{container[:12]}", daemon=True)
        self._frames = 0
        self._response: Any = None
        self._stop = threading.Event()
        self._refused = False
        self.ended = threading.Event()

    def start(self) -> None:
        self._thread.start()

    def complete(self, timeout: float) -> None:
        """Call when the container has ended and before it is removed: returns once all it wrote was fed.

        A followed stream may end before all of it was sent, and looks as if it had ended well: only a read of the
        stored log, from where we are, completes it. `timeout`: seconds for a stream that does not end although it
        should; then it is cut. Raises PithyError (docker_unreachable, container_lost).
        """
        self._thread.join(timeout)
        if self._thread.is_alive():
            self._stop.set()
            hang_up(self._response)
            self._thread.join(timeout)
        if not self._refused and not self._thread.is_alive():
            with Engine.connect() as engine, engine_errors("read the sandbox's log"):
                self._read(engine, follow=False)

    def _run(self) -> None:
        try:
            with Engine.connect() as engine:
                self._follow(engine)
        except PithyError:
            pass  # no engine: the attempt itself finds that out and says so
        finally:
            self.ended.set()

    def _follow(self, engine: Engine) -> None:
        while True:
            try:
                self._read(engine, follow=True)
            except NotFound:
                return
            except _Refused:
                self._refused = True
                return
            except Exception:
                pass  # a cut stream raises all sorts of things: whatever it was, read on from here
            if self._stop.is_set() or not _is_running(engine, self._container):
                return
            self._stop.wait(RETRY_SECONDS)

    def _read(self, engine: Engine, *, follow: bool) -> None:
        params = {"stdout": 1, "stderr": 1, "follow": int(follow)}
        self._response = response = engine.stream("GET", f"/containers/{self._container}/logs", params=params)
        try:
            skip = self._frames
            for number, (stream, data) in enumerate(frames(response.raw), start=1):
                if number > skip:
                    self._hand_on(stream, data)
                    self._frames = number
        finally:
            response.close()

    def _hand_on(self, stream: Stream, data: bytes) -> None:
        try:
            self._feed(stream, data)
        except Exception as error:
            raise _Refused from error


def frames(raw: Any) -> Iterator[tuple[Stream, bytes]]:
    """The engine's multiplexed frames: one byte of stream, three of nothing, four of length, then the data.

    `raw`: anything with `read(n)`, such as urllib3's response. Raises EOFError when it ends within a frame.
    """
    while header := raw.read(HEADER):
        if len(header) < HEADER:
            raise EOFError("the log ended within a header")
        left = int.from_bytes(header[4:], "big")
        pieces = []
        while left:
            piece = raw.read(min(left, PIECE))
            if not piece:
                raise EOFError("the log ended within a frame")
            pieces.append(piece)
            left -= len(piece)
        yield STREAMS.get(header[0], Stream.OUT), b"".join(pieces)


def _is_running(engine: Engine, container: str) -> bool:
    try:
        return bool(engine.api.inspect_container(container)["State"]["Running"])
    except NotFound:
        return False
    except Exception:  # the engine is away: it may come back with the container running
        return True
