"""That each limit is set, as the kernel has it: whether it is kept is for the tests that reach it."""

from __future__ import annotations

import resource
from pathlib import Path

from runner.probe.check import Check, Finding

PROMISE = "limits"
GROUPS = Path("/sys/fs/cgroup")
UNLIMITED = 1 << 60
"""Version 1 of control groups writes "no limit" as a number near 2 to the 63rd."""
MOST_FILES = 65_536
MiB = 1 << 20


def memory() -> Finding:
    limit = _group("memory.max", "memory/memory.limit_in_bytes")
    return Finding(limit is not None, "no limit" if limit is None else f"{limit // MiB} MiB")


def swap() -> Finding:
    """Version 2 counts swap apart, version 1 together with memory; a kernel may count it not at all."""
    memory_limit = _group("memory.max", "memory/memory.limit_in_bytes")
    if memory_limit is None:
        return Finding(False, "no limit")
    together = _group("", "memory/memory.memsw.limit_in_bytes")
    if _group("memory.swap.max", "") == 0 or (together is not None and together <= memory_limit):
        return Finding(True, "none")
    if "SwapTotal: 0 kB" in " ".join(Path("/proc/meminfo").read_text().split()):
        return Finding(True, "this machine has none")
    return Finding(False, "no limit")


def processes() -> Finding:
    limit = _group("pids.max", "pids/pids.max")
    return Finding(limit is not None, "no limit" if limit is None else f"{limit} processes and threads")


def processors() -> Finding:
    quota, period = _group("cpu.max", "cpu/cpu.cfs_quota_us"), _period()
    return Finding(quota is not None, "no limit" if quota is None else f"{quota / period:g} processors")


def open_files() -> Finding:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return Finding(0 <= hard <= MOST_FILES, _number(hard))


def file_size() -> Finding:
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    return Finding(hard != resource.RLIM_INFINITY, _number(hard, MiB, " MiB"))


def core_dumps() -> Finding:
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    return Finding(hard == 0, "none" if hard == 0 else _number(hard, MiB, " MiB"))


def killed_first() -> Finding:
    score = int(Path("/proc/self/oom_score_adj").read_text())
    return Finding(score > 0, f"oom_score_adj {score}")


def _group(second: str, first: str) -> int | None:
    """A limit of this control group, by its file in version 2 and in version 1; None: not set, or cannot be seen."""
    for name in filter(None, (second, first)):
        try:
            word = (GROUPS / name).read_text().split()[0]
        except (OSError, IndexError):
            continue
        if word == "max" or not 0 <= int(word) < UNLIMITED:
            return None
        return int(word)
    return None


def _period() -> int:
    for name, word in (("cpu.max", 1), ("cpu/cpu.cfs_period_us", 0)):
        try:
            return int((GROUPS / name).read_text().split()[word])
        except (OSError, IndexError):
            continue
    return 100_000


def _number(limit: int, unit: int = 1, name: str = "") -> str:
    return "no limit" if limit == resource.RLIM_INFINITY else f"{limit // unit}{name}"


CHECKS = tuple(
    Check(id=f"limits.{name}", title=title, promise=PROMISE, look=look)
    for name, title, look in (
        ("memory", "memory has a limit", memory),
        ("swap", "no swap beyond it", swap),
        ("processes", "the number of processes has a limit", processes),
        ("processors", "processor time has a limit", processors),
        ("open-files", "the number of open files has a limit", open_files),
        ("file-size", "the size of a file has a limit", file_size),
        ("core-dumps", "no core dump: no handler of the host is ever started", core_dumps),
        ("killed-first", "short of memory, the kernel ends it before the host's programs", killed_first),
    )
)
