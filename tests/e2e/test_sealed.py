"""What a command of the repository sees while its task runs: the product's own container, looked at from inside."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from pithy_local.executors.engine import Engine
from tests.e2e.world import KEY, TOKEN, World, fix
from tests.fakes.loopback import Gate
from tests.fakes.model_replies import hang
from tests.support import commit_files, git

pytestmark = pytest.mark.docker

SECRETS = f"""
import pathlib, sys
found = []
for path in [*pathlib.Path("/proc").glob("[0-9]*/environ"), *pathlib.Path("/proc").glob("[0-9]*/cmdline"),
             *(p for root in ("/pithy", "/tmp", "/var/tmp", "/run", "/opt", "/etc", "/home", "/root")
               for p in pathlib.Path(root).rglob("*"))]:
    try:
        data = path.read_bytes() if path.is_file() else b""
    except OSError:
        continue
    if str(path) != __file__ and any(("".join(parts)).encode() in data for parts in
                                     ({tuple(KEY)!r}, {tuple(TOKEN)!r})):
        found.append(str(path))
print(found)
"""


@pytest.fixture
def at_work(world: World, engine: Engine) -> Iterator[tuple[World, str]]:
    """A task waiting for the model; its container's id."""
    clone = world.root / "clone"
    git("clone", "-q", str(world.bare), str(clone))
    commit_files(clone, {"secrets.py": SECRETS})
    git("push", "-q", "origin", "main", cwd=clone)
    gate = Gate()
    world.script = lambda _: hang(gate)
    world.add()
    with world.popen("run", "--until-idle") as runner:
        try:
            assert gate.reached.wait(60)
            [found] = engine.api.containers(filters={"label": f"pithy.instance={world.instance()}"})
            yield world, found["Id"]
        finally:
            runner.send_signal(signal.SIGINT)
            runner.communicate(timeout=100)
            gate.release()


def inside(engine: Engine, container: str, *command: str) -> str:
    made = engine.api.exec_create(container, ["sh", "-c", f"cd /pithy/repo && {' '.join(command)}"], user="1000:1000")
    out, err = engine.api.exec_start(made["Id"], demux=True)
    assert engine.api.exec_inspect(made["Id"])["ExitCode"] == 0, err
    return (out or b"").decode()


def test_the_repositorys_command_sees_no_way_out_and_no_secret(at_work: tuple[World, str], engine: Engine) -> None:
    _, container = at_work

    checks: list[dict[str, Any]] = json.loads(inside(engine, container, "python3", "-m", "runner.probe", "--json"))
    secrets = inside(engine, container, "python3", "secrets.py")

    assert len(checks) >= 40
    assert [check for check in checks if not check["ok"]] == []
    assert secrets.strip() == "[]"


def test_nobody_outside_sees_a_secret_either(at_work: tuple[World, str], engine: Engine) -> None:
    world, container = at_work

    inspected = json.dumps(engine.api.inspect_container(container))
    logs = engine.api.logs(container).decode()
    arguments = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout

    places = {"inspect": inspected, "container's log": logs, "ps": arguments}
    places |= {str(path): path.read_bytes().decode("latin-1") for path in world.home.rglob("*") if path.is_file()}
    assert [place for place, text in places.items() if KEY in text or TOKEN in text] == []


def test_a_finished_sealed_task_leaves_no_secret(world: World) -> None:
    world.script = lambda _: fix()

    task = world.settle()

    kept = {str(path): path.read_bytes() for path in world.home.rglob("*") if path.is_file()}
    assert task["status"] == "completed"
    assert [place for place, data in kept.items() if KEY.encode() in data or TOKEN.encode() in data] == []
