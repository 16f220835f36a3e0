"""What a signal means to a command that works tasks."""

from __future__ import annotations

import signal

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
