"""An attempt once more from its recorded replies, for the dashboard. Asks the service, as `board` and `worker` do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pithy_local import service
from pithy_local.models import Attempt, Task
from pithy_local.service import App
from pithy_local.tui import look


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Whether the same came of it, and what that is in words: untrusted in part."""

    same: bool
    words: str


class Replay:
    """Of the latest attempt of a task that has replies."""

    def __init__(self, app: App, task_id: str) -> None:
        self._app, self._task = app, task_id
        self._stop = service.StopSign()

    def stop(self) -> None:
        """End it before its end. From any thread."""
        self._stop.set()

    def run(self, say: Callable[[str], None]) -> Outcome | None:
        """What comes of it; `say` hears how it goes. None: it was stopped.

        Blocks, also for seconds after `stop`: nothing of it is left when this returns. Raises Refused while another
        replay is under way, NotThereYet where no reply is recorded, PithyError.
        """
        recorded = service.recording(self._app, self._task)
        say(f"attempt {recorded.attempt.number} of {self._task}: {recorded.task.title}")
        with service.replaying(self._app, recorded) as again:
            own = service.add(again.app, again.request).task.id
            service.run(
                again.app, ids=[own], patient=True, stop=self._stop,
                say=lambda text: say(text.replace(own, self._task)),
            )  # fmt: skip
            if self._stop.is_set():
                return None
            made = service.find(again.app, own)
            same = recorded.same(made, service.replayed(again, made))
        before, now = _result(recorded.attempt), _result(made)
        words = f"The same as before: {now}." if same else f"It came to {now}, before to {before}."
        return Outcome(same=same, words=words)


def _result(made: Attempt | Task) -> str:
    if made.patch is not None:
        return look.change(made.patch)
    return f"{made.error.code}: {made.error.message}" if made.error is not None else "nothing"
