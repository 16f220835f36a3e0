"""Run inside a sandbox as the agent: prints as JSON what it can see and do. Standard library only."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)
SYSCALLS = {
    "x86_64": {
        "io_uring_setup": 425, "unshare": 272, "setns": 308, "mount": 165, "umount2": 166, "keyctl": 250,
        "add_key": 248, "request_key": 249, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323,
        "pivot_root": 155, "chroot": 161, "fsopen": 430, "open_tree": 428, "init_module": 175,
        "kexec_load": 246, "open_by_handle_at": 304, "reboot": 169, "swapon": 167, "quotactl": 179,
    },
    "aarch64": {
        "io_uring_setup": 425, "unshare": 97, "setns": 268, "mount": 40, "umount2": 39, "keyctl": 219,
        "add_key": 217, "request_key": 218, "bpf": 280, "perf_event_open": 241, "userfaultfd": 282,
        "pivot_root": 41, "chroot": 51, "fsopen": 430, "open_tree": 428, "init_module": 105,
        "kexec_load": 104, "open_by_handle_at": 265, "reboot": 142, "swapon": 224, "quotactl": 60,
    },
}  # fmt: skip
FAMILIES = {
    "UNIX": (1, 1), "INET": (2, 1), "INET6": (10, 1), "NETLINK": (16, 3),
    "PACKET": (17, 3), "VSOCK": (40, 1), "ALG": (38, 5), "TIPC": (30, 1), "BLUETOOTH": (31, 3), "XDP": (44, 3),
}  # fmt: skip


def status() -> dict[str, str]:
    """The lines of /proc/self/status that say what this process may do."""
    pairs = (line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {name: value.strip() for name, value in pairs}


def refusal(call: Callable[..., object], *args: Any) -> str | None:
    """None when it worked, else the errno's name."""
    try:
        call(*args)
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return None


def syscall(number: int) -> str | None:
    ctypes.set_errno(0)
    return None if LIBC.syscall(number, 0, 0, 0, 0, 0) >= 0 else errno.errorcode[ctypes.get_errno()]


def make_socket(family: int, kind: int, protocol: int = 0) -> None:
    socket.socket(family, kind, protocol).close()


def environments() -> dict[str, str]:
    """Every environment that can be read, this process's and others'."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            found[path.parent.name] = path.read_bytes().replace(b"\0", b"\n").decode("utf-8", "replace")
    return found


def writable() -> list[str]:
    """Directories, outside of /proc and /sys, in which a file can be made."""
    found = []
    for folder, folders, _ in os.walk("/"):
        if folder == "/":
            folders[:] = [name for name in folders if name not in ("proc", "sys")]
        target = Path(folder, ".probe")
        if refusal(target.touch) is None:
            target.unlink()
            found.append(folder)
    return found


def sockets() -> list[str]:
    """Unix sockets in the file system: an engine's would be one."""
    found = []
    for folder, folders, files in os.walk("/"):
        if folder == "/":
            folders[:] = [name for name in folders if name not in ("proc", "sys")]
        found += [path for path in (Path(folder, name) for name in files) if path.is_socket()]
    return [str(path) for path in found]


def works() -> dict[str, str | int]:
    """What ordinary programs need."""
    import asyncio

    thread = threading.Thread(target=print, args=("thread",), kwargs={"file": sys.stderr})
    thread.start()
    thread.join()
    asyncio.run(asyncio.sleep(0))
    git = subprocess.run(["git", "init", "-q", "/tmp/probe-repo"], capture_output=True, text=True, check=False)
    pip = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, text=True, check=False)
    openai = subprocess.run(["python3", "-c", "import openai"], capture_output=True, text=True, check=False)
    script = Path("/tmp/probe.sh")
    script.write_text("#!/bin/sh\nexit 7\n")
    script.chmod(0o755)
    executable = subprocess.run([str(script)], check=False).returncode
    return {"git": git.stderr, "pip": pip.stderr, "openai": openai.stderr, "script": executable}


SEEN = {
    "uid": os.getuid(),
    "gid": os.getgid(),
    "groups": os.getgroups(),
    "interfaces": sorted(path.name for path in Path("/sys/class/net").iterdir()),
    "routes": Path("/proc/net/route").read_text().splitlines()[1:],
    "status": status(),
    "env": dict(os.environ),
    "environs": environments(),
    "mounts": Path("/proc/self/mounts").read_text().splitlines(),
    "writable": writable(),
    "sockets": sockets(),
    "devices": sorted(path.name for path in Path("/dev").iterdir()),
    "families": {name: refusal(make_socket, *numbers) for name, numbers in FAMILIES.items()},
    "raw": refusal(make_socket, 2, 3, 1),
    "syscalls": {name: syscall(number) for name, number in SYSCALLS.get(os.uname().machine, {}).items()},
    "setuid": refusal(os.setuid, 0),
    "sysctl": refusal(Path("/proc/sys/kernel/hostname").write_text, "x"),
    "works": works(),
}
json.dump(SEEN, sys.stdout)
