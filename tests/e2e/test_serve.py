"""`serve` with a sealed container and a forge: killed in the middle, its next start and its clients lose nothing."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from pithy_local.paths import Home
from pithy_local.service.serving import token
from tests.e2e.world import FIX, SLUG, World
from tests.fakes.loopback import Gate
from tests.fakes.model_replies import Reply
from tests.http.served import Event, events
from tests.support import wait_until

SSE = {"accept": "text/event-stream"}


@contextmanager
def serve(world: World) -> Iterator[tuple[subprocess.Popen[str], httpx2.Client]]:
    """The process, and a client with its token."""
    with world.popen("serve", "--port", "0") as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            headers = {"authorization": f"Bearer {token(Home(root=world.home))}"}
            with httpx2.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as client:
                yield process, client
        finally:
            process.kill()
            process.communicate()


def _kill(process: subprocess.Popen[str], gate: Gate, seen: list[Event]) -> None:
    """As soon as the container asks the model, and the client has seen a line."""
    gate.reached.wait(60)
    try:
        wait_until(lambda: any(event.id for event in list(seen)), what="a line of the log")
    finally:
        process.kill()


def _follow(client: httpx2.Client, path: str, seen: list[Event]) -> None:
    """Until the connection is cut."""
    try:
        with client.stream("GET", path, headers=SSE) as response:
            for event in events(response):
                seen.append(event)
    except httpx2.HTTPError:
        return
    raise AssertionError(f"the stream ended by itself: {seen[-1]}")


@pytest.mark.docker
def test_killed_while_a_container_works_the_next_adopts_it_and_its_clients_go_on(world: World) -> None:
    gate, seen = Gate(), list[Event]()
    world.script = lambda _: Reply(text=FIX, gate=gate)
    with serve(world) as (process, client):
        task = client.post("/api/task", json={"prompt": "add() must add", "repo": SLUG}).json()["id"]
        path = f"/api/task/{task}/logs"
        killer = threading.Thread(target=_kill, args=(process, gate, seen))
        killer.start()
        _follow(client, path, seen)
        killer.join()
    gate.release()
    lines = [event for event in seen if event.id]
    with serve(world) as (_, client):
        with client.stream("GET", path, headers={**SSE, "last-event-id": lines[-1].id or ""}) as response:
            rest = list(events(response))
        shown = client.get(f"/api/task/{task}").json()

    lines += [event for event in rest if event.event == "message"]
    assert (shown["status"], shown["attempts"]) == ("completed", 1)
    assert [json.loads(line.data)["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert [json.loads(line.data) for line in lines] == world.log(task)
    assert [pull.head for pull in world.github.prs] == [f"pj/{task}"]
