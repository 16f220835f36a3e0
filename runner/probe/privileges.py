"""Who a program is, and that it cannot become more."""

from __future__ import annotations

import functools
import os
import stat
import subprocess
import time
from pathlib import Path

from runner.probe.check import Check, Finding, in_child, none_of, refusal
from runner.probe.tree import tree

PROMISE = "no privilege"
SETS = {
    "CapEff": ("effective", "what a program may do"), "CapPrm": ("permitted", "what it may take"),
    "CapInh": ("inheritable", "what it may pass on"), "CapAmb": ("ambient", "what its children keep"),
    "CapBnd": ("bounding", "what any program may ever get"),
}  # fmt: skip
WAIT_SECONDS = 5.0


def status(process: int | str = "self") -> dict[str, str]:
    """The lines of a process's /proc/…/status."""
    pairs = (line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return {name: value.strip() for name, value in pairs}


def user() -> Finding:
    ids = {*os.getresuid(), *os.getresgid(), *os.getgroups()}
    return Finding(0 not in ids, f"user {os.getuid()}, group {os.getgid()}, groups {os.getgroups()}")


def capabilities(line: str) -> Finding:
    held = int(status()[line], 16)
    return Finding(held == 0, "none" if held == 0 else f"{held:#x}")


def no_new_privileges() -> Finding:
    found = status().get("NoNewPrivs", "unknown")
    return Finding(found == "1", "set" if found == "1" else f"not set ({found})")


def become_root() -> Finding:
    """By every call that changes the user or the groups."""
    calls = {
        "setuid": lambda: refusal(lambda: os.setuid(0)),
        "setgid": lambda: refusal(lambda: os.setgid(0)),
        "setgroups": lambda: refusal(lambda: os.setgroups([0])),
    }
    return none_of([name for name, refused in in_child(calls).items() if refused is None], "refused")


def setuid_programs() -> Finding:
    """Start one that belongs to root and look whose rights it has."""
    programs = sorted(path for path, mode, owner in tree().set_id if owner == 0 and mode & stat.S_ISUID)
    if not programs:
        return Finding(True, "there is none")
    program = next((path for path in programs if path.endswith("/su")), programs[0])  # su waits for a password
    process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        effective = _settled(process.pid)["Uid"].split()[1]
    finally:
        process.kill()
        process.communicate()
    return Finding(effective != "0", f"{program} runs as user {effective}, {len(programs)} programs in all")


def _settled(process: int) -> dict[str, str]:
    """The status of a child once it sleeps or has ended: its rights are final by then."""
    deadline = time.monotonic() + WAIT_SECONDS
    while (found := status(process))["State"][0] not in "SZ" and time.monotonic() < deadline:
        time.sleep(0.01)
    return found


def seccomp() -> Finding:
    mode = status().get("Seccomp", "unknown")
    return Finding(mode == "2", "a filter" if mode == "2" else f"no filter (mode {mode})")


CHECKS = (
    Check(id="privileges.user", title="the user is not root, and in no group of root", promise=PROMISE, look=user),
    *(
        Check(
            id=f"privileges.{name}", title=f"no {name} capability: {meaning}", promise=PROMISE,
            look=functools.partial(capabilities, line),
        )
        for line, (name, meaning) in SETS.items()
    ),
    Check(id="privileges.no-new-privs", title="no program can gain rights", promise=PROMISE, look=no_new_privileges),
    Check(id="privileges.become-root", title="no call makes root of it", promise=PROMISE, look=become_root),
    Check(id="privileges.setuid", title="setuid programs give nothing", promise=PROMISE, look=setuid_programs),
    Check(id="privileges.seccomp", title="a filter judges system calls", promise="fewer system calls", look=seccomp),
)  # fmt: skip
