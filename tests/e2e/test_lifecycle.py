"""Cancel, stop, kill: what runs ends, what waits waits, and nothing is left behind."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator

import pytest

from pithy_local import crash, service
from pithy_local.executors.engine import Engine
from tests.e2e.world import FIX, SLUG, World, fix
from tests.fakes.engine_proxy import EngineProxy
from tests.fakes.git_http import FETCH
from tests.fakes.loopback import Gate
from tests.fakes.model_replies import Reply
from tests.support import git, wait_until


@pytest.fixture
def gate() -> Gate:
    """Held until the test releases it; the model hangs there."""
    return Gate()


def waiting(gate: Gate) -> Reply:
    """The answer, as soon as the gate is open."""
    return Reply(text=FIX, gate=gate)


def containers(world: World) -> list[str]:
    """Ids of this world's."""
    with Engine.connect() as engine:
        label = {"label": f"pithy.instance={world.instance()}"}
        return [str(found["Id"]) for found in engine.api.containers(all=True, filters=label)]


@pytest.fixture
def stuck(local_world: World, gate: Gate) -> Iterator[tuple[World, str, subprocess.Popen[str]]]:
    """A world whose only task waits for the model, in a `run` of its own."""
    local_world.script = lambda _: waiting(gate)
    yield from _stuck(local_world, gate)


@pytest.fixture
def stuck_in_docker(world: World, gate: Gate) -> Iterator[tuple[World, str, subprocess.Popen[str]]]:
    world.script = lambda _: waiting(gate)
    yield from _stuck(world, gate)


def _stuck(world: World, gate: Gate) -> Iterator[tuple[World, str, subprocess.Popen[str]]]:
    task = world.add()
    with world.popen("run", "--until-idle") as runner:
        try:
            assert gate.reached.wait(60)
            yield world, task, runner
        finally:
            gate.release()
            if runner.poll() is None:
                runner.kill()
            runner.communicate()


def _cancel(world: World, task: str, runner: subprocess.Popen[str]) -> None:
    world.ok("cancel", task)
    runner.communicate(timeout=100)

    shown = world.show(task)
    assert (shown["status"], shown["error"], runner.returncode) == ("cancelled", None, 0)
    assert world.branch(task) is None


def test_cancel_ends_a_running_task(stuck: tuple[World, str, subprocess.Popen[str]]) -> None:
    _cancel(*stuck)


@pytest.mark.docker
def test_cancel_ends_a_running_container(stuck_in_docker: tuple[World, str, subprocess.Popen[str]]) -> None:
    _cancel(*stuck_in_docker)


def test_an_interrupted_run_cancels_its_work(stuck: tuple[World, str, subprocess.Popen[str]]) -> None:
    world, task, runner = stuck

    runner.send_signal(signal.SIGINT)
    _, err = runner.communicate(timeout=100)

    assert runner.returncode == 130
    assert "Traceback" not in err
    assert world.show(task)["status"] == "cancelled"


def _seqs(world: World, task: str) -> list[int]:
    return [line["seq"] for line in world.log(task)]


def test_a_killed_runs_local_task_is_failed_by_the_next(stuck: tuple[World, str, subprocess.Popen[str]]) -> None:
    """A local sandbox ends with its process, and with it what had not been handed over."""
    world, task, runner = stuck
    runner.kill()
    runner.communicate()

    world.ok("run", "--until-idle")

    shown = world.show(task)
    assert (shown["status"], shown["error"]["code"]) == ("failed", "container_lost")
    assert _seqs(world, task) == list(range(1, len(_seqs(world, task)) + 1))
    wait_until(lambda: world.leftovers() == [], what="nothing left")


def _adopted(world: World, task: str, gate: Gate) -> None:
    """The next `run` goes on with the very container: the model is asked again, for the answer that was cut."""
    [container] = containers(world)
    gate.release()
    with world.popen("run", "--until-idle") as runner:
        _, err = runner.communicate(timeout=100)

    shown, log = world.show(task), world.log(task)
    texts = [line["text"] for line in log]
    assert (shown["status"], shown["attempts"], runner.returncode) == ("completed", 1, 0), err
    assert "adopted in phase agent" in err
    assert [line["seq"] for line in log] == list(range(1, len(log) + 1))
    assert sum("unpacking" in text for text in texts) == 1, "the runner ran once"
    assert any(container[:12] in text for text in texts)
    assert [pull.head for pull in world.github.prs] == [f"pj/{task}"]
    assert containers(world) == []


