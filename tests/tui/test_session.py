"""A part of `python -m tests.tui.session`: what no other test shows, in a real terminal with real containers."""

from __future__ import annotations

import shutil

import pytest

from tests.e2e.conftest import world
from tests.e2e.world import World
from tests.tui.session import LINES, play

__all__ = ["world"]
WITHOUT = ("search_its_log", "send_it_back", "cancel_another", "answer_a_third")


@pytest.mark.docker
@pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux")
def test_from_an_empty_home_to_a_pull_request_and_a_task_that_is_taken_up_again(world: World) -> None:
    session = play(world, *WITHOUT)

    assert len(session.late) == LINES
    assert session.looks > 2, "the lines came all at once"
    assert [pr.head for pr in world.github.prs] == [f"pj/{task}" for task in reversed(tasks(world))]


def tasks(world: World) -> list[str]:
    """Ids, newest first."""
    return [line.split("\t")[0] for line in world.ok("list").out.splitlines()]
