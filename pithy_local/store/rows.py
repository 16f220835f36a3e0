"""Tasks and attempts as the queue's rows hold them, read as records."""

from __future__ import annotations

import json
import sqlite3

from pithy_local.errors import ErrorCode
from pithy_local.models import Attempt, Patch, Phase, Status, Task, TaskError, Usage, Verified

_CALLS = "FROM call u WHERE u.task = {task} AND u.settled_at IS NOT NULL {attempt}"
_USAGE = f"""coalesce((SELECT sum(input_tokens) {_CALLS}), 0) AS input_tokens,
  coalesce((SELECT sum(output_tokens) {_CALLS}), 0) AS output_tokens,
  (SELECT CASE WHEN count(*) = count(cost_usd) THEN sum(cost_usd) END {_CALLS}) AS cost_usd"""

TASK = f"""SELECT t.*, a.base_name, a.base_sha, a.head_sha, a.error, a.question, a.verify AS verified,
  a.patch_path, a.patch_bytes, a.patch_files, a.patch_added, a.patch_removed, a.patch_mended,
  p.pr_number, p.pr_url, {_USAGE.format(task="t.n", attempt="")}
FROM task t JOIN attempt a ON a.task = t.n AND a.number = t.attempt
LEFT JOIN attempt p ON p.task = t.n AND p.number =
  (SELECT max(number) FROM attempt WHERE task = t.n AND pr_number IS NOT NULL)"""
"""What `read_task` reads; the task is `t`."""

ATTEMPT = f"""SELECT a.*, t.id, {_USAGE.format(task="a.task", attempt="AND u.attempt = a.number")}
FROM attempt a JOIN task t ON t.n = a.task"""
"""What `read_attempt` reads; the attempt is `a`, its task `t`."""

WAITS_FOR_A_PERSON = (Status.NEEDS_REVIEW, Status.NEEDS_CLARIFICATION)


def read_task(row: sqlite3.Row) -> Task:
    status = Status(row["status"])
    return Task(
        id=row["id"], title=row["title"], prompt=row["prompt"], repo=row["repo"], base=row["base"] or row["base_name"],
        status=status, phase=Phase(row["phase"]) if row["phase"] else None,
        executor=row["executor"], provider=row["provider"], model=row["model"], priority=row["priority"],
        branch=row["branch"], attempts=row["attempt"], max_tokens=row["max_tokens"],
        unisolated=bool(row["unisolated"]), fence=row["fence"], cancel_requested=bool(row["cancel_requested"]),
        base_sha=row["base_sha"], head_sha=row["head_sha"], pr_url=row["pr_url"], pr_number=row["pr_number"],
        error=_shown(status, _error(row)),
        question=row["question"] if status is Status.NEEDS_CLARIFICATION else None, patch=_patch(row),
        publish=row["publish"], verify_commands=tuple(json.loads(row["verify"])), verify=_verified(row["verified"]),
        after=row["after_task"], blocked=bool(row["blocked"]), not_before=row["not_before"], usage=_usage(row),
        created_at=row["created_at"], started_at=row["started_at"], finished_at=row["finished_at"],
    )  # fmt: skip


def read_attempt(row: sqlite3.Row) -> Attempt:
    return Attempt(
        task=row["id"], number=row["number"], outcome=row["outcome"], base_sha=row["base_sha"],
        head_sha=row["head_sha"], container=row["container"], pr_number=row["pr_number"], pr_url=row["pr_url"],
        error=_error(row), patch=_patch(row), feedback=row["feedback"], redelivery=bool(row["redelivery"]),
        question=row["question"], verify=_verified(row["verify"]), usage=_usage(row),
        created_at=row["created_at"], started_at=row["started_at"], finished_at=row["finished_at"],
    )  # fmt: skip


def _shown(status: Status, error: TaskError | None) -> TaskError | None:
    """A task's error, as long as its status is one with an error: cancelled is one only where the system cancelled."""
    by_system = error is not None and error.code == ErrorCode.DEPENDENCY_FAILED.word
    shows = status in (Status.FAILED, *WAITS_FOR_A_PERSON) or (status is Status.CANCELLED and by_system)
    return error if shows else None


def _error(row: sqlite3.Row) -> TaskError | None:
    return TaskError(**json.loads(row["error"])) if row["error"] else None


def _verified(text: str) -> tuple[Verified, ...]:
    return tuple(Verified(**each) for each in json.loads(text))


def _usage(row: sqlite3.Row) -> Usage:
    return Usage(input_tokens=row["input_tokens"], output_tokens=row["output_tokens"], cost_usd=row["cost_usd"])


def _patch(row: sqlite3.Row) -> Patch | None:
    if row["patch_path"] is None:
        return None
    return Patch(
        path=row["patch_path"], bytes=row["patch_bytes"], files=row["patch_files"], added=row["patch_added"],
        removed=row["patch_removed"], mended=row["patch_mended"] or 0,
    )  # fmt: skip
