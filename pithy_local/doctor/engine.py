"""The Docker engine: whether it answers, what it isolates with, and whether it has what the sandboxes may use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from pithy_local.config import SandboxSettings, size_bytes
from pithy_local.doctor.check import GB, Check, Facts, dotted, free_space, numbers
from pithy_local.errors import PithyError

if TYPE_CHECKING:
    from pithy_local.executors.engine import Engine

API_TRIED = (1, 41)
"""Docker 20.10: the oldest engine this was tried with."""
RUNC_FIXED: dict[tuple[int, ...], tuple[int, ...]] = {(1, 3): (1, 3, 3)}
RUNC_OLDEST = (1, 2, 8)
"""The first releases, of each line, without the container escapes of November 2025 (CVE-2025-31133 and its like)."""
RUNC_NAMES = ("runc", "OCI Runtime (runc)")
VIRTUAL_MACHINES = {
    "docker desktop": "Docker Desktop", "colima": "Colima", "orbstack": "OrbStack", "lima": "Lima",
    "rancher-desktop": "Rancher Desktop", "podman-machine": "Podman machine",
}  # fmt: skip
SLOW_STORAGE = {"vfs": "copies every layer whole", "devicemapper": "is no longer kept", "aufs": "is no longer kept"}
LIMITS = {"MemoryLimit": "memory", "SwapLimit": "swap", "PidsLimit": "processes", "CpuCfsQuota": "processor time"}


def no_engine(error: PithyError, facts: Facts) -> Check:
    """A failure where tasks run in containers, else a warning."""
    said = _reason(str(error.detail.get("message", "")))
    message = error.message + (f": {said[:200]}" if said else "")
    fix = "Install or start Docker, or point DOCKER_HOST or a docker context at it"
    if error.hint != error.code.hint:
        fix = error.hint.rstrip(".")
    fix += "; `--executor local` runs without it, UNISOLATED."
    return Check(name="engine", ok=False if facts.settings.executor == "docker" else None, message=message, fix=fix)


def engine_checks(engine: Engine, facts: Facts) -> Iterator[Check]:
    """All that the engine says of itself; nothing is started. Raises PithyError (docker_unreachable)."""
    from pithy_local.executors.engine import engine_errors

    with engine_errors("answer"):
        version, info = engine.api.version(), engine.api.info()
    sandbox, concurrency = facts.settings.sandbox, facts.settings.concurrency
    yield check_engine(version, info, engine.address.words)
    yield from check_runc(version)
    yield check_limits(info)
    yield check_memory(info, sandbox, concurrency)
    yield check_processors(info, sandbox)
    yield check_storage(info)
    if engine.address.is_here:  # else it is another machine's folder
        yield from check_disk(str(info.get("DockerRootDir") or "/nowhere"))


def check_engine(version: Mapping[str, Any], info: Mapping[str, Any], where: str = "") -> Check:
    """Version, API, isolation level; a warning without a system call filter or with an API older than was tried.

    `where`: the engine's address, as `Address.words` says it.
    """
    options = " ".join(info.get("SecurityOptions") or ())
    extra = ", rootless" if "rootless" in options else ", user namespace" if "name=userns" in options else ""
    name = f"{_product(version)} {version['Version']}".strip()
    message = f"{name}, API {version['ApiVersion']}{where}; isolation: {isolation(info)}{extra}"
    if "seccomp" not in options:
        fix = "Use an engine with seccomp: the sandbox counts on its system call filter."
        return Check(name="engine", ok=None, message=f"{message}; no seccomp", fix=fix)
    if numbers(str(version["ApiVersion"])) < API_TRIED:
        fix = f"Upgrade to Docker 20.10 (API {dotted(API_TRIED)}) or newer: older ones were not tried."
        return Check(name="engine", ok=None, message=message, fix=fix)
    return Check(name="engine", ok=True, message=message)


def _product(version: Mapping[str, Any]) -> str:
    """Docker's name for itself; Podman says there which system it was built for."""
    if any(component.get("Name") == "Podman Engine" for component in version.get("Components") or ()):
        return "Podman"
    return (version.get("Platform") or {}).get("Name") or "Docker"


