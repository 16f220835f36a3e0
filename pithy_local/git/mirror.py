"""A cached bare mirror of one remote: fetched between tasks, never checked out, never mounted anywhere.

    mirrors/<name>-<hash of the URL>/
        repo.git/refs/upstream/heads/*     the remote's branches; pruned there alone
        repo.git/refs/upstream/HEAD        its default branch
        repo.git/refs/pithy/<task>/*       ours: `base` pins what a task started from, `head` is its commit
        home/                              the private HOME of git children: our configuration, askpass
        lock                               flock: one fetch at a time, over all processes; its time: the last use

Commits are made in it without a lock: what a fetch prunes was unreachable for two weeks.
"""

from __future__ import annotations

import difflib
import fcntl
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.git.adapter import TRANSFER, Credential, Git, Result, nothing
from pithy_local.git.names import shown
from pithy_local.git.problems import passing, transfer_error
from pithy_local.git.refs import is_branch_name, is_sha, task_ref
from pithy_local.git.remote import Remote, git_directory
from pithy_local.git.trees import REGULAR
from pithy_local.git.userconfig import prepare_home
from pithy_local.paths import remove_tree
from pithy_local.retry import WAITS, Wait, retried

HEADS = "refs/upstream/heads/"
HEAD = "refs/upstream/HEAD"
LOCK = "lock"
LOOK_TIMEOUT = 60.0
"""Seconds for one question to the remote."""
FETCH_TIMEOUT = 1800.0
"""Seconds for one fetch; a stalled one ends after 120 s without a byte (`http.lowSpeedTime`)."""
LOCK_POLL = 0.05
ADD_AGAIN = "Add the task again with --base, or make the branch and `pithy-local retry ID`."
STALE_LOCK = 60.0
"""Seconds after which a lock file that a killed git left behind is removed: ours are held for milliseconds."""
UPLOAD_PACK = "git -c core.hooksPath=/dev/null -c core.fsmonitor=false upload-pack"
"""What serves a local path: command-line configuration wins over that of the repository itself."""


