"""Read a stream of the engine's JSON messages without losing the power to stop."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

from pithy_local.executors.engine import Engine, engine_errors, hang_up

TICK_SECONDS = 0.25


class _End:
    """The reader's last word: why it ended, None for a clean end."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error


def messages(
    engine: Engine, path: str, *, what: str, checkpoint: Callable[[], None], **options: Any
) -> Iterator[dict[str, Any]]:
    """POST `path` and yield each JSON object of the answer.

    `checkpoint` is called at least each TICK_SECONDS, however silent the engine is; what it raises ends the request,
    and with it the engine's work (a build whose client hangs up is stopped). Raises PithyError for the engine's errors.
    """
    inbox: queue.Queue[dict[str, Any] | _End] = queue.Queue()
    reader = _Reader(engine, path, options, inbox)
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


class _Reader:
    """Reads in a thread of its own, so that the one who waits can stop waiting."""

    def __init__(self, engine: Engine, path: str, options: dict[str, Any], inbox: queue.Queue[Any]) -> None:
        self._thread = threading.Thread(target=self._run, name=f"engine{path}", daemon=True)
        self._engine, self._path, self._options, self._inbox = engine, path, options, inbox
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
            for line in response.iter_lines(chunk_size=None):
                if line.strip():
                    self._inbox.put(json.loads(line))
        except Exception as error:  # handed to the caller's thread, which raises it
            self._inbox.put(_End(error))
        else:
            self._inbox.put(_End(None))
