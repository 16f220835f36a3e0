"""Runs of common lines: in order, really common, and found without taking the square of the length."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from runner.patch import common

LINES = st.lists(st.sampled_from("abcdefgh"), max_size=40)


@given(old=LINES, new=LINES)
def test_runs_are_common_and_in_order(old: list[str], new: list[str]) -> None:
    a = b = 0
    for x, y, size in common.runs(old, new):
        assert size > 0
        assert x >= a
        assert y >= b
        assert old[x : x + size] == new[y : y + size]
        a, b = x + size, y + size


@given(lines=st.lists(st.integers(), unique=True, max_size=40), gone=st.sets(st.integers(0, 39)))
def test_what_is_left_of_distinct_lines_is_found(lines: list[int], gone: set[int]) -> None:
    old = [str(number) for number in lines]
    new = [line for at, line in enumerate(old) if at not in gone]

    assert sum(size for _, _, size in common.runs(old, new)) == len(new)


def test_repetitive_texts_take_no_time() -> None:
    started = time.process_time()

    common.runs(["p", "q"] * 20_000, ["q", "r", "p"] * 20_000)

    assert time.process_time() - started < 9
