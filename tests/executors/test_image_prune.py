"""`image prune`, on an engine of the test's own: on a real one other people's images would go."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pithy_local.config import SandboxSettings
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors.engine import Engine
from pithy_local.executors.image import Images
from tests.executors.fake_engine import Serve
from tests.fakes.loopback import Exchange

REMAINS = "sha256:remains"
OLD, USED, STRANGE = "pithy-sandbox:0000000000000001", "pithy-sandbox:0000000000000002", "somebody/else:1"


def engine_with(removed: list[str], tags: list[str], status: int = 409) -> Serve:
    """Knows the base image `base`; refuses to remove USED with `status`."""

    def answer(exchange: Exchange) -> None:
        path = exchange.request.path.removeprefix("/v1.41/images/")
        if exchange.request.method == "DELETE":
            if path == USED:
                exchange.send(status, b'{"message": "a container uses it"}')
            else:
                removed.append(path)
                exchange.send(200, b"[]")
        elif path == "base/json":
            exchange.send(200, b'{"Id": "sha256:base"}')
        else:
            named = [{"Id": f"sha256:{tag}", "Created": 5, "Size": 7, "RepoTags": [tag]} for tag in tags]
            nameless = {"Id": REMAINS, "Created": 1, "Size": 1, "RepoTags": None}
            found = [nameless] if "dangling" in exchange.request.query_string else [*named, nameless]
            exchange.send(200, json.dumps(found).encode())

    return answer


@pytest.fixture
def settings() -> SandboxSettings:
    return SandboxSettings(base_image="base")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "runner").mkdir()
    (tmp_path / "Dockerfile.sandbox").write_text("FROM scratch\n")
    return tmp_path


def test_everything_goes_but_the_current_and_the_used(
    connect: Callable[[Serve], Engine], settings: SandboxSettings, source: Path
) -> None:
    removed: list[str] = []
    tags = [OLD, USED, STRANGE]
    images = Images(connect(engine_with(removed, tags)), settings, source, source)
    tags.append(images.current_tag() or "")
    assert images.prune() == [OLD, REMAINS]
    assert removed == [OLD, REMAINS]


def test_an_engine_that_fails_is_no_image_in_use(
    connect: Callable[[Serve], Engine], settings: SandboxSettings, source: Path
) -> None:
    images = Images(connect(engine_with([], [USED], status=500)), settings, source, source)
    with pytest.raises(PithyError) as caught:
        images.prune()
    assert caught.value.code is ErrorCode.INTERNAL
