"""A whole worker that runs out of descriptors, or whose terminal is closed: the work is not lost."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.world import World, fix
from tests.fakes.loopback import Gate
from tests.fakes.model_replies import hang
from tests.support import wait_until

SECONDS = 100


@pytest.fixture
def gate() -> Gate:
    """The model waits there until the test goes on."""
    return Gate()


@contextmanager
def working(world: World, gate: Gate) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A task whose agent waits for the model in a `run` of its own."""
    world.script = lambda _: hang(gate) if not gate.reached.is_set() else fix()
    task = world.add()
    with world.popen("run", "--until-idle") as runner:
        try:
            assert gate.reached.wait(SECONDS)
            yield task, runner
        finally:
            gate.release()
            if runner.poll() is None:
                runner.kill()
            runner.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit(2)")
def test_a_worker_without_descriptors_says_so_and_goes_on_when_there_are_some(local_world: World, gate: Gate) -> None:
    with working(local_world, gate) as (task, runner):
        _, hard = resource.prlimit(runner.pid, resource.RLIMIT_NOFILE)
        open_now = len(list(Path(f"/proc/{runner.pid}/fd").iterdir()))
        resource.prlimit(runner.pid, resource.RLIMIT_NOFILE, (open_now, hard))
        gate.release()
        wait_until(lambda: local_world.show(task)["phase"] != "agent", SECONDS, "the attempt's end, or its next step")
        resource.prlimit(runner.pid, resource.RLIMIT_NOFILE, (hard, hard))
        _, err = runner.communicate(timeout=SECONDS)

    assert (runner.returncode, "Traceback" in err) == (0, False), err
    ended = local_world.show(task)
    if ended["status"] == "failed":
        assert "pithy-local retry" in ended["error"]["hint"]
        local_world.ok("retry", task)
        local_world.ok("run", "--until-idle")
    ended = local_world.show(task)
    assert ended["status"] == "completed", ended["error"]
    assert len(local_world.github.prs) == 1


TERMINAL = """
import os, pty, sys
child, master = pty.fork()
if child == 0:
    os.execv(sys.executable, [sys.executable, "-m", "pithy_local", "run", "--until-idle"])
sys.stdin.readline()
os.close(master)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status))
"""
"""Runs the queue on a terminal of its own, closes that when told to, and prints the exit code."""


def test_a_closed_terminal_leaves_the_task_to_the_next_run(local_world: World, gate: Gate) -> None:
    local_world.script = lambda _: hang(gate) if not gate.reached.is_set() else fix()
    task = local_world.add()
    with subprocess.Popen(
        [sys.executable, "-c", TERMINAL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=local_world.env, cwd=local_world.root,
    ) as terminal:  # fmt: skip
        try:
            assert gate.reached.wait(SECONDS)
            out, err = terminal.communicate("close\n", timeout=SECONDS)
        finally:
            gate.release()
            terminal.kill()

    left = local_world.show(task)
    assert (left["status"], left["attempts"], "Traceback" in err) == ("queued", 1, False), (out, err)
    local_world.ok("run", "--until-idle")
    assert local_world.show(task)["status"] == "completed"
    assert len(local_world.github.prs) == 1


def test_what_a_killed_replay_left_goes_with_the_next_worker(local_world: World) -> None:
    task = local_world.settle("add() must add", "--verify", "sleep 3")["id"]
    home = local_world.home / "replay"
    with local_world.popen("replay", task) as replay:
        wait_until(lambda: list((home / "tmp").glob("*-a1*")), SECONDS, "the replay's work")
        replay.kill()
        replay.communicate(timeout=SECONDS)
    assert home.exists()

    ran = local_world.ok("run", "--until-idle")

    assert ("replay" in ran.err, home.exists()) == (True, False)
