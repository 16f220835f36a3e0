"""A small run of `benchmarks.tui`: that it measures what it says, not how quick this machine is."""

from __future__ import annotations

from benchmarks.tui.__main__ import Figure, measured


def test_every_figure_is_measured() -> None:
    figures = measured(lines=2_000, rounds=1, idle_seconds=0.5, keys=6)
    assert len(figures) == 7
    assert all(figure.value > 0 for figure in figures if "nothing happens" not in figure.name)


def test_a_figure_beyond_its_bar_says_so() -> None:
    assert "TOO MUCH" in str(Figure(name="x", value=2.1, bar=2.0, unit="x"))
    assert Figure(name="x", value=2.0, bar=2.0, unit="x").holds