@pytest.mark.docker
def test_a_killed_runs_container_is_adopted_by_the_next(
    stuck_in_docker: tuple[World, str, subprocess.Popen[str]], gate: Gate
) -> None:
    world, task, runner = stuck_in_docker
    runner.kill()
    runner.communicate()

    _adopted(world, task, gate)


@pytest.mark.docker
def test_a_run_that_is_told_to_end_leaves_its_container_to_the_next(
    stuck_in_docker: tuple[World, str, subprocess.Popen[str]], gate: Gate
) -> None:
    world, task, runner = stuck_in_docker
    runner.send_signal(signal.SIGTERM)
    _, err = runner.communicate(timeout=100)

    assert (runner.returncode, "left in phase agent" in err, "Traceback" in err) == (130, True, False), err
    assert world.show(task)["status"] == "running"
    _adopted(world, task, gate)


def test_a_run_that_is_told_to_end_queues_again_what_would_end_with_it(
    stuck: tuple[World, str, subprocess.Popen[str]], gate: Gate
) -> None:
    world, task, runner = stuck
    runner.send_signal(signal.SIGHUP)  # the terminal was closed
    _, err = runner.communicate(timeout=100)
    gate.release()

    assert (runner.returncode, world.show(task)["status"]) == (130, "queued"), err
    assert world.leftovers() == []
    world.ok("run", "--until-idle")
    assert (world.show(task)["status"], world.show(task)["attempts"]) == ("completed", 1)


@pytest.mark.docker
def test_an_engine_that_goes_away_is_waited_for_and_the_task_goes_on(world: World, gate: Gate) -> None:
    world.script = lambda _: waiting(gate)
    task = world.add()
    proxy = EngineProxy.of_this_machine()
    try:
        with world.popen("run", "--until-idle", env={"DOCKER_HOST": proxy.url}) as runner:
            assert gate.reached.wait(60)
            proxy.cut()
            assert runner.stderr is not None
            assert any("waiting for it" in line for line in iter(runner.stderr.readline, ""))
            runner.terminate()
            runner.communicate(timeout=100)
    finally:
        proxy.cut()
        gate.release()

    assert (runner.returncode, world.show(task)["status"]) == (130, "running")
    world.ok("run", "--until-idle")
    assert world.show(task)["status"] == "completed"


def test_a_run_killed_before_anything_had_started_loses_nothing(local_world: World) -> None:
    task = local_world.add()  # asks git for the base branch, too
    gate = local_world.git_server.hold(FETCH)
    with local_world.popen("run", "--until-idle") as runner:
        assert gate.reached.wait(60)
        runner.kill()
        runner.communicate()
    gate.release()

    local_world.ok("run", "--until-idle")

    assert local_world.show(task)["status"] == "completed"
    assert local_world.show(task)["attempts"] == 1


def _dies_at(world: World, point: str) -> str:
    """A task whose `run` ends at this crash point as `kill -9` would end it."""
    task = world.add()
    assert world.run("run", "--until-idle", env={"PITHY_CRASH": point}).code == crash.EXIT
    return task


def test_a_pull_request_that_was_closed_before_its_task_had_settled_is_not_opened_again(local_world: World) -> None:
    task = _dies_at(local_world, "pr.recorded")
    [pull] = local_world.github.prs
    pull.state = "closed"
    git("update-ref", "-d", f"refs/heads/pj/{task}", cwd=local_world.bare)

    local_world.ok("run", "--until-idle")

    shown = local_world.show(task)
    assert (shown["status"], shown["pr_number"], len(local_world.github.prs)) == ("completed", pull.number, 1)
    assert local_world.branch(task) is None
    assert len(local_world.model.completions) == 1


