"""Verify commands in sealed containers of their own: the engine says how each ended, whatever they do inside."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from pithy_local.config import SandboxSettings, Settings
from pithy_local.door.loop import EventLoop
from pithy_local.errors import Cancelled, ErrorCode, LeaseLost, PithyError
from pithy_local.executors import container
from pithy_local.executors.base import VerifyRun
from pithy_local.executors.container import Labels
from pithy_local.executors.docker import DockerExecutor
from pithy_local.executors.engine import Engine
from pithy_local.executors.image import Images
from pithy_local.models import Stream
from tests.docker.support import Host, state
from tests.executors.verify_jobs import LIMITS, MiB, make_verify_job
from tests.fakes.engine_proxy import EngineProxy
from tests.support import wait_until

pytestmark = pytest.mark.docker

FOR_EVER = "echo begun; exec sleep 600"
OVERWHELMED = (0, None)
"""What can become of a command after one whose leftovers fight every process: it runs undisturbed, or not at all."""

FIGHTER = """
import os
if os.fork() == 0:
    os.setsid()
    while True:
        try: os.kill(-1, 9)
        except OSError: pass
"""
BOMB = """
import os
while True:
    try: os.fork()
    except OSError: pass
"""

Verify = Callable[..., list[VerifyRun]]


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
def host() -> Host:
    return Host()


@pytest.fixture
def verify(executor: DockerExecutor, tmp_path: Path, instance: str, host: Host) -> Verify:
    """Runs commands on a small repository; keyword arguments are the job's."""
    return lambda *commands, **job: executor.verify(
        make_verify_job(tmp_path, *commands, instance=instance, **job), host
    )


@pytest.fixture
def under_way(executor: DockerExecutor, tmp_path: Path, instance: str, host: Host) -> Iterator[Future[list[VerifyRun]]]:
    """A round of two commands whose first one never ends."""
    job = make_verify_job(tmp_path, FOR_EVER, "true", instance=instance)
    with ThreadPoolExecutor() as pool:
        running = pool.submit(executor.verify, job, host)
        try:
            wait_until(lambda: host.out == b"begun\n" or running.done(), 30, "the command's start")
            yield running
        finally:
            host.stopping.set()


def codes(runs: list[VerifyRun]) -> list[int | None]:
    return [run.exit_code for run in runs]


def test_exit_codes_and_outputs_are_each_commands_own(verify: Verify, host: Host) -> None:
    runs = verify("echo out; echo err >&2; exit 3", "true", "kill -TERM $$", "no-such-command", "printf unfinished")

    assert codes(runs) == [3, 0, 143, 127, 0]
    assert [run.output for run in runs[:3]] == ["out\nerr\n", "", ""]
    assert "no-such-command: not found" in runs[3].output
    assert host.out.startswith(b"out\nerr\n")
    assert host.out.endswith(b"\nunfinished\n")  # the next line of the log begins a line of its own
    assert host.said[1:3] == ["verify (on the change): $ echo out; echo err >&2; exit 3", host.said[2]]
    assert host.said[2].startswith("exit 3 after ")


def test_the_commit_is_checked_out_where_the_agent_works(verify: Verify) -> None:
    look = "pwd; cat hello.txt; git status -sb; git remote; git rev-parse HEAD; cat kept 2>/dev/null; echo kept > kept"
    first, second = verify(look, look)

    *seen, head = first.output.splitlines()
    assert seen == [container.REPO, "hello", "## main"]
    assert len(head) == 40
    assert second.output.splitlines()[-1] == "kept"  # one tree for all commands: a build serves the tests


def test_there_is_no_way_out_no_door_and_no_key(verify: Verify) -> None:
    (run,) = verify("env; cat /proc/net/dev /proc/net/tcp; ls /pithy; id -u")

    assert "KEY" not in run.output
    assert "PITHY" not in run.output
    assert "/opt/pithy" not in run.output
    assert run.output.endswith("cache\nhome\nrepo\nrepo.git\n1000\n")
    assert "eth0" not in run.output
    assert "0100007F:1FAF" not in run.output  # 127.0.0.1:8111


