"""A sandbox image that somebody removes between the moment it was found and the container's creation."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pithy_local.config import SandboxSettings, Settings
from pithy_local.door.loop import EventLoop
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors.docker import DockerExecutor
from pithy_local.executors.engine import Engine
from pithy_local.executors.image import Images
from pithy_local.models import Phase
from tests.docker.support import Attempt, Host, remove_leaves
from tests.support import wait_until

pytestmark = pytest.mark.docker


class Removing(Host):
    """Removes the image as the attempt enters its phase `starting`; with `every`, also each one built after that."""

    remove: Callable[[], None]
    every = False

    def enter(self, phase: Phase) -> None:
        super().enter(phase)
        if phase is Phase.STARTING:
            self.remove()

    def say(self, text: str) -> None:
        super().say(text)
        if self.every and text.startswith("Successfully tagged"):
            self.remove()


@pytest.fixture
def settings(sandbox_image: str) -> SandboxSettings:
    """The whole sandbox as base: what is built on it in a second can run an attempt."""
    return SandboxSettings(base_image=sandbox_image)


@pytest.fixture
def source(engine: Engine, tmp_path: Path) -> Iterator[Path]:
    """A Dockerfile whose images are this test's alone."""
    mark = uuid.uuid4().hex
    folder = tmp_path / "source"
    (folder / "runner").mkdir(parents=True)
    dockerfile = f"ARG BASE_IMAGE\nFROM ${{BASE_IMAGE}}\nLABEL mark={mark} pithy.sandbox=1\n"
    (folder / "Dockerfile.sandbox").write_text(dockerfile)
    yield folder
    wait_until(lambda: remove_leaves(engine, f"mark={mark}"), what="the images' removal")


@pytest.fixture
def attempt(engine: Engine, settings: SandboxSettings, source: Path, tmp_path: Path, instance: str) -> Attempt:
    images = Images(engine, settings, tmp_path, source)
    made = Attempt(tmp_path, instance)
    made.host = Removing(services=made.host.gateway)
    made.host.remove = lambda: engine.api.remove_image(images.current_tag(), force=True)
    return made


@pytest.fixture
def executor(settings: SandboxSettings, source: Path, tmp_path: Path) -> Iterator[DockerExecutor]:
    with EventLoop() as loop:
        yield DockerExecutor(Settings(sandbox=settings), loop, tmp_path, source)


def test_it_is_made_again_once_and_the_attempt_goes_on(executor: DockerExecutor, attempt: Attempt) -> None:
    assert b"+hello, world" in executor.run(attempt.job, attempt.host).diff
    assert len([line for line in attempt.host.said if line.startswith("building the sandbox image")]) == 2


def test_an_image_that_does_not_stay_is_missing(executor: DockerExecutor, attempt: Attempt) -> None:
    assert isinstance(attempt.host, Removing)
    attempt.host.every = True
    with pytest.raises(PithyError) as caught:
        executor.run(attempt.job, attempt.host)
    assert caught.value.code is ErrorCode.IMAGE_MISSING