def isolation(info: Mapping[str, Any], kernel: str = "") -> str:
    """The level in words. `kernel`: what the kernel's log says inside a sandbox, where it can be read."""
    runtime = str(info.get("DefaultRuntime") or "")
    path = str(((info.get("Runtimes") or {}).get(runtime) or {}).get("path") or "")
    programs = {runtime, PurePath(path).name}
    if "gVisor" in kernel or any("runsc" in program for program in programs):
        return "gVisor"
    if any("kata" in program for program in programs):
        return "virtual machine for each container (Kata)"
    machine = f"{info.get('OperatingSystem', '')} {info.get('Name', '')}".lower()
    for sign, name in VIRTUAL_MACHINES.items():
        if sign in machine:
            return f"container, shared kernel, in a virtual machine ({name})"
    return "container, shared kernel"


def check_runc(version: Mapping[str, Any]) -> Iterator[Check]:
    """A warning where the engine says that its runc is one with known ways out."""
    for component in version.get("Components") or ():
        # Podman: "OCI Runtime (runc)", "runc version 1.1.5\ncommit: …"
        words = str(component.get("Version", "")).removeprefix("runc version ").split()
        found = words[0] if words else ""
        fixed = RUNC_FIXED.get(numbers(found)[:2], RUNC_OLDEST)
        if component.get("Name") in RUNC_NAMES and numbers(found) and numbers(found) < fixed:
            message = f"runc {found} has known ways out of a container unless your distribution has mended them"
            yield Check(name="runtime", ok=None, message=message, fix=f"Upgrade runc to {dotted(fixed)} or newer.")


def check_limits(info: Mapping[str, Any]) -> Check:
    """Whether the kernel lets the engine limit what the sandbox limits."""
    lacking = [words for key, words in LIMITS.items() if info.get(key) is False]
    version, driver = str(info.get("CgroupVersion") or "unknown"), str(info.get("CgroupDriver") or "unknown")
    message = f"control groups: version {version}, driver {driver}"
    if lacking or driver == "none":
        fix = "Turn these controllers on in the kernel (cgroup v2); for a rootless engine, delegate them to your user."
        what = ", ".join(lacking) or "anything"
        return Check(name="limits", ok=False, message=f"{message}; the engine cannot limit {what}", fix=fix)
    if version == "1":
        fix = "Nothing must be done; a system that boots with cgroup v2 is what engines are made for now."
        return Check(name="limits", ok=None, message=f"{message}: limits hold, but it is being given up", fix=fix)
    return Check(name="limits", ok=True, message=message)


def check_memory(info: Mapping[str, Any], sandbox: SandboxSettings, concurrency: int) -> Check:
    """What all sandboxes may use at once beside what the engine has."""
    each, total = size_bytes(sandbox.memory), int(info.get("MemTotal") or 0)
    message = f"{_gb(total)} GB for {concurrency} at once of {_gb(each)} GB each"
    if each * concurrency <= total:
        return Check(name="memory", ok=True, message=message)
    fix = "Lower `sandbox.memory` or `concurrency`, or give the engine (its virtual machine) more memory."
    return Check(name="memory", ok=None, message=f"too little if all of it is used: {message}", fix=fix)


def check_processors(info: Mapping[str, Any], sandbox: SandboxSettings) -> Check:
    """An engine starts no container that may use more processors than there are."""
    there = int(info.get("NCPU") or 0)
    message = f"{there} for sandboxes of {sandbox.cpus:g}"
    if sandbox.cpus <= there:
        return Check(name="processors", ok=True, message=message)
    fix = f"Set `sandbox.cpus` to {there} or less: the engine would start no sandbox."
    return Check(name="processors", ok=False, message=message, fix=fix)


def check_storage(info: Mapping[str, Any]) -> Check:
    driver = str(info.get("Driver") or "unknown")
    if driver in SLOW_STORAGE:
        fix = "Let the engine use overlay2 (`storage-driver` in its daemon.json)."
        return Check(name="storage", ok=None, message=f"{driver} {SLOW_STORAGE[driver]}", fix=fix)
    return Check(name="storage", ok=True, message=driver)


def check_disk(root: str) -> Iterator[Check]:
    """Room for images and logs; nothing where the folder cannot be seen from here (a virtual machine's)."""
    try:
        yield free_space("engine-disk", Path(root), "Free some space, say with `pithy-local image prune`.")
    except OSError:
        return


def _gb(size: int) -> str:
    return f"{size / GB:.1f}"


def _reason(said: str) -> str:
    """The system's own words where they end a chain of exceptions: `Connection refused`."""
    found = re.search(r"\[Errno \d+\] ([\w ]+)|Error\(\d+, '([^']+)'\)", said)
    return (found[1] or found[2]).strip() if found else said
