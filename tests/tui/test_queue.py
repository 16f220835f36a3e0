"""The queue in the dashboard: paused, out of money, and worked."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import msgspec

from pithy_local.config import BudgetSettings
from pithy_local.models import Status, Stop, Usage
from pithy_local.store.holds import Holds
from pithy_local.tui.board import Board
from pithy_local.tui.records import Draft
from tests.spending import spend
from tests.support import branch_sha, make_bare, make_repo
from tests.tui.driving import dashboard
from tests.tui.seeding import Seed


async def test_p_pauses_the_queue_and_lets_it_go_on(seed: Seed, other: Seed) -> None:
    seed.queued()
    async with dashboard(seed) as user:
        await user.sees("○ queued")
        await user.presses("p")
        await user.sees("queue 1 paused")
        assert Holds(other.app.store).paused is not None
        await user.presses("p")
        await user.sees_no("paused  ")
        await user.is_told("The queue goes on")


async def test_a_queued_task_is_begun_although_the_queue_is_paused(seed: Seed, tmp_path: Path) -> None:
    repo = make_bare(tmp_path / "app.git", make_repo(tmp_path / "work", {"a.txt": "a\n"}))
    task = seed.queued("Now", repo=str(repo))
    done = seed.settled(Status.FAILED, "Later")
    async with dashboard(seed) as user:
        await user.sees("✗ failed")
        await user.presses("u")
        await user.is_told("only a queued task")
        await user.presses("j", "p")
        await user.sees("paused")
        await user.presses("u")
        await user.until(lambda: seed.tasks.get(task.id).status is Status.RUNNING, "it is begun")
    assert seed.tasks.get(done.id).status is Status.FAILED
    assert seed.tasks.get(task.id).usage == Usage()


async def test_a_spent_budget_is_raised_after_a_question_only(seed: Seed) -> None:
    settings = msgspec.structs.replace(seed.app.settings, budget=BudgetSettings(usd_per_day=0.01))
    spend(seed.app.store, seed.running(), 1_000, 100, cost_usd=0.02)
    Holds(seed.app.store).pause_for_budget()
    async with dashboard(seed, board=Board(replace(seed.app, settings=settings), worker=False)) as user:
        await user.sees("paused: budget")
        await user.presses("p")
        await user.sees("Spend more today?", "the day's budget is spent")
        await user.presses("enter")
        await user.sees_no("Spend more today?")
        assert Holds(seed.app.store).paused is not None
        await user.presses("p")
        await user.sees("Spend more today?")
        await user.presses("y")
        await user.is_told("allowed once more")
        await user.sees_no("paused: budget")


async def test_the_supervisors_words_reach_the_status_line(seed: Seed) -> None:
    board = Board(seed.app, worker=False)
    async with dashboard(seed, board=board, size=(160, 40)) as user:
        await user.sees("0 running")
        user.main.hear("0abc: started \x1b[2J[/x]")
        await user.sees("0abc: started [/x]")


async def test_a_dashboard_with_a_worker_does_the_task_it_was_given(seed: Seed, tmp_path: Path) -> None:
    repo = make_bare(tmp_path / "app.git", make_repo(tmp_path / "work", {"a.txt": "hello\n"}))
    answer = "```diff\n--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-hello\n+hello world\n```\n"
    (tmp_path / "replies.json").write_text(json.dumps([answer]))
    board = Board(seed.app, worker=True)
    try:
        async with dashboard(seed, board=board) as user:
            draft = Draft(repo=str(repo), prompt="Say hello to the world")
            task, _ = await asyncio.to_thread(board.add, draft)
            await user.sees("✓ done", "round 1 · asking", "completed: ")
            await user.presses("P")
            await user.sees(f"Replay of {task.id}", "✓ The same as before: +1 −1 in 1 file.")
            await user.presses("escape", "P")
            await user.sees("attempt 1 of")
            await user.presses("escape")  # stops it
            await user.until(lambda: not seed.app.home.replay.root.exists(), "nothing of it is left")
    finally:
        board.stop(Stop.CANCEL, lambda text: None)
    assert branch_sha(repo, task.branch) == seed.tasks.get(task.id).head_sha
