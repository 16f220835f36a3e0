"""The one place that starts git: fixed arguments, an environment of our own, nothing inherited.

The work tree belongs to whatever the model wrote, so hooks, fsmonitor and the user's or system's configuration are
switched off here, once. What the *repository's own* configuration may define (filters, for one) is kept out by
running against a git directory of our making: see `diff`.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from runner.errors import GitError

SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.quotePath=false",
    "core.attributesFile=/dev/null",  # else ~/.config/git/attributes
    "core.excludesFile=/dev/null",  # else ~/.config/git/ignore
    "core.protectHFS=true",
    "core.protectNTFS=true",
    "protocol.file.allow=always",
    "safe.directory=*",
    "gc.auto=0",
)
VICTIM_FIRST = ("/bin/sh", "-c", '{ echo 1000 >/proc/self/oom_score_adj; } 2>/dev/null; exec "$@"', "sh")
"""Put before a child's command: the memory limit must hit it before it hits the runner. A shell does it rather than
preexec_fn, which is unsafe next to threads; where /proc is not there, or may not be written, the child simply runs."""
_INHERITED = ("PATH", "HOME", "TMPDIR")
_TIMEOUT = 300.0


@dataclass(frozen=True, kw_only=True)
class Finished:
    """What a git command left behind. `error` is its stderr as text."""

    code: int
    output: bytes
    error: str


@dataclass(frozen=True, kw_only=True)
class Git:
    """git in `cwd`; `git_dir` and `work_tree` take discovery's place, `index` the repository's own index."""

    cwd: Path
    git_dir: Path | None = None
    work_tree: Path | None = None
    index: Path | None = None

    def run(self, *args: str, stdin: bytes = b"") -> bytes:
        """Run `git ARGS…` and return its stdout. Raises GitError with git's own words when it fails."""
        finished = self.attempt(*args, stdin=stdin)
        if finished.code != 0:
            said = finished.error.strip() or f"exit code {finished.code}"
            raise GitError(f"git {args[0]} failed: {said[:2000]}")
        return finished.output

    def attempt(self, *args: str, stdin: bytes = b"") -> Finished:
        """Run `git ARGS…` where failing is an answer too. Raises GitError when git is missing or hangs."""
        settings = [word for setting in SETTINGS for word in ("-c", setting)]
        command = [*VICTIM_FIRST, "git", *settings, *args]
        try:
            done = subprocess.run(
                command, cwd=self.cwd, env=self._environment(), input=stdin, capture_output=True, timeout=_TIMEOUT
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise GitError(f"git {args[0]} did not run: {error}") from error
        return Finished(code=done.returncode, output=done.stdout, error=done.stderr.decode("utf-8", "replace"))

    def _environment(self) -> dict[str, str]:
        env = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        env |= {
            "LC_ALL": "C",  # git's words are read by `patch.apply`
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CEILING_DIRECTORIES": str(self.cwd.parent),
        }
        own = {"GIT_DIR": self.git_dir, "GIT_WORK_TREE": self.work_tree, "GIT_INDEX_FILE": self.index}
        return env | {name: str(path) for name, path in own.items() if path is not None}
