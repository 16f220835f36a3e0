"""Steps, info and statistics in the dashboard, and how a view is opened."""

from __future__ import annotations

from pathlib import Path

from pithy_local.models import Status, Stream, TaskError
from tests.tui.driving import dashboard
from tests.tui.every_state import StillClock
from tests.tui.seeding import Seed


async def test_steps_and_info_say_all_there_is(seed: Seed) -> None:
    lease = seed.running("Fix the flaky test")
    lease.record_step("surveying [/x]")
    lease.record_answer(1, "applied")
    seed.used(lease, 1_200, 34)
    async with dashboard(seed) as user:
        await user.sees("● running")
        await user.presses("3")
        await user.sees(
            "Attempt 1", "● agent", "surveying [/x]", "openai gpt-4o", "1.2k in, 34 out", "✓ answer 1: applied"
        )
        await user.presses("4")
        await user.sees("branch", lease.task.branch, "Prompt", "Fix the flaky test")


async def test_info_has_the_error_with_the_command_that_helps(seed: Seed) -> None:
    detail = {"http_status": 503, "message": "[/oops]\x1b[2J\nline two"}
    error = TaskError(code="llm_service", message="it is down", hint="Try again later.", detail=detail)
    task = seed.settled(Status.FAILED, error=error)
    async with dashboard(seed, size=(120, 50)) as user:
        await user.sees("✗ failed")
        await user.presses("4")
        await user.sees("llm_service: it is down", f"$ pithy-local retry {task.id}", "http_status: 503", "[/oops]")


async def test_times_go_on_in_the_steps(tmp_path: Path) -> None:
    clock = StillClock()
    seed = Seed(tmp_path, clock=clock)
    seed.running().record_step("asking gpt-4o")
    async with dashboard(seed) as user:
        await user.presses("3")
        await user.sees("asking gpt-4o")
        clock.ms += 754_000
        await user.until(lambda: "12m" in user.static("#steps Static"), "12 minutes")
    seed.close()


async def test_statistics_show_what_the_command_line_shows(seed: Seed) -> None:
    seed.settled(Status.COMPLETED)
    seed.settled(Status.FAILED, error=TaskError(code="timeout", message="", hint=""))
    async with dashboard(seed) as user:
        await user.sees("✗ failed")
        await user.presses("S")
        await user.sees("Tasks  2", "50% of 2 settled", "timeout 1", "By repository", "acme/api")
        await user.presses("tab", "tab")
        await user.sees("Tasks  2")
        await user.presses("escape")
        await user.sees_no("By repository")


async def test_statistics_take_the_room_there_is_when_there_is_more_or_less(seed: Seed) -> None:
    repo = f"acme/{'long-' * 7}name"
    lease = seed.running(repo=repo)
    seed.used(lease, 1000, 100)
    async with dashboard(seed, size=(80, 24)) as user:
        await user.sees("● running")
        await user.presses("S", "G")
        await user.sees("acme/long-long")
        assert repo not in user.screen
        for size in ((200, 20), (120, 20)):
            await user.pilot.resize_terminal(*size)
            await user.until(lambda: any(repo in line and "██" in line for line in user.screen.splitlines()), "the bar")


async def test_a_narrow_terminal_opens_a_task_over_everything_and_esc_goes_back(seed: Seed) -> None:
    seed.log(seed.running(), "a line")
    async with dashboard(seed, size=(80, 24)) as user:
        await user.sees("Status", "a line")
        await user.presses("enter")
        await user.sees_no("Status ")
        await user.presses("escape")
        await user.sees("Status", "a line")


async def test_tabs_and_hints_can_be_clicked(seed: Seed) -> None:
    seed.log(seed.running(), "a line", stream=Stream.SYS)
    async with dashboard(seed) as user:
        await user.sees("a line")
        await user.pilot.click("#tabs", offset=(34, 0))
        await user.sees("Prompt")
        await user.pilot.click("#hints", offset=(25, 0))
        await user.sees("What should change?")


async def test_the_mouse_selects_a_task(seed: Seed) -> None:
    lower = seed.queued("The lower one")
    seed.queued("The upper one")
    async with dashboard(seed) as user:
        await user.sees("The lower one")
        await user.pilot.click("TaskTable", offset=(5, 1))
        await user.until(lambda: user.table.selected == lower.id, "row 1")
        await user.sees(f"{lower.id}  The lower one")
