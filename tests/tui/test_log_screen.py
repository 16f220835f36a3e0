"""The log as a user reads it in the dashboard."""

from __future__ import annotations

from pithy_local.models import Status, TaskError
from pithy_local.tui.models.pages import KEPT
from pithy_local.tui.records import PAGE
from tests.tui.driving import dashboard
from tests.tui.seeding import Seed


async def test_the_log_follows_and_pauses_on_a_move_up(seed: Seed, other: Seed) -> None:
    lease = other.running()
    other.log(lease, *(f"line {n}" for n in range(1, 201)))
    async with dashboard(seed) as user:
        await user.sees("line 200")
        other.log(lease, "line 201")
        await user.sees("line 201")
        await user.presses("enter", "k")
        top = user.log.scroll_offset.y
        other.log(lease, *(f"line {n}" for n in range(202, 210)))
        await user.sees("PAUSED +8 new")
        assert user.log.scroll_offset.y == top
        assert "line 209" not in user.screen
        await user.presses("G")
        await user.sees("line 209", "FOLLOW ▼")


async def test_scrolling_down_to_the_end_follows_again(seed: Seed) -> None:
    lease = seed.running()
    seed.log(lease, *(f"line {n}" for n in range(1, 201)))
    async with dashboard(seed) as user:
        await user.sees("line 200")
        await user.presses("tab", "k", "k")
        await user.sees("PAUSED", "line 198 of 200")
        await user.presses("j", "j")
        await user.sees("FOLLOW ▼")


async def test_a_long_line_of_wide_characters_can_be_read_to_its_end(seed: Seed) -> None:
    seed.log(seed.running(), "日" * 300 + "end")
    async with dashboard(seed, size=(80, 24)) as user:
        await user.sees("日日")
        await user.presses("tab")
        user.log.scroll_end(animate=False)
        user.log.scroll_to(x=user.log.max_scroll_x, animate=False)
        await user.sees("日end")


async def test_a_resize_does_not_pause(seed: Seed) -> None:
    lease = seed.running()
    seed.log(lease, *(f"line {n}" for n in range(1, 201)))
    async with dashboard(seed) as user:
        await user.sees("line 200")
        for size in ((80, 24), (140, 50), (80, 24)):
            await user.pilot.resize_terminal(*size)
            await user.sees("line 200", "FOLLOW ▼")


async def test_a_long_log_is_read_in_few_pages(seed: Seed) -> None:
    lease = seed.running()
    total = PAGE * (KEPT + 10)
    seed.log(lease, *(f"line {n}" for n in range(1, total + 1)))
    async with dashboard(seed) as user:
        await user.sees(f"line {total}")
        assert user.log.window.pages <= 2
        await user.presses("enter", "g")
        await user.sees("line 1 ", "line 2 ")
        for row in range(PAGE, total, PAGE):
            user.log.go(row)
            await user.sees(f"line {row + 1} ")
        assert user.log.window.pages <= KEPT
        await user.presses("G")
        await user.sees(f"line {total}")


async def test_each_task_has_its_own_log(seed: Seed) -> None:
    for name in ("one", "two"):
        seed.log(seed.running(f"Task {name}"), f"output of {name}")
    async with dashboard(seed) as user:
        await user.sees("output of two")
        await user.presses("j")
        await user.sees("output of one")
        await user.sees_no("output of two")


async def test_the_log_stays_where_it_is_whatever_the_task_does(seed: Seed, other: Seed) -> None:
    lease = other.running()
    seed.settled(Status.FAILED, error=TaskError(code="internal", message="broken " * 60, hint="Try again. " * 20))
    async with dashboard(seed) as user:
        await user.sees("internal: broken")
        before = user.log.region
        await user.presses("j")
        for doing in ("asking", "asking gpt-4o for the third time in a row and reading " * 4):
            lease.record_step(doing)
            await user.until(lambda doing=doing: doing[:40] in user.screen, doing)  # type: ignore[misc]
            assert user.log.region == before
        await user.sees("acme/api")
