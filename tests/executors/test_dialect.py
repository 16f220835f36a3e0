"""Engines that are not Docker, played: what Podman 4.3 answered to the same requests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pithy_local.config import SandboxSettings
from pithy_local.errors import ErrorCode, LeaseLost, PithyError
from pithy_local.executors import container
from pithy_local.executors.container import Labels
from pithy_local.executors.dialect import PROFILE
from pithy_local.executors.engine import Engine
from pithy_local.executors.image import Images
from tests.docker.support import Host, make_job
from tests.executors.fake_engine import Serve
from tests.fakes.loopback import Exchange

Connect = Callable[[Serve], Engine]
NO_INIT = "container create: container-init binary not found on the host: stat catatonit: no such file or directory"
NO_PROFILE = 'container create: opening seccomp profile failed: open {"defaultAction": … : file name too long'
NO_FILE = f"container create: opening seccomp profile failed: open {PROFILE}: no such file or directory"
TAKEN = (
    'container create: creating container storage: the container name "x" is already in use by 3c43. You have to '
    "remove that container to be able to reuse that name: that name is already in use"
)
GONE = "container 61df does not exist in database: no such container"


class Podman:
    """Makes containers as long as `refuses` names no reason against; `wanted` has what was asked for."""

    def __init__(self, refuses: Callable[[dict[str, Any]], str | None]) -> None:
        self._refuses = refuses
        self.wanted: list[dict[str, Any]] = []
        self.there: dict[str, Any] | None = None
        """The container that has the name already."""

    def __call__(self, exchange: Exchange) -> None:
        path = exchange.request.path.removeprefix("/v1.41")
        if path == "/containers/create":
            asked = exchange.request.json()["HostConfig"]
            self.wanted.append(asked)
            reason = self._refuses(asked)
            _send(exchange, 500 if reason else 201, {"message": reason} if reason else {"Id": "made"})
        elif path.startswith("/images/"):
            _send(exchange, 200, {"Id": "sha256:1", "Config": {}})
        elif path == "/containers/made/json" or self.there is None:
            _send(exchange, 200, {"Id": "made", "Config": {}, "State": {}})
        else:
            _send(exchange, 200, self.there)


def _send(exchange: Exchange, status: int, body: dict[str, Any]) -> None:
    exchange.send(status, json.dumps(body).encode(), {"Content-Type": "application/json"})


def filter_of(asked: dict[str, Any]) -> str:
    assert "no-new-privileges:true" in asked["SecurityOpt"]
    (found,) = [option for option in asked["SecurityOpt"] if option.startswith("seccomp=")]
    return str(found).removeprefix("seccomp=")


def podman_without_init(asked: dict[str, Any]) -> str | None:
    if filter_of(asked).startswith("{"):
        return NO_PROFILE
    return NO_INIT if asked["Init"] else None


def test_podman_gets_the_same_filter_by_the_name_of_its_file(connect: Connect) -> None:
    podman = Podman(podman_without_init)
    assert container.launch(connect(podman), "image", make_job("0" * 32), Host()) == "made"
    text, by_name, without_init = podman.wanted
    assert json.loads(filter_of(text)) == json.loads(Path(filter_of(by_name)).read_text())
    assert (filter_of(without_init), without_init["Init"]) == (str(PROFILE), False)


def test_a_filter_that_podman_cannot_read_is_not_left_out(connect: Connect) -> None:
    podman = Podman(lambda asked: NO_PROFILE if filter_of(asked).startswith("{") else NO_FILE)
    with pytest.raises(PithyError, match="cannot read the sandbox's system call filter") as caught:
        container.launch(connect(podman), "image", make_job("0" * 32), Host())
    assert (len(podman.wanted), str(PROFILE) in caught.value.hint) == (2, True)


def test_another_reason_is_no_dialect(connect: Connect) -> None:
    podman = Podman(lambda asked: "no")
    with pytest.raises(PithyError, match="could not create the sandbox: no"):
        container.launch(connect(podman), "image", make_job("0" * 32), Host())
    assert len(podman.wanted) == 1


def test_a_name_that_is_taken_is_one_whatever_the_status(connect: Connect) -> None:
    podman = Podman(lambda asked: TAKEN)
    labels = Labels.of(make_job("0" * 32, fence=2))
    podman.there = {"Id": "theirs", "Config": {"Labels": labels.as_dict()}, "State": {}}
    with pytest.raises(LeaseLost):
        container.launch(connect(podman), "image", make_job("0" * 32, fence=1), Host())


def test_a_container_that_is_gone_is_lost_whatever_the_status(connect: Connect) -> None:
    engine = connect(lambda exchange: _send(exchange, 500, {"message": GONE}))
    with pytest.raises(PithyError) as caught:
        container.find(engine, Labels.of(make_job("0" * 32)))
    assert caught.value.code is ErrorCode.CONTAINER_LOST


def test_an_image_is_listed_by_its_short_name(connect: Connect) -> None:
    listed = {"Id": "sha256:2", "Created": 5, "Size": 7, "RepoTags": ["docker.io/library/pithy-sandbox:1"]}

    def answer(exchange: Exchange) -> None:
        one = exchange.request.path.endswith("/base/json")
        exchange.send(200, json.dumps({"Id": "sha256:base"} if one else [listed]).encode())

    images = Images(connect(answer), SandboxSettings(base_image="base"))
    assert [info.tag for info in images.installed()] == ["pithy-sandbox:1"]
