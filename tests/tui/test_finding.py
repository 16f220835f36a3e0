"""What a user looks for: the filter of the tasks, older ones, the palette."""

from __future__ import annotations

from textual import events
from textual.keys import key_to_character
from textual.widgets import TextArea

from pithy_local.models import Status
from pithy_local.tui.screens.confirm import AskScreen
from pithy_local.tui.widgets.bars import Prompt
from tests.tui.driving import dashboard
from tests.tui.seeding import Seed


async def test_the_filter_narrows_as_one_types_and_esc_brings_back_what_was(seed: Seed) -> None:
    for repo in ("acme/api", "acme/web"):
        seed.queued(f"Change {repo}", repo=repo)
    async with dashboard(seed) as user:
        await user.sees("Change acme/api", "Change acme/web")
        await user.presses("slash")
        await user.types("repo:api")
        await user.sees("/repo:api", "1 of 2")
        assert user.table.rows == 1
        await user.presses("enter", "slash")
        await user.types("zzz")
        await user.until(lambda: user.table.rows == 0, "nothing left")
        await user.presses("escape")
        await user.until(lambda: user.table.rows == 1, "the filter before")
        await user.presses("escape")
        await user.until(lambda: user.table.rows == 2, "everything")


async def test_older_tasks_are_loaded_at_the_end_of_the_list(seed: Seed) -> None:
    for n in range(620):
        seed.queued(f"Task {n}")
    async with dashboard(seed) as user:
        await user.until(lambda: user.table.rows == 500, "the newest 500")
        await user.presses("G")
        await user.until(lambda: user.table.rows == 620, "all of them")
        await user.presses("G")
        await user.sees("Task 0 ")


async def test_giving_up_a_filter_comes_back_to_the_task_it_was_opened_on(seed: Seed) -> None:
    tasks = [seed.queued(f"Task {n}") for n in range(5)]
    async with dashboard(seed) as user:
        await user.until(lambda: user.table.rows == 5, "the tasks")
        await user.presses("j", "j", "slash")
        await user.types("zzz")
        await user.until(lambda: user.table.rows == 0, "no task")
        await user.presses("escape")
        await user.until(lambda: user.table.rows == 5, "all of them")
        assert user.table.selected == tasks[2].id


async def test_a_click_elsewhere_closes_the_line_to_type_into(seed: Seed) -> None:
    seed.queued("The only one")
    async with dashboard(seed, size=(80, 24)) as user:
        await user.sees("The only one")
        prompt = user.main.query_one(Prompt)
        for place in ("#log", "#tasks"):
            await user.presses("slash")
            await user.until(lambda: prompt.is_open, "the line")
            await user.sees("esc Back")
            await user.pilot.click(place)
            await user.presses("x")
            await user.until(lambda: isinstance(user.app.screen, AskScreen), "the question")
            await user.presses("escape")
            assert not prompt.is_open


async def test_what_is_typed_behind_a_key_that_opens_the_line_is_text(seed: Seed) -> None:
    """As an ssh packet, a paste or a slow loop brings it: all keys before anything of them was handled."""
    task = seed.settled(Status.FAILED, "Dynamo")
    seed.log(seed.running("Runs"), "Dynamo starts")
    async with dashboard(seed) as user:

        def typed_ahead(*keys: str) -> None:
            for key in keys:
                user.app.post_message(events.Key(key, key_to_character(key)))

        await user.sees("Dynamo starts")
        typed_ahead("slash", *"Dynamo", "enter")
        await user.until(lambda: user.table.list.filter_text == "Dynamo", "the filter")
        await user.presses("escape", "k")
        typed_ahead("tab", "slash", *"Dxq", "enter")
        await user.until(lambda: user.log.needle is not None and user.log.needle.text == "Dxq", "the search")
        assert user.app.screen is user.main
        await user.presses("escape", "escape")
        typed_ahead("n", *"Dynamo?")
        await user.until(lambda: [each.text for each in user.app.screen.query(TextArea)] == ["Dynamo?"], "the prompt")
    assert seed.tasks.get(task.id).status is Status.FAILED


async def test_a_filter_that_finds_little_looks_among_the_older_ones_too(seed: Seed) -> None:
    seed.queued("The very first")
    for n in range(505):
        seed.queued(f"Task {n}")
    async with dashboard(seed) as user:
        await user.until(lambda: user.table.rows == 500, "the newest")
        await user.presses("slash")
        await user.types("title:very")
        await user.sees("The very first", "1 of 506")
        await user.types(" status:zzz")
        await user.sees("no state zzz: queued running")


async def test_the_palette_goes_to_a_task_whatever_its_title(seed: Seed) -> None:
    wanted = seed.queued("[/foo] \\[bold] \x1b[2J strange")
    seed.queued("Another")
    async with dashboard(seed) as user:
        await user.sees("Another")
        await user.presses("ctrl+p")
        await user.types("Go to strange")
        await user.sees("[/foo]")
        await user.presses("down", "enter")
        await user.until(lambda: user.table.selected == wanted.id, "the task is selected")


async def test_the_palette_does_what_the_keys_do(seed: Seed) -> None:
    seed.queued("Something")
    async with dashboard(seed) as user:
        await user.sees("Something")
        await user.presses("ctrl+p")
        await user.types("Cancel")
        await user.sees("Cancel (asks first)")
        await user.presses("down", "enter")
        await user.sees("Cancel task")


async def test_nothing_is_saved_where_there_is_nothing(seed: Seed) -> None:
    seed.queued("Something")
    async with dashboard(seed) as user:
        await user.sees("Something")
        await user.presses("slash")
        await user.types("zzz")
        await user.until(lambda: user.table.rows == 0, "nothing left")
        await user.presses("enter", "tab", "s")
        await user.is_told("Save: the log is empty")
        await user.presses("2", "s")
        await user.is_told("Save: there is no diff")
        assert not user.main.query_one(Prompt).is_open
