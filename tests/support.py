"""Small helpers for tests: a deadline poll, a port of their own, and real git with an environment of its own."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

AUTHOR_NAME = "Test Author"
AUTHOR_EMAIL = "author@example.org"
AUTHOR_DATE = "2026-01-02T03:04:05+00:00"
GIT_TIMEOUT = 100.0
"""Seconds after which a git command counts as hung: below pytest's own limit, so the reason is shown."""


class GitFailed(AssertionError):
    """git ended with another exit code than 0; the message holds the command and what git said."""

    def __init__(self, args: tuple[str, ...], code: int, stderr: str) -> None:
        super().__init__(f"git {' '.join(args)}: exit {code}\n{stderr}")
        self.code = code
        self.stderr = stderr


def wait_until(predicate: Callable[[], T], timeout: float = 60.0, what: str = "the condition") -> T:
    """Poll `predicate` until it is true and return its value; AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what} did not come true within {timeout} s (last value: {value!r})")
        time.sleep(0.01)


def free_port() -> int:
    """A free port of 127.0.0.1 below those that kernels give away by themselves: nobody takes it meanwhile."""
    while True:
        port = random.SystemRandom().randrange(10_000, 32_000)
        with socket.socket() as sock, suppress(OSError):
            sock.bind(("127.0.0.1", port))
            return port


def git_env(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment for git that no configuration of this host reaches: fixed author and dates, no prompts.

    Only PATH and TMPDIR are taken over; the same files and parents therefore give the same commit ids everywhere.
    """
    env = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    env |= {
        "HOME": os.devnull,
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": AUTHOR_NAME,
        "GIT_AUTHOR_EMAIL": AUTHOR_EMAIL,
        "GIT_AUTHOR_DATE": AUTHOR_DATE,
        "GIT_COMMITTER_NAME": AUTHOR_NAME,
        "GIT_COMMITTER_EMAIL": AUTHOR_EMAIL,
        "GIT_COMMITTER_DATE": AUTHOR_DATE,
    }
    return env | dict(extra or {})


def run_git(
    *args: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, stdin: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run real git in `git_env(env)` and return how it ended, whatever the exit code; output as bytes."""
    command = ["git", *args]
    return subprocess.run(
        command, cwd=cwd, env=git_env(env), input=stdin or b"", capture_output=True, timeout=GIT_TIMEOUT, check=False
    )


def git(*args: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, stdin: bytes | None = None) -> str:
    """Run real git and return its stdout as text without the last newline; GitFailed on any exit code but 0."""
    done = run_git(*args, cwd=cwd, env=env, stdin=stdin)
    if done.returncode != 0:
        raise GitFailed(args, done.returncode, done.stderr.decode("utf-8", "replace"))
    return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")


def commit_files(repo: Path, files: Mapping[str, str | bytes], message: str = "Change files") -> str:
    """Write `files` (path -> content) into the work tree `repo`, commit everything there, return the commit's id."""
    for name, content in files.items():
        target = repo / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    git("add", "-A", cwd=repo)
    git("commit", "-q", "--allow-empty", "-m", message, cwd=repo)
    return git("rev-parse", "HEAD", cwd=repo)


def make_repo(path: Path, files: Mapping[str, str | bytes], branch: str = "main") -> Path:
    """Make a real repository with a work tree at `path`: one commit of `files` on `branch`. Returns `path`."""
    path.mkdir(parents=True, exist_ok=True)
    git("init", "-q", "-b", branch, ".", cwd=path)
    commit_files(path, files, "First commit")
    return path


def make_bare(path: Path, from_repo: Path) -> Path:
    """Make a bare repository at `path` with every branch and tag of `from_repo`. Returns `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    git("clone", "-q", "--bare", "--no-hardlinks", str(from_repo), str(path))
    # A clone remembers where it came from; what a test serves must not name its source.
    git("remote", "remove", "origin", cwd=path)
    return path


def branch_sha(repo: Path, branch: str) -> str | None:
    """The commit id at the tip of `branch` in `repo` (bare or not), None where there is no such branch."""
    done = run_git("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}^{{commit}}", cwd=repo)
    return done.stdout.decode().strip() or None
