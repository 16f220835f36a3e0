"""Whole attempts: a real engine, the real image, the real runner, the real door."""

from __future__ import annotations

import tarfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pithy_local.clock import SystemClock
from pithy_local.config import SandboxSettings, Settings
from pithy_local.door.loop import EventLoop
from pithy_local.errors import Cancelled, ErrorCode, LeaseLost, PithyError
from pithy_local.executors import container
from pithy_local.executors.base import Collected
from pithy_local.executors.container import Labels
from pithy_local.executors.docker import DockerExecutor
from pithy_local.executors.engine import Engine
from pithy_local.models import Phase
from tests.docker.support import Attempt, Host, MiB, make_job, run_in, start_in, upstream_of
from tests.door.stand_ins import Unhurried, make_unhurried
from tests.executors.local_host import REPLY
from tests.fakes.loopback import Gate
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import Reply
from tests.support import wait_until

Start = Callable[..., tuple[Attempt, Future[Collected]]]

pytestmark = pytest.mark.docker

KEY = "sk-canary-0123456789abcdefghij"
KILL_DOOR = """
import os
for pid in filter(str.isdigit, os.listdir("/proc")):
    if b"/runner/door.py" in open(f"/proc/{pid}/cmdline", "rb").read():
        os.kill(int(pid), 9)
"""
EXPECTED = b"-hello\n+hello, world\n"


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    with EventLoop() as running:
        yield running


@pytest.fixture
def executor(
    loop: EventLoop, sandbox_settings: SandboxSettings, image_locks: Path, sandbox_image: str
) -> DockerExecutor:
    return DockerExecutor(Settings(sandbox=sandbox_settings), loop, image_locks)


@pytest.fixture
def model() -> Iterator[FakeModel]:
    with FakeModel(key=KEY) as fake:
        yield fake


@pytest.fixture
def gate() -> Gate:
    """Holds the model's answer back for as long as the test wants the agent to be busy."""
    return Gate()


@pytest.fixture
def busy(
    executor: DockerExecutor, loop: EventLoop, model: FakeModel, gate: Gate, tmp_path: Path, instance: str
) -> Iterator[Start]:
    """Starts an attempt whose agent waits for the model."""
    attempts: list[Attempt] = []

    def start(**more: Any) -> tuple[Attempt, Future[Collected]]:
        model.push(Reply(text=REPLY, gate=gate))
        upstream = upstream_of(model, KEY)
        attempt = Attempt(tmp_path, instance, upstream=upstream, **more)
        attempts.append(attempt)
        running = pool.submit(executor.run, attempt.job, attempt.host)
        assert gate.reached.wait(60)
        return attempt, running

    with ThreadPoolExecutor() as pool:
        try:
            yield start
        finally:
            gate.release()
            for attempt in attempts:
                attempt.host.stopping.set()
    for attempt in attempts:
        loop.call(attempt.host.gateway.aclose())


def test_a_scripted_attempt_gives_its_diff(executor: DockerExecutor, tmp_path: Path, instance: str) -> None:
    attempt = Attempt(tmp_path, instance)
    collected = executor.run(attempt.job, attempt.host)
    assert EXPECTED in collected.diff
    assert collected.diff == attempt.diffs[-1]
    assert attempt.host.phases == [Phase.STARTING, Phase.AGENT, Phase.COLLECTING]
    assert [event.data["name"] for event in attempt.events if event.kind == "step"][:2] == ["clone", "survey"]
    started = attempt.host.container
    assert attempt.host.effects == [
        ("intend", "create", Labels.of(attempt.job).name), ("done", "create", started),
        ("intend", "start", started), ("done", "start", started),
        ("intend", "remove", started), ("done", "remove", started),
    ]  # fmt: skip


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_the_sdk_inside_reaches_the_model_through_the_door(
    executor: DockerExecutor, loop: EventLoop, model: FakeModel, tmp_path: Path, instance: str, provider: str
) -> None:
    model.push(Reply(text=REPLY, prompt_tokens=321, completion_tokens=45))
    attempt = Attempt(tmp_path, instance, upstream=upstream_of(model, KEY, provider))
    collected = executor.run(attempt.job, attempt.host)
    loop.call(attempt.host.gateway.aclose())
    assert EXPECTED in collected.diff
    (call,) = attempt.ledger.calls
    assert (call.provider, call.input_tokens, call.output_tokens, call.estimated) == (provider, 321, 45, False)
    assert "hello.txt" in model.completions[0].prompt


