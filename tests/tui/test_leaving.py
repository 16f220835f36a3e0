"""Leaving the dashboard by its own keys: for good, and for a while."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pithy_local.tui.board import Board
from pithy_local.tui.screens.confirm import AskScreen
from tests.support import make_bare, make_repo
from tests.tui.driving import dashboard
from tests.tui.ptys import MAIN_SCREEN, Terminal, terminal
from tests.tui.seeding import Seed


class BusyBoard(Board):
    """A worker's board at a moment when two attempts run in this process."""

    def __init__(self, seed: Seed) -> None:
        super().__init__(seed.app, worker=False)

    def running_here(self) -> int:
        return 2


async def test_quitting_asks_while_something_is_written_and_not_sent(seed: Seed) -> None:
    seed.queued()
    async with dashboard(seed) as user:
        await user.presses("n")
        await user.sees("What should change?")
        await user.types("Half a thought")
        await user.presses("ctrl+q")
        await user.sees("did not send is lost", "Quit (l)")
        await user.presses("escape")
        await user.sees_no("did not send")
        await user.sees("Half a thought")
        await user.presses("escape")
        await user.sees_no("What should change?")
        await user.presses("q")
        await user.sees("did not send is lost")
        assert user.app.return_value is None
        await user.presses("l")
        await user.until(lambda: user.app.return_value == 0, "the end")


class Busy(Board):
    def running_here(self) -> int:
        return 1


async def test_ctrl_z_stops_no_attempt_and_ctrl_c_says_what_quits(seed: Seed) -> None:
    seed.queued()
    async with dashboard(seed, board=Busy(seed.app, worker=False)) as user:
        await user.presses("ctrl+z")
        await user.is_told("they would stand still")
        await user.presses("ctrl+c")
        await user.is_told("q quits")


async def test_esc_never_quits(seed: Seed) -> None:
    async with dashboard(seed) as user:
        await user.presses("escape", "escape", "?")
        await user.sees("Tasks wait in a queue")
        await user.presses("escape")
        await user.sees_no("Tasks wait in a queue")
        await user.presses("escape")
        assert user.app.is_running
        assert user.app.return_value is None


async def test_q_quits_at_once_when_nothing_runs_here(seed: Seed) -> None:
    seed.running("An attempt of another process")
    async with dashboard(seed) as user:
        await user.presses("q")
        await user.until(lambda: user.app.return_value == 0, "the exit")


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_quitting_with_attempts_in_work_asks(seed: Seed, key: str) -> None:
    async with dashboard(seed, board=BusyBoard(seed)) as user:
        await user.presses(key)
        await user.sees("2 attempts run in this dashboard", "Stay (s)", "Leave them running (l)")
        await user.presses("q", "enter")
        await user.until(lambda: not isinstance(user.app.screen, AskScreen), "the question is gone")
        assert user.app.return_value is None
        await user.presses("q", "c")
        await user.until(lambda: user.app.return_value == 0, "the exit")


@contextmanager
def adding(seed: Seed, tmp_path: Path) -> Iterator[Terminal]:
    """A dashboard that was quit while a task is being added over a network that does not answer yet."""
    repo = make_bare(tmp_path / "r", make_repo(tmp_path / "work", {"a.txt": "one\n"}))
    with terminal(seed, "slow", {"OPENAI_API_KEY": "sk-test-5f2b7c1d9e8a4630"}) as screen:
        screen.until(b"Type a task")
        screen.presses_until("n", b"What should change?")
        screen.types(f"{repo}\tSay hello")
        screen.until(b"Say hello")
        screen.presses_until("\x13", b"Adding")
        screen.presses_until("\x11", b"Still under way: Adding.")
        screen.presses_until("l", MAIN_SCREEN)
        screen.until(b"pithy-local: Adding: still under way, it is waited for (ctrl+c leaves at once)")
        yield screen


def test_quitting_says_that_it_waits_for_a_task_that_is_being_added(seed: Seed, tmp_path: Path) -> None:
    with adding(seed, tmp_path) as screen:
        (seed.app.home.root / "network").touch()
        assert screen.ends() == 0
        assert b"pithy-local: Adding: done" in screen.written
        assert screen.is_restored()
    assert [task.title for task in seed.tasks.select()] == ["Say hello"]


def test_a_second_quit_does_not_wait(seed: Seed, tmp_path: Path) -> None:
    with adding(seed, tmp_path) as screen:
        screen.process.send_signal(signal.SIGINT)
        assert screen.ends() == 130
        assert b"pithy-local: Adding: left: it may not be done" in screen.written
        assert b"Traceback" not in screen.written
    assert seed.tasks.select() == []
