"""The probe's own means, and its table in the docs. What it finds in a real sandbox: tests/docker/test_isolation.py."""

from __future__ import annotations

import errno
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from runner.probe.__main__ import CHECKS, table
from runner.probe.check import Check, Finding, none_of, refusal
from runner.probe.kernel import NUMBERS

ROOT = Path(__file__).parents[2]
SECURITY = (ROOT / "docs" / "security.md").read_text("utf-8")
HEADERS = (Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), Path("/usr/include/asm-generic/unistd.h"))
CHILDREN = """
import ctypes, json, os, signal
from runner.probe.check import in_child, refusal

def fail():
    raise ValueError("no")

print(json.dumps(in_child({
    "works": lambda: None,
    "refused": lambda: refusal(lambda: os.open("/none", os.O_RDONLY)),
    "killed": lambda: os.kill(os.getpid(), signal.SIGSYS),
    "fails": fail,
    "forks": lambda: (os.fork(), None)[1],
})))
"""


def run(*args: str) -> str:
    """Python in a process of its own: the probe forks, and this one has threads."""
    return subprocess.run(
        [sys.executable, *args], cwd=ROOT, capture_output=True, text=True, timeout=100, check=True
    ).stdout  # fmt: skip


def test_there_are_at_least_forty_checks_with_a_name_each() -> None:
    names = [check.id for check in CHECKS]
    assert len(names) == len(set(names)) >= 40
    assert [name for name in names if not re.fullmatch(r"[a-z]+\.[a-z0-9-]+", name)] == []


def test_the_docs_list_the_checks_as_they_are() -> None:
    assert table() in SECURITY


def test_each_check_holds_up_a_promise_of_the_docs() -> None:
    promises = set(re.findall(r"^\| ([^|`]+?) \| [^|]+ \|$", SECURITY, re.MULTILINE))
    assert {check.promise for check in CHECKS} <= promises


def test_the_table_can_be_printed() -> None:
    assert run("-m", "runner.probe", "--table") == table()


def test_a_call_in_a_child_cannot_hurt_the_one_who_tries() -> None:
    assert json.loads(run("-c", CHILDREN)) == {
        "works": None, "refused": "ENOENT", "killed": "killed by SIGSYS", "fails": "ValueError: no", "forks": None,
    }  # fmt: skip


def test_a_look_that_fails_is_a_finding() -> None:
    def look() -> Finding:
        raise RuntimeError("no such file")

    found = Check(id="a.b", title="", promise="", look=look).run()
    assert found == Finding(False, "could not be looked at: RuntimeError: no such file")


def test_a_refusal_is_named_as_the_kernel_names_it() -> None:
    def refuse() -> None:
        raise OSError(errno.EPERM, "no")

    assert (refusal(refuse), refusal(lambda: None)) == ("EPERM", None)


def test_what_was_found_is_named_up_to_eight() -> None:
    assert none_of([], "nothing") == Finding(True, "nothing")
    assert none_of(list("abcdefghij"), "nothing") == Finding(False, "a, b, c, d, e, f, g, h and 2 more")


@pytest.mark.skipif(not all(path.is_file() for path in HEADERS), reason="the kernel's headers are not installed")
def test_the_numbers_of_system_calls_are_the_kernels() -> None:
    x86, others = (
        dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", path.read_text())) for path in HEADERS
    )  # fmt: skip
    found = {name: (int(x86[name]), int(others[name]) if name in others else None) for name in NUMBERS}
    assert found == NUMBERS
