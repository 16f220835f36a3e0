"""The tools that are compared: each gets a work tree and an answer and says whether it applied it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from runner.errors import PatchRefused
from runner.patch import apply_answer

Applier = Callable[[Path, str], bool]

_FENCE = re.compile(r"^(`{3,}|~{3,})[^\n]*\n(.*?)^\1[ \t]*$", re.DOTALL | re.MULTILINE)
_DIFF = re.compile(r"^(?:diff --git |--- |@@)", re.MULTILINE)
_TIMEOUT = 60.0


def ours(repo: Path, answer: str) -> bool:
    """The engine of this project."""
    try:
        apply_answer(repo, answer)
    except PatchRefused:
        return False
    return True


def git_apply(repo: Path, answer: str) -> bool:
    """`git apply`."""
    return _run(repo, answer, ["git", "apply", "-"])


def git_recount(repo: Path, answer: str) -> bool:
    """`git apply --recount --whitespace=fix`."""
    return _run(repo, answer, ["git", "apply", "--recount", "--whitespace=fix", "-"])


def gnu_patch(repo: Path, answer: str) -> bool:
    """`patch -p1 -F3`, after a dry run."""
    command = ["patch", "-p1", "-F3", "--no-backup-if-mismatch", "-f", "-s", "-r", "-"]
    return _run(repo, answer, [*command, "--dry-run"]) and _run(repo, answer, command)


APPLIERS: dict[str, Applier] = {
    "this engine": ours,
    "git apply": git_apply,
    "git apply --recount": git_recount,
    "patch -p1 -F3": gnu_patch,
}
"""By the name they are reported under."""


def _run(repo: Path, answer: str, command: list[str]) -> bool:
    done = subprocess.run(command, cwd=repo, input=_diff(answer), capture_output=True, timeout=_TIMEOUT, check=False)
    return done.returncode == 0


def _diff(answer: str) -> bytes:
    """The diff for tools that want one: the fenced blocks that are diffs, else from the first header on."""
    fenced = [match[2] for match in _FENCE.finditer(answer) if _DIFF.search(match[2])]
    text = "".join(fenced)
    if not fenced and (start := re.search(r"^(?:diff --git |--- )", answer, re.MULTILINE)):
        text = answer[start.start() :]
    return text.encode("utf-8", "surrogatepass")
