"""What can be read, written and made in the file system."""

from __future__ import annotations

import functools
import os
import stat
from pathlib import Path

from runner.probe.check import Check, Finding, none_of, refusal
from runner.probe.tree import mounts, tree

NOTHING_TO_WRITE = "nothing to write"
HOST = "nothing of the host"
PLACES = {"pithy": "/pithy", "tmp": "/tmp", "var-tmp": "/var/tmp", "run": "/run", "shm": "/dev/shm"}
QUEUES = "/dev/mqueue"
"""POSIX message queues: the kernel bounds them, and they are the container's own."""
VIRTUAL = {"proc", "sysfs", "tmpfs", "devpts", "mqueue", "cgroup", "cgroup2", "devtmpfs"}
ENGINES_OWN = {
    "/", "/etc/resolv.conf", "/etc/hostname", "/etc/hosts",
    "/sbin/docker-init", "/usr/sbin/docker-init", "/dev/init", "/run/podman-init", "/run/.containerenv",
}  # fmt: skip
"""What Docker and Podman put into each container."""
MASKED = ("/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
          "/proc/sched_debug", "/proc/acpi", "/proc/scsi", "/proc/asound", "/sys/firmware")  # fmt: skip
READ_ONLY_PROC = ("/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs")
HARMLESS = {(1, 3): "null", (1, 5): "zero", (1, 7): "full", (1, 8): "random", (1, 9): "urandom",
            (5, 0): "tty", (5, 1): "console", (5, 2): "ptmx"}  # fmt: skip
TERMINALS = range(136, 144)
"""Major numbers of pseudo terminals."""


def root() -> Finding:
    mount = mounts()["/"]
    return Finding("ro" in mount.options, f"{mount.kind}, {'read-only' if 'ro' in mount.options else 'writable'}")


def sized(place: str) -> Finding:
    mount = mounts().get(place)
    if mount is None:
        return Finding(False, "not a file system of its own: the host's disk")
    size = next((word for word in mount.data if word.startswith("size=")), "")
    lacking = [flag for flag in ("nosuid", "nodev") if flag not in mount.options]
    if mount.kind != "tmpfs" or not size or lacking:
        return Finding(False, f"{mount.kind}, {size or 'no size'}" + "".join(f", not {flag}" for flag in lacking))
    return Finding(True, f"tmpfs, {size}")


def writable() -> Finding:
    """Beyond memory of a set size, of which an image's volumes get a little too."""
    own = (QUEUES, *(place for place in mounts() if sized(place).ok))
    return none_of(
        [path for path in tree().writable if not any(path == place or path.startswith(f"{place}/") for place in own)],
        "such memory alone",
    )


def binds() -> Finding:
    found = [
        f"{mount.place} ({mount.kind})" for mount in mounts().values()
        if mount.kind not in VIRTUAL and mount.place not in ENGINES_OWN
    ]  # fmt: skip
    return none_of(found, "the engine's own files alone")


def masked() -> Finding:
    return none_of([path for path in MASKED if _tells_something(Path(path))], "nothing to read")


def kernel_settings() -> Finding:
    """By access, and by the mount where the engine made one."""
    found = [path for top in READ_ONLY_PROC for path in _open_to_writing(top)]
    found += [top for top in READ_ONLY_PROC if top in mounts() and "ro" not in mounts()[top].options]
    return none_of(sorted(set(found)), "read-only")


def sysfs() -> Finding:
    mount = mounts().get("/sys")
    if mount is None:
        return Finding(not Path("/sys/kernel").exists(), "not there")
    return Finding("ro" in mount.options, "read-only" if "ro" in mount.options else "writable")


def control_groups() -> Finding:
    return none_of(_open_to_writing("/sys/fs/cgroup"), "read-only")


def devices() -> Finding:
    found = [
        f"{path} ({major}:{minor})" for path, major, minor, block in tree().devices
        if block or ((major, minor) not in HARMLESS and major not in TERMINALS)
    ]  # fmt: skip
    return none_of(found, "the harmless ones alone")


def make_device() -> Finding:
    """One of the kernel's memory, where the system lets it be made."""
    target = Path(f"/tmp/.probe-device-{os.getpid()}")
    refused = refusal(lambda: os.mknod(target, stat.S_IFCHR | 0o600, os.makedev(1, 1)))
    target.unlink(missing_ok=True)
    return Finding(refused is not None, refused or f"{target} was made")


def _tells_something(path: Path) -> bool:
    try:
        if path.is_dir():
            return any(path.iterdir())
        with path.open("rb") as file:
            return bool(file.read(1))
    except OSError:
        return False


def _open_to_writing(top: str) -> list[str]:
    """What the kernel would let be written; nothing is."""
    places = [top] if os.access(top, os.W_OK) else []
    for folder, folders, files in os.walk(top):
        places += [path for name in (*folders, *files) if os.access(path := f"{folder}/{name}", os.W_OK)]
    return [path for path in places if not Path(path).is_symlink()]


CHECKS = (
    Check(id="files.root", title="the root is read-only", promise=NOTHING_TO_WRITE, look=root),
    *(
        Check(
            id=f"files.{name}", title=f"{place} is memory of a set size, without devices or setuid",
            promise=NOTHING_TO_WRITE, look=functools.partial(sized, place),
        )
        for name, place in PLACES.items()
    ),
    Check(id="files.writable", title="nothing but such memory can be written", promise=NOTHING_TO_WRITE, look=writable),
    Check(id="files.binds", title="no file or folder of the host is mounted", promise=HOST, look=binds),
    Check(id="files.masked", title="what /proc and /sys tell of the machine is masked", promise=HOST, look=masked),
    Check(id="files.proc", title="no setting of the kernel can be written", promise=HOST, look=kernel_settings),
    Check(id="files.sys", title="/sys is read-only", promise=HOST, look=sysfs),
    Check(id="files.cgroup", title="its own limits cannot be written", promise="limits", look=control_groups),
    Check(id="files.devices", title="no device but the harmless ones", promise=HOST, look=devices),
    Check(id="files.mknod", title="no device can be made", promise="no privilege", look=make_device),
)  # fmt: skip
