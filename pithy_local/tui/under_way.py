"""What the user asked for and is not done yet. Threads do it that outlive the screens: quitting loses nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from pithy_local.errors import PithyError

SILENT_SECONDS = 1.0
"""What is over within these is not spoken of at the end."""
LOOK_SECONDS = 0.1


@dataclass
class _Deed:
    thread: threading.Thread
    problem: PithyError | None = None


class UnderWay:
    """Deeds by the name that the user knows them by. All of it is called in the main thread."""

    def __init__(self) -> None:
        self._deeds: dict[str, _Deed] = {}

    @property
    def names(self) -> list[str]:
        return [name for name, deed in self._deeds.items() if deed.thread.is_alive()]

    def begin(self, name: str, call: Callable[[], PithyError | None]) -> None:
        """Call it in a thread; it returns what went wrong. The process may end before the thread does."""

        def run() -> None:
            deed.problem = call()

        self._deeds = {each: self._deeds[each] for each in self.names}
        deed = self._deeds[name] = _Deed(threading.Thread(target=run, name=name, daemon=True))
        deed.thread.start()

    def finish(self, say: Callable[[str], None], is_told_to_leave: Callable[[], bool]) -> bool:
        """Wait for what is under way, and say what for and what came of it; whether all of it was done. Of what is over
        in a moment it says only what went wrong.

        Asked to leave, it gives up what is not done within a moment.
        """
        left = [(name, self._deeds[name]) for name in self.names]
        for _, deed in left:
            deed.thread.join(SILENT_SECONDS)
        for name, deed in left:
            long = deed.thread.is_alive()
            if long and not is_told_to_leave():
                say(f"{name}: still under way, it is waited for (ctrl+c leaves at once) …")
            while deed.thread.is_alive() and not is_told_to_leave():
                deed.thread.join(LOOK_SECONDS)
            if long or deed.problem is not None:
                say(f"{name}: {_ending(deed)}")
        return not self.names


def _ending(deed: _Deed) -> str:
    if deed.thread.is_alive():
        return "left: it may not be done"
    return f"{deed.problem.message}. {deed.problem.advice}".rstrip() if deed.problem is not None else "done"
