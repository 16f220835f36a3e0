"""Writing a new task: what becomes of it, and of what was not sent."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input, Static, TextArea

from pithy_local.config import Secrets
from pithy_local.models import Status, Task
from pithy_local.tui.board import Board
from pithy_local.tui.records import Draft
from pithy_local.tui.screens.new_task import NewTaskScreen
from tests.support import make_bare, make_repo
from tests.tui.driving import dashboard
from tests.tui.seeding import Seed

CANARY = "sk-canary-5f2b7c1d9e8a4630"


async def test_a_new_task_is_added_and_selected(seed: Seed, tmp_path: Path) -> None:
    repo = make_bare(tmp_path / "app.git", make_repo(tmp_path / "work", {"a.txt": "a\n"}))
    seed.queued("An older one", repo=str(repo))
    async with dashboard(seed) as user:
        await user.sees("An older one")
        await user.presses("n")
        await user.sees("New task", "What should change?")
        await user.types("Say hello")
        await user.presses("ctrl+s")
        await user.sees("is queued", "Say hello")
        newest = seed.tasks.select()[0]
        assert (newest.title, newest.prompt, newest.base, newest.executor) == ("Say hello", "Say hello", None, "local")
        await user.until(lambda: user.table.selected == newest.id, "the new task is selected")


async def test_esc_does_not_wait_for_a_task_that_is_being_added(seed: Seed, tmp_path: Path) -> None:
    class Slow(Board):
        free = threading.Event()

        def add(self, draft: Draft) -> tuple[Task, tuple[str, ...]]:
            assert self.free.wait(60)
            return super().add(draft)

    repo = make_bare(tmp_path / "repo", make_repo(tmp_path / "work", {"a.txt": "one\n"}))
    async with dashboard(seed, board=Slow(seed.app, worker=False)) as user:
        await user.presses("n")
        await user.until(lambda: isinstance(user.app.screen, NewTaskScreen), "the dialog")
        user.app.screen.query_one("#repo", Input).value = str(repo)
        user.app.screen.query_one(TextArea).text = "Say hello"
        await user.presses("ctrl+s")
        await user.sees("Adding…")
        await user.presses("escape")
        await user.until(lambda: user.app.screen is user.main, "the dialog is closed")
        assert user.main.unsent
        Slow.free.set()
        await user.is_told("is queued")
        assert [task.title for task in seed.tasks.select()] == ["Say hello"]
        assert not user.main.unsent


async def test_a_refused_task_stays_in_the_dialog_with_the_reason(seed: Seed, tmp_path: Path) -> None:
    async with dashboard(seed, size=(80, 24)) as user:
        await user.presses("n")
        await user.until(lambda: isinstance(user.app.screen, NewTaskScreen), "the dialog")
        await user.types(str(tmp_path / "missing"))
        await user.presses("tab")
        await user.types("Do it")
        await user.presses("ctrl+s")
        await user.until(lambda: user.app.screen.query(".problem.-said").first() is not None, "the problem")
        await user.sees("missing", "ctrl+s")
        assert seed.tasks.select() == []
        assert user.app.screen.query_one(TextArea).text == "Do it"


async def test_recent_repositories_are_offered_newest_first(seed: Seed) -> None:
    for repo in ("acme/old", "acme/new", "acme/old"):
        seed.queued(repo=repo)
    async with dashboard(seed) as user:
        await user.sees("○ queued")
        await user.presses("n")
        await user.until(lambda: isinstance(user.app.screen, NewTaskScreen), "the dialog")
        field = user.app.screen.query_one("#repo", Input)
        assert field.value == "acme/old"
        await user.presses("shift+tab", "down")
        assert field.value == "acme/new"


async def test_a_paste_with_escape_sequences_is_made_safe(seed: Seed) -> None:
    async with dashboard(seed) as user:
        await user.presses("n")
        await user.until(lambda: isinstance(user.app.screen, NewTaskScreen), "the dialog")
        for field in (user.app.screen.query_one("#repo", Input), user.app.screen.query_one(TextArea)):
            field.focus()
            await user.pilot.pause()
            user.app.screen.post_message(events.Paste("one\x1b[2J\r\ntwo\x1b]52;c;aGk=\x07"))
        prompt = user.app.screen.query_one(TextArea)
        await user.until(lambda: prompt.text == "one\ntwo", "the pasted text")
        assert "\x1b" not in user.app.screen.query_one("#repo", Input).value


async def test_the_draft_of_a_new_task_and_of_one_like_another_are_kept_apart(seed: Seed) -> None:
    task = seed.settled(Status.FAILED, "Rewrite the parser", repo="acme/cli")
    async with dashboard(seed) as user:
        await user.sees("✗ failed")

        async def opens(key: str) -> str:
            await user.presses(key)
            await user.until(lambda: isinstance(user.app.screen, NewTaskScreen), "the dialog")
            return user.app.screen.query_one(TextArea).text

        assert await opens("e") == "Rewrite the parser"
        await user.presses("escape")
        assert await opens("n") == ""
        assert not user.main.unsent
        await user.types("Half a thought")
        await user.presses("escape")
        await user.until(lambda: user.main.unsent, "the draft counts")
        assert await opens("e") == "Rewrite the parser"
        await user.sees("New task like")
        await user.presses("end")
        await user.types(" again")
        await user.presses("escape")
        assert await opens("n") == "Half a thought"
        await user.presses("escape")
        assert await opens("e") == "Rewrite the parser again"
        await user.presses("escape")
        user.main._notes[f"edit {task.id}"] = "What the editor could not put in place"
        assert await opens("e") == "What the editor could not put in place"


@pytest.mark.parametrize(
    ("field", "wrong", "words"),
    [
        ("repo", "/missing", "there is no /missing"),
        ("base", "no such branch", "is not a branch name"),
        ("base", "gone", "has no branch 'gone'"),
        ("verify", f"pytest -q ;; echo {CANARY}", "holds a key or token"),
        ("after", "zzzzzz", "no task has the id"),
        ("after", "{failed}", "nothing can start after it"),
        ("at", "soon", "not a time to start at"),
        ("executor", "local", "without any isolation"),
    ],
)
async def test_what_is_wrong_gets_the_focus(
    seed: Seed, tmp_path: Path, field: str, wrong: str, words: str
) -> None:  # fmt: skip
    failed = seed.settled(Status.FAILED, "It went wrong")
    repo = make_bare(tmp_path / "repo", make_repo(tmp_path / "work", {"a.txt": "one\n"}))
    draft = replace(
        Draft(repo=str(repo), prompt="Do it", executor="docker", provider="openai", base="main"),
        **{field: wrong.format(failed=failed.id)},
    )
    app = replace(seed.app, secrets=Secrets(openai_api_key=CANARY))
    async with dashboard(seed, board=Board(app, worker=False)) as user:
        await user.sees("✗ failed")
        user.app.push_screen(NewTaskScreen(user.main.board, draft, (), "New task", lambda task: None))
        await user.until(lambda: isinstance(user.app.screen, NewTaskScreen), "the dialog")
        await user.presses("ctrl+s")
        await user.until(lambda: words in str(user.app.screen.query_one(".problem", Static).render()), words)
        assert user.app.focused is user.app.screen.query_one(f"#{field}")
