"""A user with an empty HOME, a repository to work on, its mirror, and a git server with a token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pithy_local.git.commit import make_commit
from pithy_local.git.mirror import Mirror
from pithy_local.git.remote import Remote, parse_repo
from tests.fakes.git_http import GitHttpServer
from tests.support import commit_files, git, make_bare, make_repo

TASK = "0abc0def01"
BRANCH = f"pj/{TASK}"
TOKEN = "ghp_CANARYcanary0123456789"
NO_WAITS = (0, 0, 0)
"""As many repetitions as the product makes, without the pauses."""
FILES = {"README.md": "# Sample\n", "src/app.py": "def main():\n    return 1\n", "src/util.py": "X = 1\n"}


@pytest.fixture(autouse=True)
def user_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The HOME of a user without any git configuration, on a machine without any."""
    home = tmp_path_factory.mktemp("user")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A repository with checked-out files, one commit on main."""
    return make_repo(tmp_path / "work", FILES)


@pytest.fixture
def bare(tmp_path: Path, work: Path) -> Path:
    """A bare repository with the same content."""
    return make_bare(tmp_path / "bare.git", work)


@pytest.fixture
def mirror(tmp_path: Path, bare: Path) -> Mirror:
    """A fetched mirror of `bare`."""
    return fetched(tmp_path, parse_repo(str(bare)))


@pytest.fixture
def base(mirror: Mirror) -> str:
    """The commit of the mirror's default branch."""
    return mirror.resolve_base(None)[1]


@pytest.fixture
def server(tmp_path: Path, work: Path) -> Iterator[GitHttpServer]:
    """A private repository octo/sample behind HTTP; TOKEN may push."""
    root = tmp_path / "served"
    make_bare(root / "octo" / "sample.git", work)
    with GitHttpServer(root) as server:
        server.add_token(TOKEN)
        yield server


@pytest.fixture
def http_remote(server: GitHttpServer) -> Remote:
    return parse_repo("octo/sample").at(server.url_of("octo/sample"))


@pytest.fixture
def http_mirror(tmp_path: Path, http_remote: Remote) -> Mirror:
    """A fetched mirror of the served repository."""
    return fetched(tmp_path, http_remote, TOKEN)


@pytest.fixture
def http_sha(http_mirror: Mirror, work: Path) -> str:
    """A commit of ours in that mirror."""
    return commit_in(http_mirror, work)


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """The repository behind the server."""
    return tmp_path / "served" / "octo" / "sample.git"


def fetched(folder: Path, remote: Remote, token: str = "") -> Mirror:
    """A mirror below `folder`, fetched."""
    mirror = Mirror(folder / "mirrors", remote)
    mirror.fetch(token, lambda text: None, waits=NO_WAITS)
    return mirror


def diff_of(work: Path, change: Callable[[Path], object]) -> bytes:
    """The canonical diff that `change` makes in a clone of `work`."""
    clone = work.with_name(f"{work.name}-changed")
    git("clone", "-q", str(work), str(clone))
    change(clone)
    git("add", "-A", "--force", cwd=clone)
    return git("diff", "--cached", "--binary", "--full-index", "--no-renames", cwd=clone).encode(
        "utf-8", "surrogateescape"
    ) + b"\n"  # fmt: skip


def tree_diff(mirror: Mirror, base: str, entries: bytes) -> str:
    """A tree: the base's with `entries` (lines of `update-index --index-info`) put over it, unchecked by git."""
    index = mirror.folder / "made-index"
    env = {"GIT_INDEX_FILE": str(index), "GIT_DIR": str(mirror.repo)}
    git("read-tree", base, env=env)
    git("update-index", "-z", "--index-info", env=env, stdin=entries)
    tree = git("write-tree", env=env)
    index.unlink()
    return tree


def blob(mirror: Mirror, content: bytes) -> str:
    """Store a file's content in the mirror; its object id."""
    return git("hash-object", "-w", "--stdin", env={"GIT_DIR": str(mirror.repo)}, stdin=content)


def commit_in(mirror: Mirror, work: Path, content: str = "new\n") -> str:
    """A commit of ours in the mirror, on top of its default branch."""
    _, base = mirror.resolve_base(None)
    diff = diff_of(work, lambda clone: (clone / "new.txt").write_text(content))
    return make_commit(mirror, TASK, base, diff, message="Pithy Jaunt: x", protected=()).sha


def intruder(repo: Path, work: Path) -> str:
    """Somebody else's commit on our branch."""
    other = commit_files(work, {"other.txt": "other\n"})
    git("push", "-q", "--force", str(repo), f"HEAD:refs/heads/{BRANCH}", cwd=work)
    return other