class Mirror:
    """The mirror of `remote` below `folder` (`home.mirrors`). Making one touches nothing.

    Safe to use from several threads and processes at once.
    """

    def __init__(self, folder: Path, remote: Remote) -> None:
        if not remote.url:
            raise ValueError(f"{remote.display} has no clone URL yet")
        self.remote = remote
        self.folder = folder / f"{readable(remote)}-{hashlib.sha256(remote.url.encode()).hexdigest()[:12]}"
        self.repo = self.folder / "repo.git"

    @cached_property
    def git(self) -> Git:
        """git in the mirror, which exists afterwards. Raises PithyError (git_missing)."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.folder / LOCK).touch()
        home = prepare_home(self.folder / "home", self._safe_directories())
        if not self.repo.is_dir():
            with self._locked(nothing):
                self._create(home)
        return Git(cwd=self.repo, home=home, git_dir=self.repo)

    def credential(self, token: str) -> Credential | None:
        """`token` bound to the remote's origin; None for "" and for local paths."""
        return Credential.of(token, self.remote.url)

    def fetch(
        self,
        token: str,
        say: Callable[[str], None],
        checkpoint: Callable[[], None] = nothing,
        *,
        waits: Sequence[float] = WAITS,
        wait: Wait = time.sleep,
    ) -> None:
        """Bring every branch of the remote and its default branch here; what `checkpoint` raises stops it.

        A transfer that failed for now is repeated after each of `waits`.
        Raises PithyError: repo_unreachable, github_auth, repo_analysis, disk_full, git_missing.
        """
        git, credential = self.git, self.credential(token)

        def wait_aloud(seconds: float) -> None:
            say(f"{self.remote.display} did not answer as it should: again in {seconds:g} s")
            wait(seconds)

        with self._locked(checkpoint, lambda: say(f"Waiting: {self.remote.display} is being fetched elsewhere")):
            started = time.monotonic()
            say(f"Fetching {self.remote.display}")
            retried(lambda: self._bring(credential, checkpoint), passing, waits=waits, wait=wait_aloud)
            # Does nothing most times.
            git.run("-c", "gc.auto=6700", "gc", "--auto", "--quiet",
                    check=False, limits=TRANSFER, timeout=FETCH_TIMEOUT, checkpoint=checkpoint)  # fmt: skip
            say(f"Fetched in {time.monotonic() - started:.1f} s")

    def default_branch(self) -> str:
        """The remote's default branch as of the last fetch. Raises PithyError (repo_analysis) where there is none."""
        found = self.git.run("symbolic-ref", "--quiet", HEAD, check=False)
        name = found.text.removeprefix(HEADS) if found.ok else ""
        branches = self.branches()
        if name in branches:
            return name
        if not branches:
            raise empty(self.remote)
        likely = [branch for branch in ("main", "master") if branch in branches]
        if likely or len(branches) == 1:
            return likely[0] if likely else branches[0]
        hint = f"{choices('', branches)} {ADD_AGAIN}"
        raise PithyError(ErrorCode.REPO_ANALYSIS, f"{self.remote.display} has no default branch", hint=hint)

    def branches(self) -> list[str]:
        """The remote's branches as of the last fetch, sorted."""
        listed = self.git.run("for-each-ref", "--format=%(refname)", HEADS).stdout
        names = listed.decode("utf-8", "surrogateescape").splitlines()
        return [name.removeprefix(HEADS) for name in names]

    def resolve_base(self, base: str | None) -> tuple[str, str]:
        """(branch, commit id) of `base`, None = the default branch, as of the last fetch.

        Raises PithyError (repo_analysis) for an empty repository or a missing branch, naming near ones.
        """
        name = base or self.default_branch()
        found = None
        if is_branch_name(name):
            found = self.git.run("rev-parse", "--verify", "--quiet", f"{HEADS}{name}^{{commit}}", check=False)
        if found is not None and found.ok and is_sha(found.text):
            return name, found.text
        branches = self.branches()
        if not branches:
            self.default_branch()
        hint = f"{choices(name, branches)} {ADD_AGAIN}"
        raise PithyError(ErrorCode.REPO_ANALYSIS, f"{self.remote.display} has no branch {name!r}", hint=hint)

    def read_file(self, sha: str, path: str, limit: int) -> bytes | None:
        """A file of a commit, None where it has none of this name.

        Raises PithyError (repo_analysis) for a symlink or folder of this name and for more than `limit` bytes.
        """
        if not is_sha(sha):
            raise ValueError(f"not a commit id: {sha!r}")
        listed = self.git.run("ls-tree", "-z", "--long", "--full-tree", sha, "--", path).stdout
        if not listed:
            return None
        mode, _, blob, size = listed.partition(b"\t")[0].decode("ascii").split()
        hint = f"Mend it on the base branch of {self.remote.display}, then `pithy-local retry ID`."
        if mode not in REGULAR:
            raise PithyError(ErrorCode.REPO_ANALYSIS, f"`{path}` is not a regular file", hint=hint)
        if int(size) > limit:
            raise PithyError(ErrorCode.REPO_ANALYSIS, f"`{path}` is larger than {limit:,} bytes", hint=hint)
        return self.git.run("cat-file", "blob", blob).stdout

    def has(self, sha: str) -> bool:
        """Whether a commit is here."""
        return is_sha(sha) and self.git.run("cat-file", "-e", f"{sha}^{{commit}}", check=False).ok

    def pin(self, task: str, sha: str, name: str = "base") -> None:
        """Keep a commit alive for a task, whatever the remote does: refs/pithy/<task>/<name>."""
        if not is_sha(sha):
            raise ValueError(f"not a commit id: {sha!r}")
        self.git.run("update-ref", task_ref(task, name), sha)

    def release(self, task: str) -> None:
        """Let go of all that is kept for a task. Idempotent."""
        if self.repo.is_dir():
            unpin(self.git, task)
        remove_tree(self.scratch(task))

    def scratch(self, task: str) -> Path:
        """The place of a task's temporary index; removed by who makes it, and by `release`."""
        task_ref(task)  # a task id makes a safe file name, and nothing else does
        return self.folder / f"index-{task}"

    def serve_local(self, command: str, option: str) -> list[str]:
        """The option that says which program serves this remote, where that is a local path."""
        return [f"{option}={command}"] if self.remote.kind == "path" else []

    def _bring(self, credential: Credential | None, checkpoint: Callable[[], None]) -> None:
        self._record_default(self._ask_default(credential, checkpoint))
        result = self._fetch_branches(credential, checkpoint)
        if not result.ok and self._remove_stale_lock(result):
            result = self._fetch_branches(credential, checkpoint)
        if not result.ok:
            raise transfer_error(result, self.remote, with_token=credential is not None)

    def _fetch_branches(self, credential: Credential | None, checkpoint: Callable[[], None]) -> Result:
        # An explicit refspec and not --mirror: that would prune our own refs and forbid pushing one of them.
        return self.git.run(
            "fetch", "--quiet", "--prune", "--no-tags", "--no-write-fetch-head", "--no-auto-gc",
            "--no-recurse-submodules", "--no-show-forced-updates",
            *self.serve_local(UPLOAD_PACK, "--upload-pack"), "--", self.remote.url, f"+refs/heads/*:{HEADS}*",
            check=False, credential=credential, limits=TRANSFER, timeout=FETCH_TIMEOUT, checkpoint=checkpoint,
        )  # fmt: skip

    def _ask_default(self, credential: Credential | None, checkpoint: Callable[[], None]) -> str | None:
        asked = self.git.run(
            "ls-remote", "--symref", *self.serve_local(UPLOAD_PACK, "--upload-pack"), "--", self.remote.url, "HEAD",
            check=False, credential=credential, limits=TRANSFER, timeout=LOOK_TIMEOUT, checkpoint=checkpoint,
        )  # fmt: skip
        if not asked.ok:
            raise transfer_error(asked, self.remote, with_token=credential is not None)
        found = re.search(rb"^ref: refs/heads/(\S+)\tHEAD$", asked.stdout, re.M)
        return found[1].decode("utf-8", "replace") if found else None

    def _record_default(self, name: str | None) -> None:
        if name is not None and is_branch_name(name):
            self.git.run("symbolic-ref", HEAD, f"{HEADS}{name}")

    def _create(self, home: Path) -> None:
        if self.repo.is_dir():
            return  # another process was faster
        new = self.folder / "repo.new"
        remove_tree(new)
        Git(cwd=self.folder, home=home).run("init", "--quiet", "--bare", "--template=", "--", str(new))
        new.rename(self.repo)

    def _safe_directories(self) -> list[str]:
        if self.remote.kind != "path":
            return [str(self.repo)]
        path = Path(self.remote.url)
        found = git_directory(path)
        places = [self.repo, path, path / ".git", *([found, Path(os.path.realpath(found))] if found else [])]
        return list(dict.fromkeys(map(str, places)))

    @contextmanager
    def _locked(self, checkpoint: Callable[[], None], waiting: Callable[[], None] = nothing) -> Iterator[None]:
        with open(self.folder / LOCK, "w") as lock:
            tell: Callable[[], None] | None = waiting
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if tell is not None:
                        tell()
                    tell = None
                checkpoint()
                time.sleep(LOCK_POLL)
            yield  # closing the file unlocks

    def _remove_stale_lock(self, result: Result) -> bool:
        """Whether the command failed because of an old lock file in the mirror, which is gone now."""
        found = re.search(r"Unable to create '(.+\.lock)': File exists", result.stderr)
        lock = Path(found[1]) if found else None
        if lock is None or not lock.is_relative_to(self.repo):
            return False
        try:
            if time.time() - lock.stat().st_mtime < STALE_LOCK:
                return False
        except FileNotFoundError:
            return True
        lock.unlink(missing_ok=True)
        return True


def readable(remote: Remote) -> str:
    """What the names of the remote's mirrors begin with, wherever its URL leads."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", remote.display).strip("-.")[-60:]


def unpin(git: Git, task: str) -> None:
    """Remove every ref that is kept for a task. Idempotent."""
    kept = git.run("for-each-ref", "--format=%(refname)", task_ref(task)).text.split()
    git.run("update-ref", "--stdin", stdin="".join(f"delete {ref}\n" for ref in kept).encode())


def empty(remote: Remote) -> PithyError:
    """The error for a repository without any branch."""
    return PithyError(
        ErrorCode.REPO_ANALYSIS, f"{remote.display} is empty: it has no commit on any branch",
        hint="Commit at least one text file and push it, then add the task again or `pithy-local retry ID`.",
    )  # fmt: skip


def choices(name: str, branches: list[str]) -> str:
    """A hint for a branch that is not there: the names near it, else the first few."""
    near = difflib.get_close_matches(name, branches, n=3, cutoff=0.5)
    listed = ", ".join(shown(branch) for branch in near or branches[:5])
    return f"Did you mean {listed}?" if near else f"There is {listed}{' …' if len(branches) > 5 else ''}."