def test_a_command_over_its_time_ends_the_sandbox_and_the_rest_is_not_run(
    verify: Verify, engine: Engine, host: Host
) -> None:
    runs = verify("trap '' TERM; echo slow; sleep 600", "true", "true", seconds=9.0)

    assert codes(runs) == [124, None, None]
    assert (runs[0].output, runs[1].output) == ("slow\n", "")
    assert runs[0].seconds >= 9
    assert any("longer than 9 s" in line for line in host.said)
    assert engine.api.containers(all=True, filters={"id": host.container}) == []


def test_no_command_can_speak_for_another_one(verify: Verify) -> None:
    """The main process is another user's: it cannot be ended, traced or written to, and nobody else's word counts."""
    forge = "kill -9 1; kill -9 -1; for out in /proc/1/fd/1 /proc/1/fd/2; do echo 'exit 0' > $out; done; exit 7"

    assert codes(verify(forge, "exit 5")) == [7, 5]


def test_what_a_command_leaves_running_does_not_meet_the_next_one(verify: Verify) -> None:
    leave = "setsid sh -c 'trap \"\" TERM HUP; echo $$ > pid; exec sleep 600' & while [ ! -s pid ]; do :; done; exit 3"

    assert codes(verify(leave, "test -s pid && ! kill -0 $(cat pid)")) == [3, 0]


@pytest.mark.parametrize("program", [FIGHTER, BOMB], ids=["fighter", "bomb"])
def test_leftovers_that_kill_or_fork_without_end_give_nobody_a_result(verify: Verify, program: str) -> None:
    first, *others = verify(f"python3 -c '{program}' & sleep 1; exit 4", "true", "true")

    assert first.exit_code in (4, 137)
    assert [code for code in codes(others) if code not in OVERWHELMED] == []


def test_a_command_without_memory_is_killed_alone(verify: Verify, host: Host) -> None:
    assert codes(verify("python3 -c 'bytearray(1 << 30)'", "exit 6")) == [137, 6]
    assert any("lack of memory" in line for line in host.said)


def test_memory_left_full_of_files_leaves_the_rest_without_a_result(verify: Verify, host: Host) -> None:
    """They belong to no process: whatever starts after it is killed, and that is nobody's result."""
    fill = "while echo 0123456789012345678901234567890123456789 || :; do :; done > /pithy/fill"
    runs = verify(f"exec sh -c '{fill}'", "true", limits=replace(LIMITS, memory=32 * MiB))

    assert codes(runs) == [137, None]
    assert any("good for no other command" in line for line in host.said)


def test_a_cancelled_round_ends_within_seconds(under_way: Future[list[VerifyRun]], host: Host) -> None:
    host.stopping.set()
    with pytest.raises(Cancelled):
        under_way.result(60)


def test_a_round_whose_sandbox_somebody_removes_is_lost(
    under_way: Future[list[VerifyRun]], engine: Engine, host: Host
) -> None:
    container.remove(engine, host.container)
    with pytest.raises(PithyError) as caught:
        under_way.result(60)
    assert caught.value.code is ErrorCode.CONTAINER_LOST


def test_its_sandbox_is_as_sealed_as_an_agents_and_found_by_its_role(
    under_way: Future[list[VerifyRun]], executor: DockerExecutor, engine: Engine, host: Host, instance: str
) -> None:
    (found,) = executor.sandboxes(instance)
    assert (found.role, found.attempt, found.fence) == ("vpatch", 1, 3)
    inspected = engine.api.inspect_container(host.container)
    settings = inspected["HostConfig"]
    assert inspected["Name"].endswith("-a1-vpatch")
    assert (settings["NetworkMode"], settings["ReadonlyRootfs"], settings["CapDrop"]) == ("none", True, ["ALL"])
    assert settings["CapAdd"] is None
    assert settings["PidsLimit"] == LIMITS.pids
    assert settings["Memory"] == settings["MemorySwap"] == LIMITS.memory
    assert "no-new-privileges:true" in settings["SecurityOpt"]
    assert state(engine, host.container)["Running"]


