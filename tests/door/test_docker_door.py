"""The door in a real sandbox image, over docker-py's exec socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from pithy_local.door.loop import EventLoop
from pithy_local.door.relay import Relay
from pithy_local.door.transport import SocketTransport
from pithy_local.executors.engine import Engine
from tests.door.harness import MODEL, Recorded, make_gateway
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import Reply
from tests.support import wait_until

DOOR_COMMAND = ["python3", "-I", "-S", "/opt/pithy/runner/door.py"]
ASK = """
import json, urllib.request
body = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "x" * SIZE}]}).encode()
request = urllib.request.Request("http://127.0.0.1:8111/openai/v1/chat/completions", body)
print(len(json.load(urllib.request.urlopen(request, timeout=60))["choices"][0]["message"]["content"]))
"""

pytestmark = pytest.mark.docker


@pytest.fixture
def container(engine: Engine, sandbox_image: str, instance: str) -> Iterator[str]:
    """A container without a network that does nothing."""
    config = engine.api.create_host_config(network_mode="none", read_only=True, cap_drop=["ALL"], init=True)
    created = engine.api.create_container(
        sandbox_image, ["sleep", "600"], host_config=config, labels={"pithy.instance": instance}, entrypoint=[]
    )
    engine.api.start(created["Id"])
    yield created["Id"]
    engine.api.remove_container(created["Id"], force=True, v=True)


def start_door(engine: Engine, container: str) -> tuple[str, Any]:
    """The exec's id and its socket."""
    made = engine.api.exec_create(container, DOOR_COMMAND, stdin=True, user="65532:65532")
    return made["Id"], engine.api.exec_start(made["Id"], socket=True)


def ask_inside(engine: Engine, container: str, size: int) -> str:
    script = f"MODEL, SIZE = {json.dumps(MODEL)}, {size}\n{ASK}"
    made = engine.api.exec_create(container, ["python3", "-c", script], user="1000:1000")
    said: bytes = engine.api.exec_start(made["Id"])
    return said.decode().strip()


def test_the_model_is_reached_from_a_container_without_network(
    loop: EventLoop, engine: Engine, container: str, model: FakeModel, recorded: Recorded
) -> None:
    model.push("hi", Reply(text="y" * 5_000_000))
    gateway = make_gateway(model.base_url, recorded, token=None)
    exec_id, sock = start_door(engine, container)
    relay = Relay(SocketTransport(sock), gateway.app)
    loop.call(relay.start())
    assert ask_inside(engine, container, 10) == "2"
    assert ask_inside(engine, container, 5_000_000) == "5000000"
    loop.call(relay.aclose(), 60)
    loop.call(gateway.aclose())
    wait_until(lambda: not engine.api.exec_inspect(exec_id)["Running"], what="the door leaving")
    assert len(recorded.calls) == 2


def test_a_second_door_opens_when_the_first_ones_host_is_gone(
    loop: EventLoop, engine: Engine, container: str, model: FakeModel, recorded: Recorded
) -> None:
    model.push("hi")
    gateway = make_gateway(model.base_url, recorded, token=None)
    first = Relay(SocketTransport(start_door(engine, container)[1]), gateway.app)
    loop.call(first.start())
    loop.call(first.aclose(), 60)
    second = Relay(SocketTransport(start_door(engine, container)[1]), gateway.app)
    loop.call(second.start())
    assert ask_inside(engine, container, 10) == "2"
    loop.call(second.aclose(), 60)
    loop.call(gateway.aclose())
