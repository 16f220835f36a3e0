"""The nouns: task, attempt, usage, log line. Frozen records; a change is `dataclasses.replace`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pithy_local.clock import iso


class Status(StrEnum):
    """The user's word for how a task stands (docs/contract.md §4)."""

    QUEUED = "queued"
    """Waits for a free slot."""
    RUNNING = "running"
    """An attempt is under way; `phase` says where."""
    COMPLETED = "completed"
    """Delivered: the remote branch has our commit and the PR, where there is a forge, shows it."""
    FAILED = "failed"
    """Ended with an error; `error` says which and what to do."""
    NEEDS_REVIEW = "needs_review"
    """A person must look: the patch does not apply or verify, the policy stopped it, or `publish` is review."""
    NEEDS_CLARIFICATION = "needs_clarification"
    """The model asked a question."""
    CANCELLED = "cancelled"
    """Ended by the user, or by the system because the task that it was to start after did not complete."""

    @property
    def settled(self) -> bool:
        return self not in (Status.QUEUED, Status.RUNNING)


class Phase(StrEnum):
    """Where a running attempt is (docs/architecture.md)."""

    PREPARING = "preparing"
    """The mirror is fetched and the base commit pinned."""
    STARTING = "starting"
    """The sandbox is made and the repository put in."""
    AGENT = "agent"
    """The runner works: survey, model, patch, repair."""
    COLLECTING = "collecting"
    """The canonical diff leaves the sandbox."""
    VERIFYING = "verifying"
    """The host judges the diff by policy, makes the commit and runs the verify commands on it."""
    DELIVERING = "delivering"
    """The commit is pushed and the PR opened."""
    CANCELLING = "cancelling"
    """The user cancelled; the sandbox is being removed."""


class Stop(StrEnum):
    """What becomes of the attempts that run in a process when its work is to end."""

    CANCEL = "cancel"
    """They are cancelled, and nothing of them is left."""
    LEAVE = "leave"
    """They are left to the next process: containers run on and are adopted, what has none is queued again."""
    DRAIN = "drain"
    """They are waited for; nothing more is claimed."""


class Stream(StrEnum):
    """Who wrote a log line."""

    OUT = "out"
    ERR = "err"
    SYS = "sys"
    """The host's own narration."""


MOST_PRIORITY = 1_000_000
MOST_TOKENS = 1_000_000_000
"""Far beyond use, far below what SQLite can hold."""


@dataclass(frozen=True, kw_only=True)
class NewTask:
    """What `add` was asked for, validated; all that is needed to write the row."""

    title: str
    prompt: str
    repo: str
    base: str | None = None
    executor: str
    provider: str
    model: str
    branch_prefix: str = "pj/"
    publish: str = "auto"
    verify: tuple[str, ...] = ()
    priority: int = 0
    max_tokens: int | None = None
    unisolated: bool = False
    after: str | None = None
    """The id of the task that must have completed before."""
    not_before: int = 0
    """Parked until then, ms since 1970; 0 = not parked."""
    idempotency_key: str | None = None


@dataclass(frozen=True, kw_only=True)
class TaskError:
    """Why a task did not complete: code of docs/contract.md §4, one sentence, what to do, what the other side said."""

    code: str
    message: str
    hint: str
    detail: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "hint": self.hint, "detail": self.detail}