def test_effects_are_written_down_and_nothing_is_left(
    executor: DockerExecutor, tmp_path: Path, instance: str, host: Host
) -> None:
    job = make_verify_job(tmp_path, "true", instance=instance, role="vbase")
    executor.verify(job, host)
    started = host.container
    assert host.effects == [
        ("intend", "create", Labels.of(job).name), ("done", "create", started),
        ("intend", "start", started), ("done", "start", started),
        ("intend", "remove", started), ("done", "remove", started),
    ]  # fmt: skip
    assert host.phases == []
    assert executor.sandboxes(instance) == []


def test_a_lease_lost_at_the_very_start_leaves_nothing(executor: DockerExecutor, tmp_path: Path, instance: str) -> None:
    class Lost(Host):
        def done(self, effect: str, result: str = "") -> None:
            raise LeaseLost

    with pytest.raises(LeaseLost):
        executor.verify(make_verify_job(tmp_path, "true", instance=instance), Lost())


def test_a_log_that_takes_no_more_ends_the_round(executor: DockerExecutor, tmp_path: Path, instance: str) -> None:
    class FullDisk(Host):
        def output(self, stream: Stream, data: bytes, frame: int | None = None) -> bool:
            raise PithyError(ErrorCode.STORE, "cannot write the log")

    with pytest.raises(PithyError) as caught:
        executor.verify(make_verify_job(tmp_path, "yes", instance=instance), FullDisk())
    assert caught.value.code is ErrorCode.STORE


def test_a_hundred_megabytes_of_output_pass_through_little_memory(
    executor: DockerExecutor, tmp_path: Path, instance: str
) -> None:
    class Counting(Host):
        seen = 0
        most = 0

        def output(self, stream: Stream, data: bytes, frame: int | None = None) -> bool:
            self.seen += len(data)
            self.most = max(self.most, process.memory_info().rss)
            return True

    process = psutil.Process(os.getpid())
    host = Counting()
    before = process.memory_info().rss
    write = "head -c 100000000 /dev/zero | tr '\\0' x; echo; echo last"
    (run,) = executor.verify(make_verify_job(tmp_path, write, instance=instance), host)

    assert run.exit_code == 0
    assert host.seen == 100_000_000 + len("\nlast\n")
    assert len(run.output) == 8_000
    assert run.output.endswith("xx\nlast\n")
    assert host.most - before < 40 * MiB


def test_a_command_that_is_no_utf8_and_output_that_is_none(verify: Verify) -> None:
    (run,) = verify(r"printf 'bad \377 nul \000 end'; printf %s 'ümlaut ½'")

    assert run.output == "bad \ufffd nul \0 endümlaut ½"


def test_a_commit_that_is_not_in_the_bundle_is_an_error_of_ours(
    executor: DockerExecutor, tmp_path: Path, instance: str, host: Host
) -> None:
    job = replace(make_verify_job(tmp_path, "true", instance=instance), sha="0" * 40)
    with pytest.raises(PithyError, match="could not be checked out") as caught:
        executor.verify(job, host)
    assert caught.value.code is ErrorCode.INTERNAL
    assert "0" * 40 in caught.value.detail["message"]


def test_the_environment_key_is_the_image_and_the_network(
    executor: DockerExecutor, engine: Engine, sandbox_settings: SandboxSettings, image_locks: Path, host: Host
) -> None:
    key = executor.environment_key(host)

    assert Images(engine, sandbox_settings, image_locks).ensure(print) in key
    assert executor.environment_key(host) == key
    assert executor.environment_key(host, "open") != key


def test_an_engine_behind_tcp_works_the_same_and_its_loss_is_said(
    executor: DockerExecutor, engine: Engine, tmp_path: Path, instance: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = EngineProxy.of_this_machine()
    monkeypatch.setenv("DOCKER_HOST", proxy.url)
    host = Host()
    with ThreadPoolExecutor() as pool:
        running = pool.submit(executor.verify, make_verify_job(tmp_path, "exit 3", FOR_EVER, instance=instance), host)
        try:
            wait_until(lambda: host.out == b"begun\n" or running.done(), 30, "the command's start")
        finally:
            proxy.cut()
        with pytest.raises(PithyError) as caught:
            running.result(60)
    container.remove(engine, host.container)
    assert caught.value.code is ErrorCode.DOCKER_UNREACHABLE
    assert any(line.startswith("exit 3") for line in host.said)
