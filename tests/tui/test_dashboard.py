"""What a user does and sees, on a real home."""

from __future__ import annotations

import pytest

from pithy_local.models import Status, Stream, TaskError
from tests.tui.driving import dashboard
from tests.tui.seeding import Seed


async def test_an_empty_home_says_what_this_is(seed: Seed) -> None:
    async with dashboard(seed, size=(80, 24)) as user:
        await user.sees("Type a task, get a pull request.", "Press n", "0 running / 2", "? Help", "q Quit")


async def test_tasks_and_the_selected_log_are_on_one_screen(seed: Seed) -> None:
    error = TaskError(code="policy", message="the diff touches .github/workflows/ci.yml", hint="Look at it.")
    seed.settled(Status.NEEDS_REVIEW, "Add dark mode", error=error)
    lease = seed.running("Fix the flaky test")
    seed.log(lease, "round 1 · asking gpt-4o", stream=Stream.SYS)
    async with dashboard(seed, size=(80, 24)) as user:
        await user.sees("● running", "◆ review", "Fix the", "› round 1 · asking gpt-4o", "FOLLOW ▼", "for you 1")
        await user.presses("j")
        await user.sees("policy: the diff touches", "→ Look at it.")


async def test_the_columns_stay_where_they_are_when_a_task_comes_in(seed: Seed, other: Seed) -> None:
    for _ in range(20):
        seed.queued()
    async with dashboard(seed, size=(80, 24)) as user:
        await user.until(lambda: user.table.rows == 20, "the tasks")
        before = next(line for line in user.screen.splitlines() if "Age" in line)
        other.queued()
        await user.until(lambda: user.table.rows == 21, "the new task")
        assert before in user.screen.splitlines()


async def test_a_task_of_another_process_appears_on_top_and_the_cursor_stays(seed: Seed, other: Seed) -> None:
    first = seed.queued("The first one")
    async with dashboard(seed) as user:
        await user.sees("The first one")
        other.queued("A later one")
        await user.sees("A later one")
        assert user.table.selected == first.id
        assert user.table.cursor == 1
        assert [entry.task.title for entry in user.table.list.rows] == ["A later one", "The first one"]


async def test_a_change_of_state_is_seen(seed: Seed, other: Seed) -> None:
    lease = other.running("Fix it")
    async with dashboard(seed) as user:
        await user.sees("● running")
        lease.settle(Status.FAILED, TaskError(code="timeout", message="took too long", hint="Give it more time."))
        await user.sees("✗ failed", "timeout: took too long", "0 running / 2")


async def test_hostile_text_is_shown_as_text(seed: Seed) -> None:
    lease = seed.running("[/foo] \x1b]52;c;aGVsbG8=\x07title", repo="acme/[bold]x")
    seed.log(lease, "\x1b[2J[/foo]\x1b]52;c;aGVsbG8=\x07 end of it", stream=Stream.ERR)
    error = TaskError(code="internal", message="[/bar]\x1b[2J", hint="[red]hint")
    seed.settled(Status.FAILED, "[/failed]", error=error)
    async with dashboard(seed) as user:
        await user.sees("[/failed]", "internal: [/bar]", "→ [red]hint", "[bold]x")
        await user.presses("j")
        await user.sees("! [/foo] end of it", "[/foo] title")
        assert user.screen.replace("\n", "").isprintable()
        await user.presses("x")
        await user.sees("[/foo] title", "Keep it (n)")


async def test_without_colour_the_states_still_differ(seed: Seed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TEXTUAL_THEME", "textual-ansi")
    seed.settled(Status.FAILED)
    seed.settled(Status.COMPLETED)
    async with dashboard(seed) as user:
        await user.sees("✗ failed", "✓ done")
        colours = {segment.style.color for strip in user.app.screen._compositor.render_strips()
                   for segment in user.app._filters[-1].apply(list(strip), user.app.screen.background_colors[1])
                   if segment.style and segment.style.color and segment.style.color.triplet}  # fmt: skip
        assert colours
        assert all(len({*color.triplet}) == 1 for color in colours if color.triplet)
