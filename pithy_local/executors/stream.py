"""Read an answer of the engine while it is being written, without losing the power to stop."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any, TypeVar

from pithy_local.executors.engine import Engine, engine_errors, hang_up

TICK_SECONDS = 0.25
WAITING = 64
"""Items read ahead of the one who takes them: past this the engine waits, whatever it has to say."""

T = TypeVar("T")
Parse = Callable[[Any], Iterator[T]]
"""Takes a response whose body is still to be read; gives what is in it."""


class _End:
    """The reader's last word: why it ended, None for a clean end."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error


def messages(
    engine: Engine, path: str, *, what: str, checkpoint: Callable[[], None], **options: Any
) -> Iterator[dict[str, Any]]:
    """POST `path` and yield each JSON object of the answer. See `items`."""
    return items(engine, path, _objects, what=what, checkpoint=checkpoint, **options)


def items(
    engine: Engine, path: str, parse: Parse[T], *, what: str, checkpoint: Callable[[], None], **options: Any
) -> Generator[T, None, None]:
    """POST `path` and yield what `parse` finds in the answer, as it comes.

    `checkpoint` is called at least each TICK_SECONDS, however silent the engine is; what it raises ends the request,
    and with it the engine's work (a build whose client hangs up is stopped). Raises PithyError for the engine's
    errors, and what `parse` raises.
    """
    inbox: queue.Queue[T | _End] = queue.Queue(WAITING)
    reader = _Reader(engine, path, options, parse, inbox)
    reader.start()
    try:
        while True:
            checkpoint()
            try:
                item = inbox.get(timeout=TICK_SECONDS)
            except queue.Empty:
                continue
            if isinstance(item, _End):
                if item.error is not None:
                    with engine_errors(what):
                        raise item.error
                return
            yield item
    finally:
        reader.stop()


def _objects(response: Any) -> Iterator[dict[str, Any]]:
    for line in response.iter_lines(chunk_size=None):
        if line.strip():
            yield json.loads(line)


class _Reader:
    """Reads in a thread of its own, so that the one who waits can stop waiting."""

    def __init__(
        self, engine: Engine, path: str, options: dict[str, Any], parse: Parse[Any], inbox: queue.Queue[Any]
    ) -> None:
        self._thread = threading.Thread(target=self._run, name=f"engine{path}", daemon=True)
        self._engine, self._path, self._options, self._parse, self._inbox = engine, path, options, parse, inbox
        self._guard = threading.Lock()
        self._response: Any = None
        self._stopped = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._guard:
            self._stopped = True
            if self._response is not None:
                hang_up(self._response)
        self._thread.join(timeout=5)

    def _run(self) -> None:
        try:
            response = self._engine.stream("POST", self._path, **self._options)
            with self._guard:
                self._response = response
                if self._stopped:
                    hang_up(response)
            for item in self._parse(response):
                self._put(item)
        except Exception as error:  # handed to the caller's thread, which raises it
            self._put(_End(error))
        else:
            self._put(_End(None))

    def _put(self, item: Any) -> None:
        while not self._stopped:
            try:
                self._inbox.put(item, timeout=TICK_SECONDS)
            except queue.Full:
                continue  # the one who takes them is slow, or has stopped
            return