def test_the_real_key_is_nowhere_in_the_sandbox(engine: Engine, busy: Start) -> None:
    attempt, _ = busy()
    look = "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline; find /pithy /tmp /run /var/tmp -type f -exec cat {} +"
    for user in ("1000:1000", "65532:65532"):
        seen = run_in(engine, attempt.host.container, ["sh", "-c", look], user=user)
        assert "OPENAI_API_KEY=sandbox" in seen.out
        assert "ANTHROPIC_API_KEY=sandbox" in seen.out
        assert KEY not in seen.out
    assert KEY not in str(engine.api.inspect_container(attempt.host.container))


def test_a_failed_result_comes_back_without_a_collection(
    executor: DockerExecutor, tmp_path: Path, instance: str
) -> None:
    attempt = Attempt(tmp_path, instance).with_replies("I would rather not.")
    assert executor.run(attempt.job, attempt.host) == Collected(diff=b"")
    result = attempt.host.gateway.reports.result
    assert result is not None
    assert (result.outcome, result.code) == ("failed", "patch_malformed")
    assert Phase.COLLECTING not in attempt.host.phases


def let_time_run(attempt: Attempt) -> None:
    """Until now it did not: whatever the machine does beside it, the agent got as far as it was to."""
    assert isinstance(attempt.host.gateway, Unhurried)
    attempt.host.gateway.no_more()