@dataclass(frozen=True, kw_only=True)
class Patch:
    """Metadata of a stored diff. `path` is relative to the home; counts are files and lines."""

    path: str
    bytes: int
    files: int
    added: int
    removed: int
    mended: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "path": self.path, "bytes": self.bytes, "files": self.files,
            "added": self.added, "removed": self.removed, "mended": self.mended,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Verified:
    """One verify command: how it ended on the base and on the commit, and the seconds it took on the commit.

    None: it was not run there. 124: it took longer than `verify_timeout`. The outputs are the ends of what it wrote.
    """

    command: str
    base_exit: int | None = None
    patch_exit: int | None = None
    seconds: float = 0.0
    base_output: str = ""
    patch_output: str = ""

    @property
    def broken(self) -> bool:
        """Held against the patch: what failed before is not."""
        return self.base_exit == 0 and self.patch_exit != 0

    def to_json(self) -> dict[str, Any]:
        return {
            "command": self.command, "base_exit": self.base_exit, "patch_exit": self.patch_exit,
            "seconds": round(self.seconds, 1),
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens of a task or an attempt, as counted by the host's gateway."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def to_json(self) -> dict[str, Any]:
        return {
            "input_tokens": self.input_tokens, "output_tokens": self.output_tokens,
            "total_tokens": self.total_tokens, "cost_usd": self.cost_usd,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One run of a task. Times are milliseconds since 1970."""

    task: str
    number: int
    outcome: str | None = None
    base_sha: str | None = None
    head_sha: str | None = None
    container: str | None = None
    pr_number: int | None = None
    pr_url: str | None = None
    error: TaskError | None = None
    patch: Patch | None = None
    feedback: str | None = None
    """What the user said when asking for this attempt: an answer to a question, or what to do differently."""
    redelivery: bool = False
    """Delivers a change that was made before, or that a person accepted; asks no model."""
    question: str | None = None
    verify: tuple[Verified, ...] = ()
    usage: Usage = Usage()
    created_at: int
    started_at: int | None = None
    finished_at: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "attempt": self.number, "outcome": self.outcome, "base_sha": self.base_sha, "head_sha": self.head_sha,
            "pr_number": self.pr_number, "pr_url": self.pr_url,
            "error": self.error.to_json() if self.error else None,
            "patch": self.patch.to_json() if self.patch else None,
            "feedback": self.feedback, "question": self.question,
            "verify": [verified.to_json() for verified in self.verify],
            "usage": self.usage.to_json(),
            "created_at": iso(self.created_at), "started_at": iso(self.started_at),
            "finished_at": iso(self.finished_at),
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Task:
    """What was asked, and how its latest attempt stands. Times are milliseconds since 1970."""

    id: str
    title: str
    prompt: str
    repo: str
    base: str | None
    status: Status
    phase: Phase | None
    executor: str
    provider: str
    model: str
    priority: int
    branch: str
    attempts: int
    max_tokens: int | None
    unisolated: bool
    fence: int
    cancel_requested: bool
    base_sha: str | None = None
    head_sha: str | None = None
    pr_url: str | None = None
    pr_number: int | None = None
    error: TaskError | None = None
    question: str | None = None
    patch: Patch | None = None
    publish: str = "auto"
    verify_commands: tuple[str, ...] = ()
    """Asked for with the task; () = the configured ones."""
    verify: tuple[Verified, ...] = ()
    after: str | None = None
    """The id of the task that this one was to start after."""
    blocked: bool = False
    """That task has not completed yet."""
    not_before: int = 0
    """Parked until then: no process claims it earlier. 0 = not parked."""
    usage: Usage = Usage()
    created_at: int
    started_at: int | None = None
    finished_at: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The task object of docs/contract.md §4, the same everywhere."""
        return {
            "id": self.id, "title": self.title, "prompt": self.prompt, "repo": self.repo, "base": self.base,
            "status": self.status.value, "phase": self.phase.value if self.phase else None,
            "executor": self.executor, "provider": self.provider, "model": self.model,
            "priority": self.priority, "after": self.after,
            "branch": self.branch, "base_sha": self.base_sha, "head_sha": self.head_sha,
            "pr_url": self.pr_url, "pr_number": self.pr_number,
            "error": self.error.to_json() if self.error else None, "question": self.question,
            "attempts": self.attempts,
            "patch": self.patch.to_json() if self.patch else None,
            "usage": self.usage.to_json(), "verify": [verified.to_json() for verified in self.verify],
            "created_at": iso(self.created_at), "started_at": iso(self.started_at),
            "finished_at": iso(self.finished_at),
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One line of a task's log. `seq` counts from 1 without gaps within the task; `at` in ms since 1970."""

    seq: int
    attempt: int
    at: int
    stream: Stream
    text: str

    def to_json(self) -> dict[str, Any]:
        return {
            "seq": self.seq, "attempt": self.attempt, "at": iso(self.at),
            "stream": self.stream.value, "text": self.text,
        }  # fmt: skip
