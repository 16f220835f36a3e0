"""What the service advises its callers at a shell, as the dashboard says it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import pithy_local
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.models import Status, TaskError
from pithy_local.store.holds import Holds
from pithy_local.tui.board import Board
from pithy_local.tui.keymap import Keymap
from pithy_local.tui.models import hints
from pithy_local.tui.models.hints import in_here, told
from pithy_local.tui.records import Draft
from pithy_local.tui.screens.new_task import NewTaskScreen
from tests.support import make_bare, make_repo
from tests.tui.driving import dashboard
from tests.tui.seeding import Seed

KEYS = Keymap()
AT_A_SHELL = {"backup", "config", "image", "init", "prune", "run", "serve"}
"""Verbs that nothing in the dashboard does."""
PACKAGES = ("service", "store", "lifecycle", "git", "forge", "executors", "door", "config")
ADVISED = re.compile(r"`pithy-local ([a-z-]+)")


def test_each_command_that_is_advised_has_a_key_or_is_for_a_shell_on_purpose() -> None:
    root = Path(pithy_local.__file__).parent
    files = [root / "errors.py", *(file for package in PACKAGES for file in (root / package).rglob("*.*"))]
    advised = {verb for file in files if file.suffix in (".py", ".sql") for verb in ADVISED.findall(file.read_text())}
    assert advised >= {"retry", "show", "wait", "resume"}
    assert advised - AT_A_SHELL <= {*hints.ACTIONS, *hints.NEEDLESS}


@pytest.mark.parametrize("code", ErrorCode, ids=lambda code: code.word)
def test_no_refusal_names_a_command_that_has_a_key(code: ErrorCode) -> None:
    said = told(PithyError(code, "it went wrong"), KEYS)
    assert {*ADVISED.findall(said)} <= AT_A_SHELL
    assert said.startswith("it went wrong.")
    assert not said.endswith((" ", ".."))


def every_refusal(seed: Seed) -> Iterator[str]:
    """What the service says to each deed that a task does not take as it stands."""
    board = Board(seed.app, worker=False)
    error = TaskError(code="timeout", message="", hint="")
    tasks = [seed.queued(), seed.running().task, seed.settled(Status.NEEDS_REVIEW, diff=b"")]
    tasks += [seed.settled(status, error=error) for status in (Status.FAILED, Status.COMPLETED, Status.CANCELLED)]
    tasks.append(seed.settled(Status.NEEDS_CLARIFICATION, question="Which?"))
    deeds: tuple[Callable[[str], object], ...] = (
        board.cancel, board.run_now, board.accept, board.reject, board.remove, board.diff, board.container,
        lambda task: board.retry(task, ""), lambda task: board.answer(task, ""), lambda task: board.task("zzzzzz"),
        lambda task: board.edit_prompt(task, ""), lambda task: board.add(Draft(repo="a/b", prompt="c", after=task)),
    )  # fmt: skip
    for deed in deeds:
        for task in tasks:
            try:
                deed(task.id)
            except PithyError as refused:
                yield told(refused, KEYS)


def test_every_refusal_of_the_service_is_in_words_of_the_dashboard(seed: Seed) -> None:
    said = [*every_refusal(seed)]
    assert len(said) > 30
    assert [each for each in said if "pithy-local" in each or "--" in each] == []


@pytest.mark.parametrize(
    ("advised", "said"),
    [
        ("`pithy-local retry 0dx1` queues it again.", "`f7` (Retry) queues it again."),
        ('`pithy-local retry 0dx1 --feedback "…"` asks for more.', "`f7` (Retry) asks for more."),
        ("`pithy-local run 0dx1` works it.", "`u` (Run now) works it."),
        ("Then `pithy-local run`.", "Then `pithy-local run`."),
        ("`pithy-local wait 0dx1` waits, `pithy-local cancel 0dx1` stops it.", "`x` (Cancel) stops it."),
        ("There is none yet. `pithy-local wait 0dx1` waits for its end.", "There is none yet."),
        ("See `pithy-local --help`.", ""),
        ("`pithy-local resume --budget` goes on today.", "`p` (Pause) goes on today."),
        ("Name a branch that exists with --base.", "Name a branch that exists with `Base`."),
        ("then `pithy-local image build`.", "then `pithy-local image build`."),
        ("`pithy-local retry 0dx2`, then `pithy-local retry 0dx1`.", "`f7` (Retry of 0dx2), then `f7` (Retry)."),
    ],
)
def test_a_command_becomes_the_users_key(advised: str, said: str) -> None:
    assert in_here(advised, Keymap({"task.retry": "f7"}), "0dx1") == said


async def test_notes_name_keys(seed: Seed, tmp_path: Path) -> None:
    repo = make_bare(tmp_path / "repo", make_repo(tmp_path / "work", {"a.txt": "one\n"}))
    Holds(seed.app.store).pause()
    error = TaskError(code="timeout", message="it took too long", hint="Raise it, then `pithy-local retry 0dx1`.")
    seed.settled(Status.FAILED, error=error)
    async with dashboard(seed) as user:
        await user.sees("→ Raise it, then `r` (Retry of 0dx1).")
        draft = Draft(repo=str(repo), prompt="Do it")
        user.app.push_screen(NewTaskScreen(user.main.board, draft, (), "New task", lambda task: None))
        await user.until(lambda: isinstance(user.app.screen, NewTaskScreen), "the dialog")
        await user.presses("ctrl+s")
        await user.is_told("the queue is paused. `p` (Pause) goes on.")
        await user.presses("2")
        await user.sees("It ended before there was one.")
