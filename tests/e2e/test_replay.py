"""`replay`: the same comes of the same replies; nothing is asked, pushed, told or left."""

from __future__ import annotations

import fcntl
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.world import FIX, SLUG, World, fix
from tests.fakes.loopback import Gate
from tests.fakes.model_replies import Reply, hang
from tests.support import commit_files, git, wait_until

MISFIT = FIX.replace("a - b", "a * b")


def mended(world: World) -> None:
    """The model's first answer does not fit, its second does."""
    replies = iter([Reply(text=MISFIT), fix()])
    world.script = lambda _: next(replies)


def outside(world: World) -> tuple[Any, ...]:
    """What a replay must not change."""
    refs = git("for-each-ref", "--format=%(refname) %(objectname)", cwd=world.bare)
    return len(world.model.calls), len(world.github.calls), len(world.github.prs), refs, world.ok("list", "--all").out


def assert_same(world: World) -> None:
    mended(world)
    task = world.settle()
    before = outside(world)

    ran = world.ok("replay", task["id"])

    assert ran.out == f"{task['id']}\t1\tsame\n"
    assert outside(world) == before
    assert not (world.home / "replay").exists()
    assert world.ok("replay", task["id"], "--diff", "-q").out == world.ok("diff", task["id"]).out


def test_the_same_comes_of_the_same_replies(local_world: World) -> None:
    assert_same(local_world)


@pytest.mark.docker
def test_the_same_comes_of_the_same_replies_in_a_container(world: World) -> None:
    assert_same(world)


def test_it_begins_where_the_attempt_began(local_world: World) -> None:
    task = local_world.settle()
    commit_files(local_world.root / "origin", {"calc.py": "def add(*all):\n    return sum(all)\n"})
    git("push", "-q", str(local_world.bare), "main", cwd=local_world.root / "origin")
    local_world.settle("fetch the new base", "--publish", "review")

    found = local_world.ok("replay", task["id"], "--json").json

    assert found == {"id": task["id"], "attempt": 1, "same": True, "error": None}


def test_other_replies_come_to_something_else(local_world: World) -> None:
    task = local_world.settle()
    file = local_world.home / "artifacts" / task["id"] / "1" / "replies.json"
    replies = json.loads(file.read_text())
    replies[0]["text"] = FIX.replace("a + b", "b + a")
    file.write_text(json.dumps(replies))

    ran = local_world.run("replay", task["id"], "--diff")

    assert ran.code == 1
    assert "+    return b + a" in ran.out
    assert "different" in ran.err


def test_a_refusal_is_refused_again(local_world: World) -> None:
    local_world.configure(model__repair_rounds=1)
    local_world.script = lambda _: Reply(text=MISFIT)
    task = local_world.settle()

    found = local_world.ok("replay", task["id"], "--json").json

    assert (found["same"], found["error"]["code"]) == (True, "patch_rejected")


def test_each_attempt_can_be_replayed(local_world: World) -> None:
    task = local_world.settle("add() must add", "--publish", "review")
    local_world.script = lambda _: Reply(text=FIX.replace("a + b", "b + a"))
    local_world.ok("retry", task["id"], "--feedback", "the other way round")
    local_world.ok("run", "--until-idle")

    latest = local_world.ok("replay", task["id"], "--diff")
    first = local_world.ok("replay", task["id"], "--diff", "--attempt", "1")

    assert ("b + a" in latest.out, "b + a" in first.out) == (True, False)
    assert local_world.run("replay", task["id"], "--attempt", "3").code == 2


def test_nothing_recorded_is_exit_8(local_world: World) -> None:
    task = local_world.add()
    local_world.ok("cancel", task)

    ran = local_world.run("replay", task)

    assert (ran.code, "hint: " in ran.err) == (8, True)
    assert not (local_world.home / "replay").exists()


def test_a_task_that_runs_is_not_replayed_and_two_replays_not_at_once(local_world: World) -> None:
    done = local_world.settle()["id"]
    gate = Gate()
    local_world.script = lambda _: hang(gate)
    task = local_world.add()
    with local_world.popen("run", "--until-idle") as runner:
        try:
            assert gate.reached.wait(60)
            assert local_world.run("replay", task).code == 6
        finally:
            gate.release()
            runner.communicate(timeout=100)
    with open(local_world.home / "replay.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert local_world.run("replay", done).code == 6


def test_an_interrupted_replay_leaves_nothing(local_world: World) -> None:
    task = local_world.settle("add() must add", "--verify", "sleep 2")
    with local_world.popen("replay", task["id"]) as replay:
        wait_until(lambda: list((local_world.home / "replay" / "tmp").glob("*")), what="the replay's work")
        replay.send_signal(signal.SIGINT)
        replay.communicate(timeout=100)

    assert replay.returncode == 130
    assert not (local_world.home / "replay").exists()


def test_what_a_killed_replay_left_goes_with_the_next(local_world: World) -> None:
    task = local_world.settle("add() must add", "--verify", "sleep 2")
    with local_world.popen("replay", task["id"]) as replay:
        wait_until(lambda: list((local_world.home / "replay" / "tmp").glob("*")), what="the replay's work")
        os.kill(replay.pid, signal.SIGKILL)
        replay.communicate(timeout=100)
    assert (local_world.home / "replay").exists()

    assert local_world.ok("replay", task["id"]).out.endswith("\tsame\n")
    assert not (local_world.home / "replay").exists()


def test_a_local_repository_is_replayed_too(local_world: World, tmp_path: Path) -> None:
    task = local_world.settle("add() must add", repo=str(local_world.bare))

    assert local_world.ok("replay", task["id"]).out == f"{task['id']}\t1\tsame\n"


def test_a_base_that_is_gone_is_said(local_world: World) -> None:
    task = local_world.settle()
    mirrors = local_world.home / "mirrors"
    mirrors.rename(local_world.root / "elsewhere")

    ran = local_world.run("replay", task["id"])

    assert (ran.code, "no longer kept" in ran.err, SLUG in ran.err) == (1, True, False)
