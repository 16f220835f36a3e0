"""Dialogs: help in each of them, the user's own keys, small terminals, and keys that come too early or twice."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from textual import events
from textual.keys import key_to_character
from textual.widgets import Button, Input, TextArea

from pithy_local.models import Status
from pithy_local.tui.board import Board
from pithy_local.tui.commands import DashboardCommands
from pithy_local.tui.screens.confirm import AskScreen, ConfirmScreen
from pithy_local.tui.screens.help import HelpScreen
from pithy_local.tui.screens.new_task import NewTaskScreen
from pithy_local.tui.screens.stats import StatsScreen
from tests.tui.driving import User, dashboard
from tests.tui.seeding import Seed
from tests.tui.test_leaving import BusyBoard


def with_keys(seed: Seed, keys: dict[str, str]) -> Board:
    settings = msgspec.structs.replace(seed.app.settings, keys=keys)
    return Board(replace(seed.app, settings=settings), worker=False)


def at_once(user: User, *keys: str) -> None:
    """As they come in one packet: none of them has taken effect when the next one is there."""
    for key in keys:
        user.app.post_message(events.Key(key, key_to_character(key)))


async def is_open(user: User, screen: type[object]) -> None:
    await user.until(lambda: isinstance(user.app.screen, screen), screen.__name__)


async def test_every_dialog_explains_itself_and_its_keys(seed: Seed) -> None:
    seed.queued()
    async with dashboard(seed) as user:
        await user.sees("○ queued")
        for opener, helper, words in (
            ("n", "f1", "A repository and what should change are all that is needed"),
            ("S", "question_mark", "deleted ones as well"),
            ("x", "question_mark", "Nothing has been done yet."),
            ("y", "f1", "Escape sequences are taken out"),
        ):
            await user.presses(opener)
            await user.sees("f1 Help" if opener != "x" else "Keep it (n)")
            await user.presses(helper)
            await user.sees(words, "What this dialog is for")
            assert "dashboard.new" not in user.screen
            await user.presses(helper)
            await user.sees_no(words)
            assert not isinstance(user.app.screen, HelpScreen)
            await user.presses("escape")
            await user.until(lambda: user.app.screen is user.main, "the dashboard")


async def test_the_help_on_a_question_has_the_answers_to_that_question_alone(seed: Seed) -> None:
    task = seed.queued()
    async with dashboard(seed, board=BusyBoard(seed)) as user:
        await user.sees(task.title)
        for opener, answers, others in (
            ("x", ("ask.yes", "ask.no"), ("ask.stay", "ask.leave", "ask.cancel")),
            ("q", ("ask.stay", "ask.leave", "ask.cancel", "ask.no"), ("ask.yes",)),
        ):
            await user.presses(opener)
            await is_open(user, AskScreen)
            await user.presses("f1")
            await user.sees("ask.page-down", *answers)
            assert not [other for other in others if other in user.screen]
            await user.presses("f1", "escape")
            await user.until(lambda: user.app.screen is user.main, "the dashboard")


async def test_the_users_keys_are_shown_and_hold_in_dialogs(seed: Seed) -> None:
    keys = {
        "text.submit": "f9", "text.back": "f8", "stats.back": "f7", "dashboard.log": "f2", "dashboard.help": "f5",
        "ask.yes": "J", "ask.no": "N", "copy.id": "w",
    }  # fmt: skip
    task = seed.queued()
    async with dashboard(seed, board=with_keys(seed, keys)) as user:
        await user.sees("○ queued", " f2 Log", "f5 Help")
        await user.presses("n")
        await user.sees("f9 Send", "f8 Back")
        await user.presses("f8", "S")
        await user.sees("f7 Back")
        await user.presses("f7", "f5")
        await is_open(user, HelpScreen)
        await user.presses("f5", "y")
        await user.sees(" w  id")
        await user.presses("w")
        await user.is_told("Copied the id")
        await user.presses("x")
        await user.sees("Keep it (N)", "Cancel the task (J)")
        await user.presses("y", "J")
        await user.until(lambda: seed.tasks.get(task.id).status is Status.CANCELLED, "cancelled")


async def test_a_key_that_opens_the_help_closes_it(seed: Seed) -> None:
    async with dashboard(seed) as user:
        await user.presses("question_mark")
        await is_open(user, HelpScreen)
        await user.presses("question_mark")
        await user.until(lambda: user.app.screen is user.main, "the dashboard")


async def test_a_second_answer_in_the_same_moment_closes_nothing_more(seed: Seed) -> None:
    task = seed.queued()
    async with dashboard(seed) as user:
        await user.sees("○ queued")
        await user.presses("x")
        await is_open(user, ConfirmScreen)
        question = user.app.screen
        assert isinstance(question, ConfirmScreen)
        question.action_answer("no")
        question.action_answer("yes")
        await user.until(lambda: user.app.screen is user.main, "the dashboard")
        await user.sees("○ queued")
        assert seed.tasks.get(task.id).status is Status.QUEUED


async def test_what_was_typed_before_a_question_was_seen_does_not_answer_it(seed: Seed) -> None:
    task = seed.queued()
    async with dashboard(seed) as user:
        await user.sees("○ queued")
        at_once(user, "x", "y", "y")
        await is_open(user, ConfirmScreen)
        await user.sees("Cancel task", "Keep it (n)")
        assert seed.tasks.get(task.id).status is Status.QUEUED
        await user.presses("y")
        await user.until(lambda: seed.tasks.get(task.id).status is Status.CANCELLED, "cancelled")


@pytest.mark.parametrize("size", [(80, 24), (40, 10)])
async def test_a_long_question_scrolls_and_its_buttons_stay(seed: Seed, size: tuple[int, int]) -> None:
    for number in range(9):
        seed.queued(f"Fix the flaky test number {number} of the whole suite")
    seed.running()
    async with dashboard(seed, size=size) as user:
        await user.sees("Tasks")
        await user.until(lambda: len(user.table.list.rows) == 10, "the tasks")
        await user.presses("asterisk", "x")
        await user.sees("Cancel 10 tasks?", "Leave them (n)", "Cancel them (y)")
        for _ in range(5):
            await user.presses("pagedown")
        await user.sees("9 queued:", "Leave them (n)", "Cancel them (y)")
        assert user.app.focused is user.app.screen.query_one("#no", Button)


async def test_on_a_small_terminal_each_field_of_a_new_task_can_be_reached(seed: Seed) -> None:
    async with dashboard(seed, size=(40, 10)) as user:
        await user.presses("n")
        await user.sees("ctrl+s Send")
        screen = user.app.screen
        screen.query_one("#repo", Input).value = "/missing"
        screen.query_one(TextArea).text = "Do it"
        await user.presses(*["tab"] * 11)
        assert user.app.focused is screen.query_one("#at")
        await user.sees("Not before", "ctrl+s Send")
        await user.presses("ctrl+s")
        await user.sees("/missing", "ctrl+s Send")


async def test_a_wrong_field_is_named_and_gets_the_focus(seed: Seed) -> None:
    before = seed.queued("Come first")
    async with dashboard(seed) as user:
        await user.sees("○ queued")
        await user.presses("n")
        await is_open(user, NewTaskScreen)
        screen = user.app.screen
        assert user.app.focused is screen.query_one(TextArea)
        await user.types("Do it")
        screen.query_one("#publish", Input).value = "reveiw"
        screen.query_one("#priority", Input).value = "99999999999999999999"
        await user.presses("ctrl+s")
        await user.sees("there is no publish `reveiw`", "one of: auto, review")
        assert user.app.focused is screen.query_one("#publish")
        await user.presses("down", "ctrl+s")
        await user.sees("priority is out of range")
        assert user.app.focused is screen.query_one("#priority")
        screen.query_one("#after").focus()
        await user.presses("down")
        assert screen.query_one("#after", Input).value == f"{before.id} Come first"
        assert len(seed.tasks.select()) == 1


async def test_the_text_of_a_copy_goes_on_where_it_ends(seed: Seed) -> None:
    task = seed.settled(Status.FAILED, "Fix it")
    async with dashboard(seed) as user:
        await user.sees("✗ failed")
        await user.presses("e")
        await user.sees(f"New task like {task.id}")
        await user.types(" now")
        assert user.app.screen.query_one(TextArea).text == "Fix it now"


async def offered(user: User) -> list[str]:
    """What the palette lists before anything is typed."""
    return [str(hit.text) async for hit in DashboardCommands(user.app.screen).discover()]


async def test_the_palette_has_each_command_once_and_over_a_dialog_that_dialogs_own(seed: Seed) -> None:
    seed.queued()
    async with dashboard(seed) as user:
        await user.sees("○ queued")
        names = await offered(user)
        assert {"New", "Cancel", "Theme", "Log: Follow", "Steps, info, statistics, help: Top"} <= {*names}
        assert len(names) == len({*names})
        assert len(user.app.COMMANDS) == 1, "Textual's own would offer Quit and Keys beside ours"
        await user.presses("S")
        await is_open(user, StatsScreen)
        assert {"Span", "Span before", "Back", "Help"} <= {*await offered(user)}
        assert "New" not in await offered(user)
