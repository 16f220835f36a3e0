"""The schedule on which a request that failed for now is made again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pithy_local.errors import ErrorCode, LeaseLost, PithyError
from pithy_local.retry import WAITS, retried


def failing(times: int, code: ErrorCode = ErrorCode.GITHUB_ERROR) -> Callable[[], int]:
    """Fails so many times, then returns the number of the call."""
    calls = 0

    def ask() -> int:
        nonlocal calls
        calls += 1
        if calls <= times:
            raise PithyError(code, f"failure {calls}")
        return calls

    return ask


def as_planned(failure: PithyError, planned: float) -> float | None:
    return planned


def test_the_contract_names_one_two_and_four_seconds() -> None:
    assert WAITS == (1.0, 2.0, 4.0)


def test_it_is_asked_until_there_is_an_answer() -> None:
    waited: list[float] = []
    assert retried(failing(2), as_planned, wait=waited.append) == 3
    assert waited == [1.0, 2.0]


def test_the_last_failure_is_raised() -> None:
    waited: list[float] = []
    with pytest.raises(PithyError, match="failure 4"):
        retried(failing(9), as_planned, wait=waited.append)
    assert waited == [1.0, 2.0, 4.0]


def test_what_would_fail_again_is_raised_at_once() -> None:
    waited: list[float] = []
    with pytest.raises(PithyError, match="failure 1"):
        retried(failing(9), lambda failure, planned: None, wait=waited.append)
    assert waited == []


def test_the_failure_may_ask_for_another_pause() -> None:
    waited: list[float] = []
    retried(failing(2), lambda failure, planned: planned + 10, wait=waited.append)
    assert waited == [11.0, 12.0]


def test_without_waits_it_is_asked_once() -> None:
    with pytest.raises(PithyError, match="failure 1"):
        retried(failing(1), as_planned, waits=())


def test_a_wait_may_end_it() -> None:
    def lose(seconds: float) -> None:
        raise LeaseLost

    with pytest.raises(LeaseLost):
        retried(failing(1), as_planned, wait=lose)
