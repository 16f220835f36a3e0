"""What `--at` takes: times of this machine's place, in the future."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from pithy_local.errors import UsageError
from pithy_local.service.times import FORMS, start_time


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A place with summer time, by its rule: the machine may have no list of places."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


NOW = "2026-11-23T10:30:15"


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("12:00", "2026-11-23T11:00"), ("9:05", "2026-11-24T08:05"), ("11:30", "2026-11-24T10:30"),
        ("11:31", "2026-11-23T10:31"), ("tomorrow 12:00", "2026-11-24T11:00"), ("tomorrow  9:05", "2026-11-24T08:05"),
        ("+2h", "2026-11-23T12:30:15"), ("+90", "2026-11-23T10:31:45"), ("+1.5d", "2026-11-24T22:30:15"),
        ("2026-12-24T09:00", "2026-12-24T08:00"), ("2026-12-24 09:00:01", "2026-12-24T08:00:01"),
        ("2026-12-24T09:00Z", "2026-12-24T09:00"), ("2026-12-24T09:00+05:30", "2026-12-24T03:30"),
        ("2026-12-24", "2026-12-23T23:00"), ("2027-07-01T09:00", "2027-07-01T07:00"), (" 12:00 ", "2026-11-23T11:00"),
    ],
)  # fmt: skip
def test_a_time_in_one_of_the_forms(text: str, utc: str) -> None:
    assert start_time(text, ms(NOW)) == ms(utc)


@pytest.mark.parametrize("text", ["2026-11-23T11:30:15", "2026-11-23T10:30Z", "2001-01-01", "+0s", "1969-12-31T00:00Z"])
def test_a_time_that_has_passed_is_now(text: str) -> None:
    assert start_time(text, ms(NOW)) == 0


def test_tomorrow_is_the_next_day_where_clocks_are_changed_in_between() -> None:
    """Of the night to 2027-03-28 the clocks skip 02:00 to 03:00."""
    before = ms("2027-03-27T20:00")

    assert start_time("tomorrow 08:00", before) == ms("2027-03-28T06:00")
    assert start_time("08:00", before) == ms("2027-03-28T06:00")
    assert start_time("02:30", before) == ms("2027-03-28T01:30")
    assert start_time("+1d", before) == ms("2027-03-28T20:00"), "a duration is one"


@pytest.mark.parametrize(
    "text",
    [
        "", "soon", "24:00", "12:60", "12", "tomorrow", "yesterday 10:00", "+", "+-2h", "-2h", "+2 h", "2026-13-01",
        "2026-02-30T10:00", "0001-01-01T00:00", "9999-12-31T23:59", "+4000d", "+" + "9" * 400, "2036-12-01", "\x1b[2J",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_what_is_taken(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        start_time(text, ms(NOW))

    assert refused.value.hint == FORMS
    assert len(refused.value.message) < 80
