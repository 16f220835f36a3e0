"""The same attempt over other ways to an engine: tcp, ssh, the docker command; and an engine that goes away."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pithy_local.config import SandboxSettings, Settings
from pithy_local.door.loop import EventLoop
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors import container
from pithy_local.executors.agent_session import AgentSession
from pithy_local.executors.docker import DockerExecutor
from pithy_local.executors.engine import Engine
from pithy_local.executors.verify_session import CHANGES, VerifySession
from tests.docker.support import Attempt, Host, upstream_of
from tests.executors.local_host import REPLY
from tests.executors.verify_jobs import make_verify_job
from tests.fakes.engine_proxy import EngineProxy
from tests.fakes.loopback import Gate
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import Reply

pytestmark = pytest.mark.docker

needs_command = pytest.mark.skipif(shutil.which("docker") is None, reason="the docker command is not installed")

EXPECTED = b"-hello\n+hello, world\n"


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    with EventLoop() as running:
        yield running


@pytest.fixture
def proxy(engine: Engine, sandbox_image: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineProxy]:
    """The engine over tcp: DOCKER_HOST names the proxy."""
    carrying = EngineProxy.of_this_machine()
    monkeypatch.setenv("DOCKER_HOST", carrying.url)
    try:
        yield carrying
    finally:
        carrying.cut()


@pytest.fixture
def executor(
    proxy: EngineProxy, loop: EventLoop, sandbox_settings: SandboxSettings, image_locks: Path
) -> DockerExecutor:
    return DockerExecutor(Settings(sandbox=sandbox_settings), loop, image_locks)


def test_an_engine_behind_tcp_works_the_same(executor: DockerExecutor, tmp_path: Path, instance: str) -> None:
    attempt = Attempt(tmp_path, instance)
    assert EXPECTED in executor.run(attempt.job, attempt.host).diff


def test_an_engine_that_goes_away_is_said_so(
    executor: DockerExecutor, proxy: EngineProxy, engine: Engine, loop: EventLoop, tmp_path: Path, instance: str
) -> None:
    gate = Gate()
    with FakeModel([Reply(text=REPLY, gate=gate)]) as model, ThreadPoolExecutor() as pool:
        upstream = upstream_of(model, "sk-test-key")
        attempt = Attempt(tmp_path, instance, upstream=upstream)
        running = pool.submit(executor.run, attempt.job, attempt.host)
        assert gate.reached.wait(60)
        proxy.cut()
        with pytest.raises(PithyError) as caught:
            running.result(60)
        gate.release()
        loop.call(attempt.host.gateway.aclose())
    container.remove(engine, attempt.host.container)
    assert caught.value.code is ErrorCode.DOCKER_UNREACHABLE


def test_a_sandbox_that_somebody_removes_is_said_to_be_although_the_engine_shows_it_as_running_still(
    proxy: EngineProxy, engine: Engine, sandbox_image: str, loop: EventLoop, tmp_path: Path, instance: str
) -> None:
    attempt = Attempt(tmp_path, instance)
    with Engine.connect() as over_tcp:
        sandbox = container.launch(over_tcp, sandbox_image, attempt.job, attempt.host)
        with AgentSession(over_tcp, loop, sandbox, attempt.job, attempt.host) as session:
            running = json.dumps(engine.api.inspect_container(sandbox)).encode()
            container.remove(engine, sandbox)
            proxy.fail_next("GET containers/json", 200, times=5, body=running)
            with pytest.raises(PithyError, match="somebody removed the sandbox") as caught:
                session.open_door()
    assert caught.value.code is ErrorCode.CONTAINER_LOST


@needs_command
def test_an_engine_behind_ssh_works_the_same(
    engine: Engine, sandbox_image: str, sandbox_settings: SandboxSettings, image_locks: Path, loop: EventLoop,
    tmp_path: Path, instance: str, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The far end is this machine: an `ssh` that runs what it is told here, as the test itself reaches the engine."""
    if (told := os.environ.get("DOCKER_HOST", "")).startswith("ssh://"):
        pytest.skip("the engine is behind ssh already")
    near = f"export DOCKER_HOST={shlex.quote(told)}" if told else ""
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(f'#!/bin/sh\nunset DOCKER_HOST; {near}\nshift $(($# - 1))\nexec sh -c "$1"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("DOCKER_HOST", "ssh://box")
    attempt = Attempt(tmp_path, instance)
    executor = DockerExecutor(Settings(sandbox=sandbox_settings), loop, image_locks)
    assert EXPECTED in executor.run(attempt.job, attempt.host).diff


class BehindTheCommand(Engine):
    """As an engine behind TLS: nothing an event loop can adopt."""

    @property
    def hijacks(self) -> bool:
        return False


@needs_command
def test_the_docker_command_carries_bundle_door_and_diff(
    engine: Engine, sandbox_image: str, loop: EventLoop, tmp_path: Path, instance: str
) -> None:
    attempt = Attempt(tmp_path, instance)
    behind = BehindTheCommand(engine.client)
    sandbox = container.launch(behind, sandbox_image, attempt.job, attempt.host)
    with AgentSession(behind, loop, sandbox, attempt.job, attempt.host) as session:
        session.put_in(attempt.job.bundle)
        session.open_door()
        session.hand_over()
        session.watch()
        assert EXPECTED in session.collect()


@needs_command
def test_verify_commands_run_behind_the_docker_command_too(
    engine: Engine, sandbox_image: str, loop: EventLoop, tmp_path: Path, instance: str
) -> None:
    job = make_verify_job(tmp_path, "cat hello.txt; exit 3", instance=instance)
    behind, host = BehindTheCommand(engine.client), Host()
    sandbox = container.launch(behind, sandbox_image, job, host, CHANGES)
    with VerifySession(behind, loop, sandbox, job, host) as session:
        session.put_in(job.bundle)
        (run,) = session.verify()
    assert (run.exit_code, run.output) == (3, "hello\n")
