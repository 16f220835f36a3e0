"""An agent's time: what passes while the gateway waits for a rate limit is not its own."""

from __future__ import annotations

import pytest

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors.deadline import Deadline


class Gateway:
    """Has waited so long."""

    waited = 40.0


def test_time_that_is_over_is_an_error() -> None:
    with pytest.raises(PithyError, match="within 0 s") as caught:
        Deadline(0, lambda: 0.0).check()
    assert caught.value.code is ErrorCode.TIMEOUT


def test_waiting_for_a_rate_limit_moves_the_end() -> None:
    gateway = Gateway()
    deadline = Deadline(30, lambda: gateway.waited)
    assert 0 < deadline.left <= 30  # what was waited for before it began moves nothing
    gateway.waited += 1000
    assert 1000 < deadline.left <= 1030
    deadline.check()
