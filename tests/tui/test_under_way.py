"""What is said at the end of what is not done yet when the dashboard is left."""

from __future__ import annotations

import threading

from pithy_local.errors import PithyError, Refused
from pithy_local.tui.under_way import UnderWay


def ending(problem: PithyError | None) -> tuple[bool, list[str]]:
    """What is said of a deed that is over as soon as it is waited for; and whether it was done."""
    deeds, waited, said = UnderWay(), threading.Event(), list[str]()

    def deed() -> PithyError | None:
        waited.wait(9)
        return problem

    deeds.begin("Cancel", deed)
    threading.Timer(0.05, waited.set).start()
    return deeds.finish(said.append, lambda: False), said


def test_what_is_over_at_once_is_not_spoken_of() -> None:
    assert ending(None) == (True, [])


def test_what_went_wrong_is_told_however_soon() -> None:
    assert ending(Refused("task is completed", hint="Look at it.")) == (
        True,
        ["Cancel: task is completed. Look at it."],
    )
