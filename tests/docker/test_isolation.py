"""What a program in the sandbox can see and do: looked at from inside a real one."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from pithy_local.executors import container
from pithy_local.executors.engine import Engine
from tests.docker.support import Host, make_job, run_in

pytestmark = pytest.mark.docker

PROBE = (Path(__file__).parent / "probe.py").read_text()
ALLOWED_FAMILIES = {"UNIX", "INET", "INET6", "NETLINK"}
DEVICES = {
    "core", "fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty",
    "urandom", "zero",
}  # fmt: skip


@pytest.fixture(scope="module")
def seen(engine: Engine, sandbox_image: str) -> dict[str, Any]:
    """What the probe printed."""
    started = container.launch(engine, sandbox_image, make_job(uuid.uuid4().hex), Host())
    try:
        ran = run_in(engine, started, ["python3", "-c", PROBE])
    finally:
        container.remove(engine, started)
    assert ran.code == 0, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def test_nothing_to_reach_and_nothing_to_be(seen: dict[str, Any]) -> None:
    assert seen["interfaces"] == ["lo"]
    assert seen["routes"] == []
    assert (seen["uid"], seen["gid"], seen["groups"]) == (1000, 1000, [1000])
    assert seen["setuid"] == "EPERM"
    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(seen["status"][capabilities], 16) == 0
    assert seen["status"]["NoNewPrivs"] == "1"
    assert seen["status"]["Seccomp"] == "2"


def test_the_kernel_refuses_what_a_build_does_not_need(seen: dict[str, Any]) -> None:
    assert {name for name, refused in seen["families"].items() if refused is None} == ALLOWED_FAMILIES
    assert seen["raw"] == "EPERM"
    assert seen["syscalls"] == dict.fromkeys(seen["syscalls"], "EPERM")
    assert seen["sysctl"] in ("EROFS", "EACCES")


def test_only_the_tmpfs_can_be_written(seen: dict[str, Any]) -> None:
    places = ("/pithy", "/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue")
    assert {"/pithy", "/tmp", "/var/tmp"} <= set(seen["writable"])
    assert [path for path in seen["writable"] if not path.startswith(places)] == []
    (root,) = [line.split() for line in seen["mounts"] if line.split()[1] == "/"]
    assert "ro" in root[3].split(",")
    sized = {line.split()[1]: line.split()[3] for line in seen["mounts"] if line.split()[0] == "tmpfs"}
    assert all("size=" in sized[place] for place in ("/pithy", "/tmp", "/var/tmp", "/run"))


def test_no_engine_socket_and_no_device_beyond_the_harmless(seen: dict[str, Any]) -> None:
    assert seen["sockets"] == []
    assert set(seen["devices"]) <= DEVICES


def test_environments_hold_placeholders_alone(seen: dict[str, Any]) -> None:
    expected = container.environment()
    assert {name: seen["env"].get(name) for name in expected} == expected
    for environ in seen["environs"].values():
        assert "OPENAI_API_KEY=sandbox" in environ


def test_ordinary_programs_work(seen: dict[str, Any]) -> None:
    assert seen["works"] == {"git": "", "pip": "", "openai": "", "script": 7}


def test_a_call_in_the_32_bit_abi_ends_the_process(engine: Engine, waiting: str) -> None:
    """Through it a program would step round the rule for `socket`."""
    if run_in(engine, waiting, ["uname", "-m"]).out.strip() != "x86_64":
        pytest.skip("the second ABI is that of x86")
    code = (
        "import ctypes, mmap\n"
        "page = mmap.mmap(-1, 4096, prot=7)\n"
        "page.write(b'\\xb8\\x14\\0\\0\\0\\xcd\\x80\\xc3')\n"  # mov eax, 20 (getpid); int 0x80; ret
        "print('before', flush=True)\n"
        "ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()\n"
    )
    ran = run_in(engine, waiting, ["sh", "-c", 'python3 -c "$1"; echo "exit $?"', "sh", code])
    assert ran.out == "before\nexit 159\n"  # 128 + SIGSYS


def test_a_fork_bomb_meets_the_limit(engine: Engine, waiting: str) -> None:
    bomb = (
        "import os, time\n"
        "made = 0\n"
        "try:\n"
        "    while made < 10_000:\n"
        "        if os.fork() == 0:\n"
        "            time.sleep(5)\n"
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
