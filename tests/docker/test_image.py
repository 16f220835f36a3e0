"""The sandbox image on a real engine: built once, its failures told, a build that is cancelled stopped."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pithy_local.config import SandboxSettings
from pithy_local.errors import Cancelled, ErrorCode, PithyError
from pithy_local.executors.engine import Engine
from pithy_local.executors.image import Images
from tests.docker.support import remove_leaves
from tests.support import wait_until

pytestmark = pytest.mark.docker

LABEL = "LABEL pithy.sandbox=1\n"


def _running(engine: Engine, marker: str) -> bool:
    return any(marker in entry["Command"] for entry in engine.api.containers())


@pytest.fixture
def small(
    engine: Engine, sandbox_settings: SandboxSettings, sandbox_image: str, tmp_path: Path
) -> Iterator[Callable[[str], Images]]:
    """Images of a Dockerfile of the test's own, on the same base; whatever was built is removed."""
    mark = uuid.uuid4().hex
    (tmp_path / "runner").mkdir()

    def write(steps: str) -> Images:
        dockerfile = f"ARG BASE_IMAGE\nFROM ${{BASE_IMAGE}}\nLABEL mark={mark}\n{steps}"
        (tmp_path / "Dockerfile.sandbox").write_text(dockerfile)
        return Images(engine, sandbox_settings, tmp_path, tmp_path)

    yield write
    wait_until(lambda: remove_leaves(engine, f"mark={mark}"), what="the images' removal")


def test_the_image_is_there_after_ensure_and_not_built_again(
    engine: Engine, sandbox_settings: SandboxSettings, sandbox_image: str
) -> None:
    said: list[str] = []
    assert Images(engine, sandbox_settings).ensure(said.append) == sandbox_image
    assert said == []


def test_progress_is_said_line_by_line(small: Callable[[str], Images]) -> None:
    said: list[str] = []
    small(f"RUN echo first && echo second\n{LABEL}").ensure(said.append)
    assert said[0].startswith("building the sandbox image pithy-sandbox:")
    assert [line for line in said if line in ("first", "second")] == ["first", "second"]


def test_a_failing_step_fails_with_the_end_of_its_output(small: Callable[[str], Images]) -> None:
    with pytest.raises(PithyError, match="returned a non-zero code: 3") as caught:
        small("RUN echo the reason && exit 3\n").ensure(print)
    assert caught.value.code is ErrorCode.IMAGE_BUILD_FAILED
    assert "the reason" in caught.value.detail["log"]


@pytest.mark.parametrize("base", ["127.0.0.1:1/pithy/none:1", "No Such:Name"])
def test_a_base_image_that_cannot_be_pulled_is_named(engine: Engine, image_locks: Path, base: str) -> None:
    with pytest.raises(PithyError, match=base) as caught:
        Images(engine, SandboxSettings(base_image=base), image_locks).ensure(print)
    assert caught.value.code is ErrorCode.IMAGE_MISSING


def test_a_cancelled_build_stops_at_once(engine: Engine, small: Callable[[str], Images]) -> None:
    said: list[str] = []

    def checkpoint() -> None:
        if "asleep" in said:
            raise Cancelled

    marker = f"sleep 12{uuid.uuid4().int % 10**6:06d}"
    with pytest.raises(Cancelled):
        small(f"RUN echo asleep && {marker}\n").ensure(said.append, checkpoint)
    wait_until(lambda: not _running(engine, marker), what="the engine's own stop")


def test_two_at_once_build_one_image(
    small: Callable[[str], Images], sandbox_settings: SandboxSettings, tmp_path: Path
) -> None:
    small(f"RUN echo once\n{LABEL}")
    said: list[str] = []
    together = threading.Barrier(2)

    def say(words: str) -> None:
        said.append(words)
        if words == "once":  # the one that builds goes on when the other one waits for it
            wait_until(lambda: "waiting for another build of the same image" in said)

    def ensure() -> str:
        together.wait()
        with Engine.connect() as own:
            return Images(own, sandbox_settings, tmp_path, tmp_path).ensure(say)

    with ThreadPoolExecutor(2) as pool:
        first, second = (pool.submit(ensure) for _ in range(2))
    assert first.result() == second.result()
    assert said.count("once") == 1


def test_every_sandbox_image_is_listed_and_one_is_current(small: Callable[[str], Images]) -> None:
    old = small(f"RUN echo old\n{LABEL}")
    old.ensure(print)
    (old_tag,) = [info.tag for info in old.installed() if info.current]
    new = small(f"RUN echo new\n{LABEL}")
    new.ensure(print)
    (current,) = [info for info in new.installed() if info.current]
    assert old_tag in [info.tag for info in new.installed()]
    assert current.tag != old_tag
    assert current.size > 0
    assert abs(current.created / 1000 - time.time()) < 3600
