"""A whole worker process: a disk that fills up under it, an engine that is away."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pithy_local.config import SandboxSettings
from tests.e2e.world import World
from tests.fakes.loopback import Gate
from tests.fakes.model_replies import hang, server_error
from tests.support import wait_until


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World.make(tmp_path, "local", SandboxSettings(), lambda _: server_error())
    made.start()
    try:
        yield made
        assert made.leftovers() == []
    finally:
        made.stop()


def limit_files(process: subprocess.Popen[str], size: int) -> None:
    """No write of the process beyond this many bytes of a file succeeds: a disk quota that can be lifted."""
    _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, hard))


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit(2)")
def test_a_disk_that_was_full_at_the_end_of_an_attempt_leaves_no_task_running(world: World) -> None:
    gate = Gate()
    world.script = lambda _: hang(gate)
    task = world.add()
    with world.popen("run", "--until-idle") as runner:
        try:
            assert gate.reached.wait(60)
            limit_files(runner, 0)
            gate.release()
            wait_until(
                lambda: not list((world.home / "tmp").glob(f"{task}-a*")), timeout=30, what="its sandbox is gone"
            )
            limit_files(runner, resource.RLIM_INFINITY)
            _, err = runner.communicate(timeout=100)
        finally:
            gate.release()
            if runner.poll() is None:
                runner.kill()
                runner.communicate()

    shown = world.show(task)
    assert (runner.returncode, shown["status"], "Traceback" in err) == (0, "failed", False), err
    assert shown["error"]["code"] in ("internal", "disk_full", "llm_service", "agent_failed"), err
    numbers = [line["seq"] for line in world.log(task)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_tasks_that_need_no_engine_are_done_before_run_gives_up(world: World) -> None:
    world.configure(concurrency=1)
    waiting = world.add("add() must add", "--executor", "docker", "--priority", "9")
    local = [world.add() for _ in range(2)]

    ran = world.run("run", "--until-idle", env={"DOCKER_HOST": f"unix://{world.root}/no-engine.sock"})

    assert [world.show(task)["status"] for task in (waiting, *local)] == ["queued", "failed", "failed"]
    assert (ran.code, "engine" in ran.err) == (3, True)
