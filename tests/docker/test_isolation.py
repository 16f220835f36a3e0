"""What a program in the sandbox can see and do, by the runner's own probe; and limits that are really reached."""

from __future__ import annotations

import json
import platform
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from pithy_local.executors import container
from pithy_local.executors.container import DOOR_USER
from pithy_local.executors.engine import Engine
from tests.docker.support import Host, make_job, run_in, start_in

pytestmark = pytest.mark.docker

PROBE = ["python3", "-m", "runner.probe", "--json"]
PLAIN = "cd /opt/pithy && exec python3 -m runner.probe --json"
WORKS = """\
import asyncio, openai, anthropic, subprocess, sys, threading
from pathlib import Path
thread = threading.Thread(target=int)
thread.start()
thread.join()
asyncio.run(asyncio.sleep(0))
subprocess.run(["git", "init", "-q", "/tmp/probe-repo"], check=True)
subprocess.run([sys.executable, "-m", "pip", "--version"], check=True)
script = Path("/tmp/probe.sh")
script.write_text("#!/bin/sh\\nexit 7\\n")
script.chmod(0o755)
sys.exit(subprocess.run([str(script)]).returncode)
"""

Findings = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def sealed(engine: Engine, sandbox_image: str) -> Iterator[str]:
    """The id of a sealed container in which a process of the door's user sleeps."""
    started = container.launch(engine, sandbox_image, make_job(uuid.uuid4().hex), Host())
    try:
        start_in(engine, started, ["sleep", "600"], user=DOOR_USER)
        yield started
    finally:
        container.remove(engine, started)


@pytest.fixture(scope="module")
def inside(engine: Engine, sealed: str) -> Findings:
    """What the probe finds in the sandbox, by the check's id."""
    return by_id(run_in(engine, sealed, PROBE).out)


@pytest.fixture(scope="module")
def plain(engine: Engine, sandbox_image: str) -> Findings:
    """The same in the same image, run without any option but a name."""
    made = engine.client.containers.create(sandbox_image, ["sh", "-c", PLAIN], name=f"probe-{uuid.uuid4().hex}")
    try:
        made.start()
        made.wait(timeout=100)
        return by_id(made.logs(stdout=True, stderr=False).decode())
    finally:
        container.remove(engine, made.id)


def by_id(out: str) -> Findings:
    return {finding["id"]: finding for finding in json.loads(out)}


def broken(findings: Findings) -> dict[str, str]:
    return {name: finding["found"] for name, finding in findings.items() if not finding["ok"]}


def test_every_check_holds_inside(inside: Findings) -> None:
    assert broken(inside) == {}
    assert len(inside) >= 40


def test_a_plain_container_breaks_more_than_twenty(plain: Findings) -> None:
    assert len(broken(plain)) > 20


@pytest.mark.parametrize(
    "name",
    ["privileges.bounding", "privileges.no-new-privs", "privileges.setuid", "network.interfaces", "network.routes",
     "network.dns", "network.metadata", "kernel.roots", "files.root", "files.tmp", "files.writable", "limits.memory",
     "limits.swap", "limits.processors", "limits.file-size", "limits.killed-first", "host.name"],
)  # fmt: skip
def test_a_plain_container_shows_that_a_check_can_fail(plain: Findings, name: str) -> None:
    assert name in broken(plain)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the second numbering of system calls is that of x86")
def test_a_plain_container_takes_calls_of_the_32_bit_abi(plain: Findings) -> None:
    assert broken(plain)["kernel.abi"] == "the 32-bit one"


def test_a_process_of_the_doors_user_was_tried(inside: Findings) -> None:
    assert inside["host.other-users"]["found"].startswith("1 processes of others")


def test_the_limits_found_are_those_of_the_job(inside: Findings) -> None:
    found = {name: inside[f"limits.{name}"]["found"] for name in ("memory", "processes", "processors", "open-files")}
    assert found == {
        "memory": "512 MiB", "processes": "128 processes and threads", "processors": "2 processors",
        "open-files": "4096",
    }  # fmt: skip


def test_a_secret_in_an_environment_is_found_and_not_shown(engine: Engine, sealed: str) -> None:
    canary = "canary-of-the-probe"
    ran = run_in(engine, sealed, ["env", f"DEPLOY_TOKEN={canary}", *PROBE])
    assert ran.code == 1
    assert "DEPLOY_TOKEN of process" in broken(by_id(ran.out))["keys.environment"]
    assert canary not in ran.out


def test_environments_hold_what_the_product_set(engine: Engine, sealed: str) -> None:
    expected = container.environment()
    seen = dict(line.split("=", 1) for line in run_in(engine, sealed, ["env"]).out.splitlines())
    assert {name: seen.get(name) for name in expected} == expected


def test_ordinary_programs_work(engine: Engine, sealed: str) -> None:
    ran = run_in(engine, sealed, ["python3", "-c", WORKS])
    assert (ran.code, ran.err) == (7, "")


def test_a_fork_bomb_meets_the_limit(engine: Engine, waiting: str) -> None:
    bomb = (
        "import os, time\n"
        "made = 0\n"
        "try:\n"
        "    while made < 10_000:\n"
        "        if os.fork() == 0:\n"
        "            time.sleep(600)\n"
        "            os._exit(0)\n"
        "        made += 1\n"
        "except BlockingIOError:\n"
        "    print('EAGAIN', made)\n"
        "os.killpg(0, 9)\n"
    )
    ran = run_in(engine, waiting, ["setsid", "-w", "python3", "-uc", bomb])
    word, made = ran.out.split()
    assert word == "EAGAIN"
    assert 64 < int(made) < 128


def test_memory_ends_at_the_limit(engine: Engine, waiting: str) -> None:
    hog = "hoard = []\nwhile True:\n    hoard.append(bytearray(16 << 20)); print(len(hoard) * 16, flush=True)\n"
    ran = run_in(engine, waiting, ["python3", "-c", hog])
    assert ran.code == 137  # SIGKILL by the kernel
    assert 256 < int(ran.out.split()[-1]) < 512


@pytest.mark.parametrize(("place", "megabytes"), [("/pithy", 128), ("/tmp", 32), ("/var/tmp", 16), ("/dev/shm", 64)])
def test_a_full_disk_is_that_place_alone(engine: Engine, waiting: str, place: str, megabytes: int) -> None:
    ran = run_in(engine, waiting, ["dd", "if=/dev/zero", f"of={place}/fill", "bs=1M"])
    assert "No space left on device" in ran.err
    assert f"{megabytes}+0 records out" in ran.err