def test_a_delivery_that_goes_on_after_its_push_says_what_was_added(local_world: World) -> None:
    local_world.configure(github__coderabbit=True)
    task = _dies_at(local_world, "pushed")

    local_world.ok("run", "--until-idle")

    [pull] = local_world.github.prs
    assert (local_world.show(task)["status"], ".coderabbit.yaml" in (pull.body or "")) == ("completed", True)
    assert len(local_world.model.completions) == 1


def test_reviews_that_were_turned_on_after_the_commit_was_recorded_wait_for_the_next_task(local_world: World) -> None:
    task = _dies_at(local_world, "push.intended")
    local_world.configure(github__coderabbit=True)

    local_world.ok("run", "--until-idle")

    shown = local_world.show(task)
    assert (shown["status"], shown["error"]) == ("completed", None)
    assert local_world.branch(task) == shown["head_sha"]
    assert ".coderabbit.yaml" not in (local_world.github.prs[0].body or "")


def test_cancel_of_a_queued_task_means_it_never_runs(local_world: World) -> None:
    task = local_world.add()
    local_world.ok("cancel", task)

    local_world.ok("run", "--until-idle")

    assert local_world.show(task)["status"] == "cancelled"
    assert local_world.model.calls == []


def test_cancel_of_a_settled_task_is_refused(local_world: World) -> None:
    task = local_world.settle()["id"]

    ran = local_world.run("cancel", task)

    assert (ran.code, "completed already" in ran.err) == (6, True)


def test_two_runs_share_one_queue(local_world: World) -> None:
    ids = [local_world.add() for _ in range(4)]
    with local_world.popen("run", "--until-idle") as one, local_world.popen("run", "--until-idle") as two:
        for runner in (one, two):
            runner.communicate(timeout=100)
            assert runner.returncode == 0

    assert {local_world.show(task)["status"] for task in ids} == {"completed"}
    assert len(local_world.github.prs) == 4
    assert len(local_world.model.completions) == 4


def test_a_dashboards_worker_and_a_run_share_one_queue(local_world: World) -> None:
    local_world.configure(concurrency=2)
    ids = [local_world.add() for _ in range(4)]
    with (
        service.open_app(env=local_world.env) as app,
        service.worker(app, say=lambda _: None, kind="tui"),
        local_world.popen("run", "--until-idle") as runner,
    ):
        runner.communicate(timeout=100)

    assert {local_world.show(task)["status"] for task in ids} == {"completed"}
    assert (len(local_world.github.prs), len(local_world.model.completions)) == (4, 4)


def test_run_with_ids_works_just_these(local_world: World) -> None:
    first, second = local_world.add(), local_world.add()

    local_world.ok("run", second)

    assert [local_world.show(task)["status"] for task in (first, second)] == ["queued", "completed"]


def test_the_first_log_line_comes_at_once(local_world: World) -> None:
    """While the repository is still being fetched."""
    task = local_world.add()
    gate = local_world.git_server.hold(FETCH)
    with local_world.popen("run", "--until-idle") as runner:
        try:
            assert gate.reached.wait(60)
            wait_until(lambda: local_world.log(task), what="the first line")
        finally:
            gate.release()
            runner.communicate(timeout=100)


def test_add_with_wait_works_the_task_itself(local_world: World) -> None:
    ran = local_world.run("add", "add() must add", "--repo", SLUG, "--wait")

    assert ran.code == 0, ran.err
    assert local_world.show(ran.out.split()[0])["status"] == "completed"


def test_logs_follow_ends_with_the_task(local_world: World) -> None:
    local_world.script = lambda _: fix()
    task = local_world.add()
    with local_world.popen("logs", "-f", task) as follower:
        local_world.ok("run", "--until-idle")
        out, _ = follower.communicate(timeout=100)

    assert follower.returncode == 0
    assert "completed" in out.splitlines()[-1]


def test_wait_says_how_it_ended(local_world: World) -> None:
    queued = local_world.add()
    assert local_world.run("wait", queued, "--timeout", "0.2").code == 124
    done = local_world.settle()["id"]

    assert local_world.run("wait", done).code == 0
