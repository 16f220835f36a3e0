"""How long a 429 closes a gate, and how the time before closed gates is summed up."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pithy_local.door.rate_limit import LONGEST, Pauses, WaitingTime, wait_told
from tests.door.harness import calm

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)


class HandClock:
    """A clock that stands until it is moved; both its times start at NOW."""

    def __init__(self) -> None:
        self.ms = NOW_MS

    def now_ms(self) -> int:
        return self.ms

    def lease_ms(self) -> int:
        return self.ms

    def sleep(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(NOW.timestamp() + seconds, UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": " 7 "}, 7),
        ({"retry-after": format_datetime(at(90), usegmt=True)}, 90),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9),
        ({"retry-after": "9", "x-ratelimit-reset-tokens": "1s"}, 9),
        ({"x-ratelimit-reset-requests": "6m0s"}, 360),
        ({"x-ratelimit-reset-requests": "20ms"}, 0.02),
        ({"x-ratelimit-reset-tokens": "1h2m3.5s"}, 3723.5),
        ({"x-ratelimit-reset-tokens": "1d"}, LONGEST),
        ({"x-ratelimit-reset-tokens": "59.7"}, 59.7),
        ({"x-ratelimit-reset": str(NOW_MS // 1000 + 30)}, 30),
        ({"x-ratelimit-reset": str(NOW_MS + 30_000)}, 30),
        ({"anthropic-ratelimit-requests-reset": "2026-11-23T12:00:40Z"}, 40),
        ({"anthropic-ratelimit-input-tokens-reset": "2026-11-23T12:00:40+00:00"}, 40),
        ({"x-ratelimit-reset-requests": "9s", "x-ratelimit-reset-tokens": "4s"}, 9),
        (
            {
                "x-ratelimit-reset-requests": "9s", "x-ratelimit-remaining-requests": "12",
                "x-ratelimit-reset-tokens": "4s", "x-ratelimit-remaining-tokens": "0",
            },
            4,
        ),
        (
            {
                "anthropic-ratelimit-requests-reset": "2026-11-23T12:00:40Z",
                "anthropic-ratelimit-requests-remaining": "5",
                "anthropic-ratelimit-output-tokens-reset": "2026-11-23T12:00:10Z",
                "anthropic-ratelimit-output-tokens-remaining": "0",
            },
            10,
        ),
        ({"retry-after": "999999999"}, LONGEST),
    ],
)  # fmt: skip
def test_the_wait_is_what_the_provider_asks_for(headers: dict[str, str], seconds: float) -> None:
    assert wait_told(headers, NOW_MS) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"retry-after": ""},
        {"retry-after": "soon"},
        {"retry-after": "0"},
        {"retry-after": "-5"},
        {"retry-after": "nan"},
        {"retry-after": "inf"},
        {"retry-after": format_datetime(at(-90), usegmt=True)},
        {"x-ratelimit-reset-tokens": ""},
        {"x-ratelimit-reset-tokens": "whenever"},
        {"anthropic-ratelimit-tokens-reset": "2026-11-23T11:00:00Z"},
        {"x-ratelimit-limit-tokens": "500"},
    ],
)
def test_what_says_nothing_is_no_wait(headers: dict[str, str]) -> None:
    assert wait_told(headers, NOW_MS) is None


@calm
@given(st.sampled_from(["retry-after", "retry-after-ms", "x-ratelimit-reset", "x-ratelimit-reset-tokens",
                        "anthropic-ratelimit-tokens-reset"]), st.text(max_size=20))  # fmt: skip
def test_no_header_can_break_the_reading(name: str, value: str) -> None:
    told = wait_told({name: value}, NOW_MS)
    assert told is None or 0 < told <= LONGEST


def test_silence_is_waited_for_twice_as_long_each_time() -> None:
    clock = HandClock()
    pauses = Pauses(clock)
    waits = []
    for _ in range(9):
        waits.append(pauses.next("openai", {}, clock.lease_ms()))
        clock.sleep(waits[-1])
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_a_good_answer_ends_the_row() -> None:
    clock = HandClock()
    pauses = Pauses(clock)
    for _ in range(3):
        pauses.next("openai", {}, clock.lease_ms())
        clock.sleep(60)
    pauses.over("openai")
    assert pauses.next("openai", {}, clock.lease_ms()) == 5


def test_providers_have_rows_of_their_own() -> None:
    clock = HandClock()
    pauses = Pauses(clock)
    pauses.next("openai", {}, clock.lease_ms())
    clock.sleep(60)
    assert pauses.next("anthropic", {}, clock.lease_ms()) == 5


def test_a_wave_of_refusals_is_one_of_the_row() -> None:
    clock = HandClock()
    pauses = Pauses(clock)
    asked_at = clock.lease_ms()
    clock.sleep(1)
    assert [pauses.next("openai", {}, asked_at) for _ in range(20)] == [5] * 20
    clock.sleep(5)
    assert pauses.next("openai", {}, clock.lease_ms()) == 10


def test_what_the_provider_says_goes_before_the_row() -> None:
    clock = HandClock()
    pauses = Pauses(clock)
    pauses.next("openai", {}, clock.lease_ms())
    clock.sleep(60)
    assert pauses.next("openai", {"retry-after": "1"}, clock.lease_ms()) == 1


def test_waits_that_overlap_are_counted_once() -> None:
    clock = HandClock()
    waiting = WaitingTime(clock)
    with waiting.counted():
        clock.sleep(2)
        with waiting.counted():
            clock.sleep(3)
            assert waiting.seconds == 5
        clock.sleep(1)
    clock.sleep(100)
    assert waiting.seconds == 6
    with waiting.counted():
        clock.sleep(4)
    assert waiting.seconds == 10
