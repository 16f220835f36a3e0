"""The main job on a sample repository: no key, no account, nothing of the user's touched.

The demo has a home of its own below the data directory, a real git repository with a bug, and a model whose one
answer was written beforehand (`sample/reply.md`). All the rest is the product: sandbox, patch, commit, push.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import msgspec

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.git.adapter import Git
from pithy_local.git.userconfig import prepare_home
from pithy_local.models import Task
from pithy_local.paths import Home
from pithy_local.service import AddRequest, App

SUFFIX = ".txt"
"""Ends the name of each file of the sample, so that no tool takes it for a part of this project."""
IDENTITY = {"GIT_AUTHOR_NAME": "Pithy Demo", "GIT_AUTHOR_EMAIL": "demo@localhost",
            "GIT_COMMITTER_NAME": "Pithy Demo", "GIT_COMMITTER_EMAIL": "demo@localhost"}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Demo:
    """What is ready to be run: the product with the written answer as its model, the repository, the task to add."""

    app: App
    repo: Path
    request: AddRequest


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """The commit as git shows it in the sample repository: its id, and `git show --stat` of it."""

    sha: str
    stat: str


def demo_home(home: Home) -> Path:
    """Where the demo keeps its own queue and its repositories: below the user's data directory."""
    return home.root / "demo"


def prepare_demo(app: App, *, executor: str | None, say: Callable[[str], None]) -> Demo:
    """Make the sample repository in `app`'s home and the task for it.

    `executor` None: docker where an engine answers, else local, which is said.
    Raises PithyError (git_missing, disk_full; docker_unreachable when docker is asked for and does not answer).
    """
    chosen = _executor(executor, say)
    repo = _make_repository(app.home)
    replies = app.home.root / "replies.json"
    replies.write_text(json.dumps([_sample("reply.md").read_text("utf-8")]))
    model = msgspec.structs.replace(
        app.settings.model, provider="scripted", scripted=msgspec.structs.replace(
            app.settings.model.scripted, file=str(replies))
    )  # fmt: skip
    settings = msgspec.structs.replace(app.settings, model=model, executor=chosen)
    request = AddRequest(
        prompt=_sample("prompt.txt").read_text("utf-8"), repo=str(repo), executor=chosen, provider="scripted"
    )
    return Demo(app=replace(app, settings=settings), repo=repo, request=request)


def delivered(demo: Demo, task: Task) -> Delivery | None:
    """The task's commit if git really finds it at the tip of its branch, on top of the base; else None."""
    git = _git(demo.app.home, demo.repo)
    tip = git.run("rev-parse", "--verify", "--quiet", f"refs/heads/{task.branch}^{{commit}}", check=False)
    if not tip.ok or tip.text != task.head_sha:
        return None
    parent = git.run("rev-parse", "--verify", "--quiet", f"{tip.text}^1", check=False)
    if parent.text != task.base_sha:
        return None
    return Delivery(sha=tip.text, stat=git.run("show", "--stat", "--no-color", "--format=medium", tip.text).text)


def _executor(asked: str | None, say: Callable[[str], None]) -> str:
    if asked == "local":
        say("executor local: UNISOLATED, the runner is a plain process on this machine")
        return asked
    from pithy_local.executors.engine import ping

    try:
        ping()
    except PithyError as error:
        if asked is not None or error.code is not ErrorCode.DOCKER_UNREACHABLE:
            raise
        say(f"{error.message}: executor local, UNISOLATED, the runner is a plain process on this machine")
        return "local"
    return "docker"


def _make_repository(home: Home) -> Path:
    """A fresh `sample-N` with one commit on `main`."""
    number = 1 + max((int(found.name.partition("-")[2]) for found in home.root.glob("sample-[0-9]*")), default=0)
    repo = home.root / f"sample-{number}"
    repo.mkdir()
    for name, content in _files(_sample("repo")):
        target = repo / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(content, "utf-8")
    git = _git(home, repo).with_env(**IDENTITY)
    git.run("init", "--quiet", "--initial-branch=main", ".")
    git.run("add", "--all")
    git.run("commit", "--quiet", "--message=Slugs from titles")
    return repo


def _git(home: Home, repo: Path) -> Git:
    return Git(cwd=repo, home=prepare_home(home.root / "git", [str(repo), str(repo / ".git")]))


def _sample(name: str) -> Traversable:
    return resources.files(__name__) / "sample" / name


def _files(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every file below `folder`: its path in the repository and its text."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(SUFFIX):
            yield prefix + entry.name.removesuffix(SUFFIX), entry.read_text("utf-8")
