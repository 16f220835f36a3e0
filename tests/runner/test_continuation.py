"""A cut answer and its rest become one only where both show the same lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner import continuation
from tests.runner.support import DIFF, fenced

WHOLE = fenced(DIFF)
CUTS = range(WHOLE.index("```diff") + 10, len(WHOLE))


@given(cut=st.sampled_from(CUTS), lead=st.sampled_from(["", "\n", "```diff\n", "\n\n```\n"]))
def test_a_rest_that_repeats_the_last_lines_gives_the_whole(cut: int, lead: str) -> None:
    repeated = continuation.last_lines(WHOLE[:cut])
    rest = WHOLE[cut - len(repeated) :]

    assert continuation.joined(WHOLE[:cut], lead + rest) == WHOLE
    assert continuation.joined(WHOLE[:cut], rest.lstrip()) == WHOLE


@given(cut=st.sampled_from(CUTS))
def test_a_rest_that_is_all_of_it_again_is_taken(cut: int) -> None:
    assert continuation.joined(WHOLE[:cut], WHOLE) == WHOLE


@given(cut=st.sampled_from(CUTS), skipped=st.integers(min_value=1, max_value=40))
def test_a_rest_that_begins_elsewhere_is_not_joined(cut: int, skipped: int) -> None:
    repeated = continuation.last_lines(WHOLE[:cut]).lstrip()

    rest = WHOLE[cut - len(repeated) + skipped :]
    assert continuation.joined(WHOLE[:cut], rest) is None


@given(text=st.text("ab +-\n", max_size=300), rest=st.text("ab +-\n", max_size=300))
def test_what_is_joined_begins_with_what_was_there(text: str, rest: str) -> None:
    whole = continuation.joined(text, rest)

    assert whole is None or (whole.startswith(text) and whole.endswith(rest.lstrip()))


def test_the_repeated_lines_stand_once_in_the_answer() -> None:
    repeated = "+    assertEqual(1, 1)\n" * 8

    assert continuation.last_lines("```diff\n" + repeated) == repeated


@pytest.mark.parametrize("text", ["", "I would rather", "<think>```diff\n--- a/x\n", "NEED: a.py"])
def test_only_the_beginning_of_a_change_is_gone_on_with(text: str) -> None:
    assert not continuation.possible(text)


def test_an_endless_line_is_not_repeated() -> None:
    assert not continuation.possible("```diff\n+" + "x" * 100_000)
