"""Names of branches and tasks: what may stand in a ref (`git help check-ref-format`)."""

from __future__ import annotations

import re

FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")
SHA = re.compile(r"[0-9a-f]{40}")
TASK = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")


def is_branch_name(name: str) -> bool:
    """Whether git takes `refs/heads/<name>`, and no command takes it for an option.

    Stricter than git in two places: no surrogates of bytes that are not UTF-8, at most 240 bytes.
    """
    if not name or name.startswith("-") or name in ("@", "HEAD") or FORBIDDEN.search(name):
        return False
    if name[0] == "/" or name[-1] in "/.":
        return False
    if any(part.startswith(".") or part.endswith(".lock") for part in name.split("/")):
        return False
    try:
        return len(name.encode()) <= 240
    except UnicodeEncodeError:
        return False


def is_sha(text: str) -> bool:
    """Whether this is a full object id."""
    return SHA.fullmatch(text) is not None


def task_ref(task: str, name: str = "") -> str:
    """`refs/pithy/<task>/<name>`. ValueError for a task id that none of ours can be."""
    if not TASK.fullmatch(task):
        raise ValueError(f"not a task id: {task!r}")
    return f"refs/pithy/{task}/{name}"
