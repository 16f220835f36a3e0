"""Replay: an attempt once more from its recorded replies. No model is asked, and nothing is pushed or sent anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pithy_local.config import ScriptedSettings, Settings
from pithy_local.errors import ErrorCode, NotThereYet, PithyError, Refused
from pithy_local.models import Attempt, Status, Task
from pithy_local.paths import Home, remove_tree, try_lock
from pithy_local.service.adding import AddRequest
from pithy_local.service.app import App
from pithy_local.service.reading import attempts, check_attempt, diff, find
from pithy_local.service.settling import next_step
from pithy_local.store import Store


@dataclass(frozen=True, kw_only=True)
class Recording:
    """What is kept of an attempt: the model's replies (a file), and the diff that came of them, None = none."""

    task: Task
    attempt: Attempt
    replies: Path
    diff: bytes | None

    def same(self, again: Task, made: bytes | None) -> bool:
        """Whether the replayed task came to the same: to the same diff or, without one, to the same error."""
        if self.diff is not None or made is not None:
            return self.diff == made
        return _code(self.attempt) == _code(again)


@dataclass(frozen=True, kw_only=True)
class Replay:
    """The product with a home of its own and the recorded replies for a model, and the task to add there."""

    app: App
    request: AddRequest


def recording(app: App, ref: str, *, attempt: int | None = None) -> Recording:
    """What is recorded of an attempt, of the latest that has replies by default.

    Raises NoSuchTask, UsageError, Refused while the attempt runs, NotThereYet.
    """
    task = find(app, ref)
    check_attempt(task, attempt)
    if task.status is Status.RUNNING and attempt in (None, task.attempts):
        raise Refused(f"task {task.id} is running: its replies are still coming", hint=next_step(task))
    for made in reversed(attempts(app, task.id)):
        replies = app.home.replies(task.id, made.number)
        if attempt in (None, made.number) and replies.is_file():
            kept = diff(app, task.id, attempt=made.number) if made.patch else None
            return Recording(task=task, attempt=made, replies=replies, diff=kept)
    whose = f"task {task.id}" if attempt is None else f"attempt {attempt} of task {task.id}"
    raise NotThereYet(f"no reply of a model is recorded for {whose}", hint=next_step(task))


@contextmanager
def replaying(app: App, recorded: Recording) -> Iterator[Replay]:
    """What the replay needs, below the user's data directory while it lasts; nothing of it is left.

    What a killed replay left is removed first. Raises Refused while another one is under way, PithyError
    (repo_analysis: the base commit is gone; git_missing, store; docker_unreachable).
    """
    from pithy_local.lifecycle.replays import clear_replay

    home = app.home.replay
    with try_lock(app.home.lock("replay")) as free:
        if not free:
            raise Refused("another replay is under way", hint="Try again when it has ended.")
        clear_replay(app.home, app.settings)
        home.prepare()
        try:
            repo, base = _repository(app, home, recorded)
            request = AddRequest(
                prompt=recorded.task.prompt, repo=str(repo), title=recorded.task.title, base=base,
                executor=recorded.task.executor, provider="scripted", verify=recorded.task.verify_commands,
            )  # fmt: skip
            store = Store(home, app.clock)
            try:
                settings = _settings(app.settings, recorded)
                own = App(
                    settings=settings, secrets=app.secrets, home=home, store=store, clock=app.clock, env=app.env
                )  # fmt: skip
                yield Replay(app=own, request=request)
            finally:
                store.close()
        finally:
            with suppress(PithyError):  # the engine is away: any worker of this home ends it later
                clear_replay(app.home, app.settings)


def replayed(replay: Replay, task: Task) -> bytes | None:
    """The diff that the replayed task made."""
    return diff(replay.app, task.id) if task.patch else None


def _settings(settings: Settings, recorded: Recording) -> Settings:
    """The user's, but that nobody is asked or told anything, and that the change is not delivered."""
    replace = msgspec.structs.replace
    model = replace(settings.model, provider="scripted", scripted=ScriptedSettings(file=str(recorded.replies)))
    return replace(
        settings, executor=recorded.task.executor, publish="review", model=model,
        notify=replace(settings.notify, urls=()),
    )  # fmt: skip


def _repository(app: App, home: Home, recorded: Recording) -> tuple[Path, str]:
    """A bare repository whose one branch stands where the attempt began, and the branch's name.

    It borrows the mirror's objects.
    """
    from pithy_local.git.adapter import Git
    from pithy_local.git.mirror import LOCK
    from pithy_local.git.userconfig import prepare_home

    branch, sha = recorded.task.base or "main", recorded.attempt.base_sha or ""
    repo = home.root / f"{recorded.task.id}-{recorded.attempt.number}.git"
    remove_tree(repo)
    git = Git(cwd=home.root, home=prepare_home(home.root / "git", [str(repo)]))
    for mirror in sorted(app.home.mirrors.glob("*/repo.git")):
        if sha and git.run(f"--git-dir={mirror}", "cat-file", "-e", f"{sha}^{{commit}}", check=False).ok:
            (mirror.parent / LOCK).touch()  # it is in use: the reaper leaves it
            git.run("init", "--quiet", "--bare", "--template=", "--", str(repo))
            alternates = repo / "objects" / "info" / "alternates"
            alternates.parent.mkdir(exist_ok=True)
            alternates.write_text(f"{mirror / 'objects'}\n", "utf-8")
            git.run(f"--git-dir={repo}", "update-ref", f"refs/heads/{branch}", sha)
            git.run(f"--git-dir={repo}", "symbolic-ref", "HEAD", f"refs/heads/{branch}")
            return repo, branch
    raise PithyError(
        ErrorCode.REPO_ANALYSIS, f"the commit {sha[:12]} that the attempt began with is no longer kept",
        hint=f'`pithy-local retry {recorded.task.id} --feedback "…"` asks the model anew.',
    )  # fmt: skip


def _code(ended: Attempt | Task) -> str | None:
    return ended.error.code if ended.error else None
