"""The same attempt over other ways to an engine: tcp, the docker command; and an engine that goes away."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pithy_local.config import SandboxSettings, Settings
from pithy_local.door.gateway import Upstream
from pithy_local.door.loop import EventLoop
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors import container
from pithy_local.executors.docker import DockerExecutor
from pithy_local.executors.engine import Engine
from pithy_local.executors.session import Session
from tests.docker.support import REPLY, Attempt
from tests.fakes.loopback import Gate
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import Reply

pytestmark = pytest.mark.docker

EXPECTED = b"-hello\n+hello, world\n"


class Proxy:
    """Carries TCP connections on loopback to the engine's unix socket, until it is cut."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        self.url = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"

    def cut(self) -> None:
        """Break every connection and take no new one."""
        for sock in [self._listener, *self._open]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the other side was faster
        for thread in self._threads:
            thread.join()
        for sock in [self._listener, *self._open]:
            sock.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._target)
            self._open += [near, far]
            for source, target in ((near, far), (far, near)):
                thread = threading.Thread(target=self._carry, args=(source, target))
                self._threads.append(thread)
                thread.start()

    @staticmethod
    def _carry(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # cut


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    with EventLoop() as running:
        yield running


@pytest.fixture
def proxy(engine: Engine, sandbox_image: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """The engine over tcp: DOCKER_HOST names the proxy."""
    host = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    if not host.startswith("unix://"):
        pytest.skip("the engine is not behind a unix socket")
    carrying = Proxy(host.removeprefix("unix://"))
    monkeypatch.setenv("DOCKER_HOST", carrying.url)
    try:
        yield carrying
    finally:
        carrying.cut()


@pytest.fixture
def executor(proxy: Proxy, loop: EventLoop, sandbox_settings: SandboxSettings, image_locks: Path) -> DockerExecutor:
    return DockerExecutor(Settings(sandbox=sandbox_settings), loop, image_locks)


def test_an_engine_behind_tcp_works_the_same(executor: DockerExecutor, tmp_path: Path, instance: str) -> None:
    attempt = Attempt(tmp_path, instance)
    assert EXPECTED in executor.run(attempt.job, attempt.host).diff


def test_an_engine_that_goes_away_is_said_so(
    executor: DockerExecutor, proxy: Proxy, engine: Engine, loop: EventLoop, tmp_path: Path, instance: str
) -> None:
    gate = Gate()
    with FakeModel([Reply(text=REPLY, gate=gate)]) as model, ThreadPoolExecutor() as pool:
        upstream = Upstream(name="openai", base_url=model.base_url, api_key="sk-test-key")
        attempt = Attempt(tmp_path, instance, upstream=upstream)
        running = pool.submit(executor.run, attempt.job, attempt.host)
        assert gate.reached.wait(30)
        proxy.cut()
        with pytest.raises(PithyError) as caught:
            running.result(30)
        gate.release()
        loop.call(attempt.host.gateway.aclose())
    container.remove(engine, attempt.host.container)
    assert caught.value.code is ErrorCode.DOCKER_UNREACHABLE


class BehindTheCommand(Engine):
    """As an engine behind TLS or ssh: nothing an event loop can adopt."""

    @property
    def hijacks(self) -> bool:
        return False


@pytest.mark.skipif(shutil.which("docker") is None, reason="the docker command is not installed")
def test_the_docker_command_carries_bundle_door_and_diff(
    engine: Engine, sandbox_image: str, loop: EventLoop, tmp_path: Path, instance: str
) -> None:
    attempt = Attempt(tmp_path, instance)
    with Session(BehindTheCommand(engine.client), loop, sandbox_image, attempt.job, attempt.host) as session:
        session.put_in()
        session.open_door()
        session.hand_over()
        session.watch()
        assert EXPECTED in session.collect()