def test_the_time_limit_ends_every_process(engine: Engine, busy: Start) -> None:
    attempt, running = busy(seconds=1.0, services=make_unhurried)
    start_in(engine, attempt.host.container, ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"])
    let_time_run(attempt)
    with pytest.raises(PithyError) as caught:
        running.result(60)
    assert caught.value.code is ErrorCode.TIMEOUT
    assert engine.api.containers(all=True, filters={"id": attempt.host.container}) == []


def test_a_paused_sandbox_meets_its_time_limit_too(engine: Engine, busy: Start) -> None:
    attempt, running = busy(seconds=1.0, services=make_unhurried)
    engine.api.pause(attempt.host.container)
    let_time_run(attempt)
    with pytest.raises(PithyError) as caught:
        running.result(60)
    assert caught.value.code is ErrorCode.TIMEOUT


def test_the_time_limit_does_not_run_while_the_gateway_waits_for_a_rate_limit(
    executor: DockerExecutor, loop: EventLoop, model: FakeModel, tmp_path: Path, instance: str
) -> None:
    model.push(Reply(text=REPLY))
    attempt = Attempt(tmp_path, instance, upstream=upstream_of(model, KEY), seconds=12.0)
    attempt.gate.close("openai", SystemClock().now_ms() + 15_000)
    collected = executor.run(attempt.job, attempt.host)
    loop.call(attempt.host.gateway.aclose())
    assert EXPECTED in collected.diff


def test_a_lease_lost_at_the_very_start_leaves_nothing(executor: DockerExecutor, tmp_path: Path, instance: str) -> None:
    attempt = Attempt(tmp_path, instance)

    class Lost(Host):
        def done(self, effect: str, result: str = "") -> None:
            raise LeaseLost

    with pytest.raises(LeaseLost):
        executor.run(attempt.job, Lost(services=attempt.host.gateway))


def test_a_cancelled_attempt_ends_within_seconds(busy: Start) -> None:
    attempt, running = busy()
    attempt.host.stopping.set()
    with pytest.raises(Cancelled):
        running.result(60)


def test_a_sandbox_that_somebody_removes_is_lost(engine: Engine, busy: Start) -> None:
    attempt, running = busy()
    container.remove(engine, attempt.host.container)
    with pytest.raises(PithyError) as caught:
        running.result(60)
    assert caught.value.code is ErrorCode.CONTAINER_LOST


def test_a_sandbox_that_ends_by_itself_is_lost_with_its_exit_code(engine: Engine, busy: Start) -> None:
    attempt, running = busy()
    run_in(engine, attempt.host.container, ["sh", "-c", "kill -TERM 1"], user="1000")
    with pytest.raises(PithyError) as caught:
        running.result(60)
    assert caught.value.code is ErrorCode.CONTAINER_LOST
    assert caught.value.detail["exit_code"] == 143


def test_a_sandbox_full_of_files_in_memory_is_out_of_memory(engine: Engine, busy: Start) -> None:
    """Files on a tmpfs belong to no process: the kernel kills until none is left."""
    attempt, running = busy(memory=192 * MiB, disk=180 * MiB)
    fill = "for place in /pithy /tmp /dev/shm; do dd if=/dev/zero of=$place/fill bs=1M; done"
    start_in(engine, attempt.host.container, ["sh", "-c", fill])
    with pytest.raises(PithyError) as caught:
        running.result(60)
    assert caught.value.code is ErrorCode.OOM


def test_a_door_that_was_shut_is_opened_again(engine: Engine, gate: Gate, busy: Start) -> None:
    attempt, running = busy()
    run_in(engine, attempt.host.container, ["python3", "-c", KILL_DOOR], user="65532:65532")
    wait_until(lambda: any("opening it again" in line for line in attempt.host.said), what="a new door")
    gate.release()
    running.result(60)
    result = attempt.host.gateway.reports.result
    assert result is not None
    assert result.outcome == "failed"  # the call that was under way is lost, the report of it is not


def test_a_repository_larger_than_the_sandboxs_disk_starts_nothing(
    executor: DockerExecutor, tmp_path: Path, instance: str
) -> None:
    attempt = Attempt(tmp_path, instance, disk=8 * MiB)
    (tmp_path / "blob").write_bytes(bytes(5 * MiB))
    with tarfile.open(attempt.job.bundle, "w") as tar:
        tar.add(tmp_path / "blob", "repo.git/blob")
    with pytest.raises(PithyError, match=r"5\.0 MiB packed, and the sandbox's disk of 8\.0 MiB") as caught:
        executor.run(attempt.job, attempt.host)
    assert caught.value.code is ErrorCode.REPO_ANALYSIS
    assert "sandbox.disk" in caught.value.hint
    assert attempt.host.effects == []


def test_a_repository_that_outgrows_the_sandboxs_disk_inside_is_too_large(
    executor: DockerExecutor, tmp_path: Path, instance: str
) -> None:
    """Small files: a kibibyte each in the tar, a page of four each in there."""
    attempt = Attempt(tmp_path, instance, disk=4 * MiB)
    (tmp_path / "small").write_bytes(b"x")
    with tarfile.open(attempt.job.bundle, "w", format=tarfile.GNU_FORMAT) as tar:
        for number in range(1500):
            tar.add(tmp_path / "small", f"repo.git/{number}")
    with pytest.raises(PithyError, match="too large for the sandbox") as caught:
        executor.run(attempt.job, attempt.host)
    assert caught.value.code is ErrorCode.REPO_ANALYSIS
    assert "No space left" in caught.value.detail["message"]
    assert ("done", "remove", attempt.host.container) in attempt.host.effects


def test_an_open_network_is_the_engines_bridge_and_said(
    executor: DockerExecutor, engine: Engine, tmp_path: Path, instance: str
) -> None:
    seen: list[tuple[str, str]] = []

    class Looking(Host):
        def enter(self, phase: Phase) -> None:
            super().enter(phase)
            if phase is Phase.AGENT:
                mode = engine.api.inspect_container(self.container)["HostConfig"]["NetworkMode"]
                seen.append((mode, run_in(engine, self.container, ["cat", "/proc/net/dev"]).out))

    attempt = Attempt(tmp_path, instance)
    host = Looking(services=attempt.host.gateway)
    collected = executor.run(replace(attempt.job, network="open"), host)

    assert EXPECTED in collected.diff
    ((mode, interfaces),) = seen
    assert mode == "bridge"
    assert "eth0" in interfaces
    assert any("open network: not sealed" in line for line in host.said)


def test_attempts_side_by_side_do_not_meet(executor: DockerExecutor, tmp_path: Path, instance: str) -> None:
    def run(number: int) -> bytes:
        attempt = Attempt(tmp_path / str(number), instance)
        attempt.job = make_job(instance, task=f"task{number:06d}", bundle=attempt.job.bundle, spec=attempt.job.spec)
        attempt.with_replies(REPLY.replace("hello, world", f"hello, number {number}"))
        return executor.run(attempt.job, attempt.host).diff

    for number in range(4):
        (tmp_path / str(number)).mkdir()
    with ThreadPoolExecutor(4) as pool:
        diffs = list(pool.map(run, range(4)))
    assert [f"+hello, number {number}\n".encode() in diff for number, diff in enumerate(diffs)] == [True] * 4


def test_sandboxes_are_listed_and_removed_by_handle(
    executor: DockerExecutor, engine: Engine, busy: Start, instance: str
) -> None:
    attempt, _ = busy()
    (found,) = executor.sandboxes(instance)
    assert (found.task, found.attempt, found.fence, found.handle) == (
        attempt.job.task, 1, attempt.job.fence, attempt.host.container,
    )  # fmt: skip
    executor.remove(found.handle)
    executor.remove(found.handle)
    assert executor.sandboxes(instance) == []


def test_no_engine_is_said_so(loop: EventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(PithyError) as caught:
        DockerExecutor(Settings(), loop).check()
    assert caught.value.code is ErrorCode.DOCKER_UNREACHABLE


def test_no_thread_stays(executor: DockerExecutor, tmp_path: Path, instance: str) -> None:
    before = set(threading.enumerate())
    attempt = Attempt(tmp_path, instance)
    executor.run(attempt.job, attempt.host)
    left = [thread.name for thread in set(threading.enumerate()) - before if thread.name.startswith(("log-", "engine"))]
    assert left == []
