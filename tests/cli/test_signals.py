"""What a signal means to a command that works tasks."""

from __future__ import annotations

import signal
import threading

import pytest

from pithy_local.cli.signals import stop_on_signals
from pithy_local.models import Stop


@pytest.mark.parametrize(
    ("number", "adoptable", "how"),
    [
        (signal.SIGINT, True, Stop.CANCEL),
        (signal.SIGTERM, True, Stop.LEAVE),
        (signal.SIGHUP, True, Stop.LEAVE),
        (signal.SIGTERM, False, Stop.CANCEL),
        (signal.SIGHUP, False, Stop.CANCEL),
    ],
)
def test_a_signal_leaves_what_runs_only_where_somebody_can_adopt_it(
    number: signal.Signals, adoptable: bool, how: Stop
) -> None:
    said: list[str] = []
    before = signal.getsignal(number)

    with stop_on_signals(said.append, adoptable=adoptable) as stop:
        signal.raise_signal(number)
        signal.raise_signal(number)

    assert (stop.is_set(), stop.how) == (True, how)
    assert said[1:] == ["still stopping"]
    assert signal.getsignal(number) is before


def test_a_signal_in_the_middle_of_a_line_stops_all_the_same() -> None:
    told = threading.Event()

    def say(_: str) -> None:
        if threading.current_thread() is threading.main_thread():
            raise RuntimeError("reentrant call inside a stream")
        told.set()

    with stop_on_signals(say) as stop:
        signal.raise_signal(signal.SIGTERM)

    assert (stop.is_set(), stop.how) == (True, Stop.LEAVE)
    assert told.wait(60)
