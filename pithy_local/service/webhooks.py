"""Completion reports of executors outside this machine (docs/api.md), once their signature was checked."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import dataclass

from pithy_local.errors import ErrorCode, LeaseLost, Refused, for_task
from pithy_local.models import Status, Stream, Task, TaskError
from pithy_local.service.app import App
from pithy_local.service.words import mask
from pithy_local.store.logs import Entry, Logs, Position
from pithy_local.store.tasks import Tasks
from pithy_local.store.webhooks import Delivered, Webhooks
from pithy_local.text import LineAssembler, clip, for_storage, safe_line

EXECUTORS = ("github-actions",)
"""Those that report by webhook."""
MAX_ERROR = 2_000

_turn = threading.Lock()
"""Log and end of one report are written before the next one's: two of them never mix."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What an executor says of one task. `error` None: it is completed, and the forge shows it.

    `workspace` and `branch` are checked where they are given: a report on an earlier attempt says nothing of this one.
    """

    id: str
    task: str
    workspace: str | None = None
    branch: str | None = None
    error: str | None = None
    logs: str = ""


class NotShown(Refused):
    """The forge does not show what the report says."""


def seen(app: App, webhook_id: str) -> bool:
    """Whether a report with this id was taken before."""
    return Webhooks(app.store).seen(webhook_id)


def take(app: App, report: Report) -> Task | None:
    """Settle the task as the report says, its log first. The task as it ended; None when it was taken before.

    Raises NoSuchTask; Refused when the task does not run at such an executor, NotShown when the forge does not show
    the branch and the pull request; PithyError when it cannot be asked now. Then nothing was written.
    """
    task = Tasks(app.store).get(report.task)
    if seen(app, report.id):  # after the task was read: it ends together with the report
        return None
    _check(app, task, report)
    ended = _delivered(app, task) if report.error is None else _failed(app, task.id, report.error)
    with _turn:
        if seen(app, report.id):
            return None
        if Tasks(app.store).get(task.id).fence != task.fence or not _settled(app, task, report, ended):
            raise Refused(f"task {task.id} has changed meanwhile")
    return Tasks(app.store).get(task.id)


def _settled(app: App, task: Task, report: Report, ended: Delivered | TaskError) -> bool:
    """Write the log and the end; False when the task is no longer as it was."""
    try:
        _write_log(app, task, report, ended)
    except LeaseLost:
        return False
    return Webhooks(app.store).settle(task, report.id, ended)


def refuse(app: App, *, peer: str, reason: str, webhook_id: str | None) -> None:
    """Remember a report that was refused: when, from where, why; never what it said."""
    Webhooks(app.store).refuse(peer=peer, reason=reason, webhook_id=webhook_id)


def _check(app: App, task: Task, report: Report) -> None:
    """Raise Refused unless this task, in this attempt, is at work where the report comes from."""
    if task.status is not Status.RUNNING:
        raise Refused(f"task {task.id} is not running: it is {task.status.value}")
    if task.executor not in EXECUTORS:
        raise Refused(f"task {task.id} is worked on this machine")
    workspace = Tasks(app.store).attempts(task.id)[-1].container
    if report.workspace and workspace and report.workspace != workspace:
        raise Refused(f"task {task.id} is worked in another workspace now")
    if report.branch and report.branch != task.branch:
        raise Refused(f"the branch of task {task.id} is {task.branch}")


def _delivered(app: App, task: Task) -> Delivered:
    """What the remote and its forge show of the task. Raises NotShown, PithyError."""
    from pithy_local.git.push import remote_head
    from pithy_local.lifecycle.factory import make_forge
    from pithy_local.lifecycle.repository import Repositories

    with closing(make_forge(app.settings, app.secrets)) as forge:
        repositories = Repositories(
            api_url=app.settings.github.api_url, token=app.secrets.github_token, home=app.home, forge=lambda: forge
        )
        connection = repositories.connect(task.repo, wait=None)
        sha = remote_head(connection.mirror, task.branch, connection.token)
        if sha is None:
            raise NotShown(f"{task.repo} has no branch {task.branch}")
        base, slug = task.base or connection.default_branch, connection.mirror.remote.slug
        if slug is None:
            return Delivered(base=base, head_sha=sha)
        request = forge.find_pr(slug, task.branch)
    if request is None:
        raise NotShown(f"{task.repo} has no open pull request of {task.branch}")
    if request.head_sha != sha:
        raise NotShown(f"the pull request of {task.branch} does not show the branch's commit")
    return Delivered(base=base, head_sha=sha, pr_number=request.number, pr_url=request.url)


def _failed(app: App, task: str, words: str) -> TaskError:
    message = clip(safe_line(mask(app, words)), MAX_ERROR) or "the executor reported an error without words"
    code = ErrorCode.AGENT_FAILED
    return TaskError(code=code.word, message=message, hint=for_task(code.hint, task))


def _write_log(app: App, task: Task, report: Report, ended: Delivered | TaskError) -> None:
    """The report's lines and how it ended; once, however often a report is sent again that was cut short here."""
    n, logs = Webhooks(app.store).row_number(task), Logs(app.store)
    _, position = logs.open(n, task.attempts, task.fence)
    if position.source == report.id:
        return
    lines, now = LineAssembler(), app.clock.now_ms()
    logged = mask(app, report.logs).encode("utf-8", "replace")
    texts = [(Stream.OUT, text) for text in (*lines.feed(logged), *lines.flush())]
    if isinstance(ended, Delivered):
        texts.append((Stream.SYS, f"completed: {ended.head_sha[:12]} on {task.branch}, reported by {task.executor}"))
    else:
        texts.append((Stream.SYS, f"failed: {ended.message} [{ended.code}], reported by {task.executor}"))
    entries = [Entry(at=now, stream=stream, text=for_storage(text)) for stream, text in texts]
    logs.append(n, task.fence, entries, Position(source=report.id, bytes=position.bytes))
