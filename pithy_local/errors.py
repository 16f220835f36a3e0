"""Every error a user can meet.

    PithyError            code, message, hint, detail; carries its exit code
    ├── UsageError        bad input: unknown key, empty prompt, unknown repository      exit 2
    ├── NoSuchTask        no task has that id                                           exit 5
    ├── Refused           right request, wrong moment: state, conflict                  exit 6
    └── NotThereYet       what was asked for does not exist yet                         exit 8

    LeaseLost             another owner took the task over: stop and touch nothing
    Cancelled             the user cancelled this attempt
    Parked                the attempt goes back to the queue, uncharged: rate limit, budget

`ErrorCode` lists the values of a task's `error.code` (docs/contract.md §4) with the exit code, the HTTP status and the
default hint of each; docs/errors.md is generated from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, IntEnum
from typing import Any


class ExitCode(IntEnum):
    """What the process says to the shell."""

    OK = 0
    """Done."""
    FAILED = 1
    """The task or the operation failed."""
    USAGE = 2
    """Usage, configuration or bad input: unknown key, empty prompt, unknown repository."""
    ENVIRONMENT = 3
    """The environment is not fit: no engine, no disk, no git."""
    AUTH = 4
    """Authentication failed, or no right to push."""
    NO_SUCH_TASK = 5
    """No task has that id."""
    REFUSED = 6
    """Refused: wrong state, conflict, budget."""
    NOT_THERE_YET = 8
    """Not there yet: `diff` before there is one."""
    TIMEOUT = 124
    """`--timeout` passed."""
    INTERRUPTED = 130
    """Interrupted (ctrl+c)."""


class ErrorCode(Enum):
    """One value of `error.code`: its word, the exit code and the HTTP status it means as an answer to a request, and
    what to do about it. `ID` in a hint stands for the task's id."""

    word: str
    exit_code: ExitCode
    http_status: int
    hint: str

    TIMEOUT = (
        "timeout",
        1,
        504,
        "Raise `timeout` in the configuration or ask for less at once, then `pithy-local retry ID`.",
    )
    LLM_TIMEOUT = (
        "llm_timeout",
        1,
        504,
        "The model did not answer within `model.timeout`. `pithy-local retry ID` asks again.",
    )
    LLM_AUTH = (
        "llm_auth",
        4,
        422,
        "Check OPENAI_API_KEY or ANTHROPIC_API_KEY with `pithy-local doctor`, then `pithy-local retry ID`.",
    )
    LLM_RATE_LIMIT = (
        "llm_rate_limit",
        1,
        503,
        "Look at your plan and its limits at the provider; `pithy-local retry ID` asks again.",
    )
    LLM_SERVICE = (
        "llm_service",
        1,
        502,
        "Check the model's base_url with `pithy-local doctor`, or set `model.fallback`; "
        "`pithy-local retry ID` asks again.",
    )
    TOKEN_LIMIT = (
        "token_limit",
        1,
        422,
        "Raise `model.max_tokens_per_task` or ask for less at once, then `pithy-local retry ID`.",
    )
    BUDGET = (
        "budget",
        6,
        409,
        "`pithy-local resume --budget` goes on today; `budget.usd_per_day` sets the limit.",
    )
    PATCH_MALFORMED = (
        "patch_malformed",
        1,
        422,
        '`pithy-local show ID` says where the answers are kept; `pithy-local retry ID --feedback "…"` says more.',
    )
    PATCH_REJECTED = (
        "patch_rejected",
        1,
        422,
        '`pithy-local show ID` says where the answers are kept; `pithy-local retry ID --feedback "…"` says more.',
    )
    PATCH_EMPTY = (
        "patch_empty",
        1,
        422,
        'The model changed nothing. `pithy-local retry ID --feedback "…"` says more precisely what should change.',
    )
    SYNTAX = (
        "syntax",
        1,
        422,
        "Look with `pithy-local diff ID`; `pithy-local accept ID` delivers it all the same, "
        '`pithy-local retry ID --feedback "…"` tries again.',
    )
    POLICY = (
        "policy",
        1,
        422,
        "Look with `pithy-local diff ID`, then `pithy-local accept ID` or `pithy-local reject ID`; "
        "`git.protected` sets the protected paths.",
    )
    VERIFY_FAILED = (
        "verify_failed",
        1,
        422,
        "`pithy-local logs ID` has the output; `pithy-local accept ID` delivers it all the same, "
        '`pithy-local retry ID --feedback "…"` tries again.',
    )
    AWAITING_REVIEW = (
        "awaiting_review",
        1,
        409,
        "Look with `pithy-local diff ID`, then `pithy-local accept ID` or `pithy-local reject ID`.",
    )
    CLARIFICATION = ("clarification", 1, 409, '`pithy-local answer ID "…"` answers, and the task goes on.')
    AGENT_FAILED = ("agent_failed", 1, 500, "`pithy-local logs ID` has its words; `pithy-local retry ID` tries again.")
    IMAGE_BUILD_FAILED = (
        "image_build_failed",
        3,
        503,
        "`pithy-local logs ID` has the builder's words; mend the cause, then `pithy-local image build`.",
    )
    IMAGE_MISSING = (
        "image_missing",
        3,
        503,
        "`docker pull` the image that `sandbox.base_image` names, or name one that is there; "
        "then `pithy-local image build`.",
    )
    REPO_UNREACHABLE = (
        "repo_unreachable",
        2,
        422,
        "Check the name, the network and GITHUB_TOKEN with `pithy-local doctor`.",
    )
    REPO_ANALYSIS = (
        "repo_analysis",
        1,
        422,
        "The repository needs a commit with text files on its base branch; then `pithy-local retry ID`.",
    )
    DOCKER_UNREACHABLE = ("docker_unreachable", 3, 503, "Is Docker running? Try `pithy-local doctor`.")
    CONTAINER_LOST = (
        "container_lost",
        1,
        500,
        "The container or its supervisor went away. `pithy-local retry ID` tries again.",
    )
    OOM = ("oom", 1, 500, "Raise `sandbox.memory`, then `pithy-local retry ID`.")
    DISK_FULL = ("disk_full", 3, 507, "Free some disk space (`pithy-local prune`), then `pithy-local retry ID`.")
    PUSH_REJECTED = (
        "push_rejected",
        4,
        422,
        "Check your right to push and the branch rules; `pithy-local retry ID` delivers again without the model.",
    )
    BRANCH_CONFLICT = (
        "branch_conflict",
        1,
        409,
        "Somebody else wrote to the task's branch. Move that work, then `pithy-local retry ID`.",
    )
    GITHUB_AUTH = (
        "github_auth",
        4,
        422,
        "Set GITHUB_TOKEN to a token that may push and open PRs, or `gh auth login`; `pithy-local doctor` checks it.",
    )
    GITHUB_RATE_LIMIT = (
        "github_rate_limit",
        1,
        503,
        "GitHub limits your rate. Later, `pithy-local retry ID` tries again, without the model where a change is made.",
    )
    GITHUB_ERROR = (
        "github_error",
        1,
        502,
        "GitHub failed. `pithy-local retry ID` tries again, without the model where a change is made.",
    )
    DEPENDENCY_FAILED = (
        "dependency_failed",
        1,
        409,
        "`pithy-local show ID` names the task that it was to start after: retry that one, then `pithy-local retry ID`.",
    )
    CRASH_LOOP = (
        "crash_loop",
        1,
        500,
        "`pithy-local logs ID` shows how far it got; `pithy-local retry ID` tries again.",
    )
    INTERNAL = (
        "internal",
        1,
        500,
        "This is a bug in pithy-local. Please report it with `pithy-local logs ID`.",
    )
    # answers to a request, never a task's state
    USAGE = ("usage", 2, 422, "See `pithy-local --help`.")
    CONFIG = ("config", 2, 500, "config.example.toml lists every key with its values.")
    NO_SUCH_TASK = ("no_such_task", 5, 404, "`pithy-local list --all` shows every task.")
    REFUSED = ("refused", 6, 409, "`pithy-local show ID` says what state the task is in.")
    NOT_THERE_YET = ("not_there_yet", 8, 404, "`pithy-local wait ID` waits until the task has settled.")
    GIT_MISSING = ("git_missing", 3, 503, "Install git 2.31 or newer; `pithy-local doctor` checks it.")
    EXECUTION_DISABLED = (
        "execution_disabled",
        6,
        503,
        "This server works no tasks: start it without --no-worker, or `pithy-local run`.",
    )
    LISTEN = (
        "listen",
        3,
        503,
        "Another program may listen there: `serve.host` and `serve.port` (--host, --port) choose another address.",
    )
    STORE = ("store", 3, 503, "Set PITHY_HOME or --home to a folder on a local disk that you may write to.")

    def __init__(self, word: str, exit_code: int, http_status: int, hint: str) -> None:
        self.word = word
        self.exit_code = ExitCode(exit_code)
        self.http_status = http_status
        self.hint = hint

    @classmethod
    def of(cls, word: str) -> ErrorCode:
        """The member whose word this is; INTERNAL for a word nobody knows."""
        return next((code for code in cls if code.word == word), cls.INTERNAL)


class PithyError(Exception):
    """A failure with a code, one sentence for the user, and what to do about it.

    `detail` holds what the other side said (strings, numbers), never a secret.
    """

    default = ErrorCode.INTERNAL

    def __init__(
        self,
        code: ErrorCode | None = None,
        message: str = "",
        *,
        hint: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        self.code = code or self.default
        self.message = message or (type(self).__doc__ or "").split("\n")[0]
        self.hint = self.code.hint if hint is None else hint
        self.detail = dict(detail or {})
        super().__init__(self.message)

    @property
    def exit_code(self) -> ExitCode:
        return self.code.exit_code

    @property
    def advice(self) -> str:
        """What to do, for an answer to a request. Many a hint is written for a task: what it says of `ID` is left out
        where there is none."""
        return without_task(self.hint)

    def to_json(self) -> dict[str, Any]:
        """The error as the contract's object: code, message, hint, detail."""
        return {"code": self.code.word, "message": self.message, "hint": self.hint, "detail": self.detail}


class UsageError(PithyError):
    """The input cannot be used."""

    default = ErrorCode.USAGE

    def __init__(
        self, message: str, *, hint: str | None = None, code: ErrorCode | None = None, field: str | None = None
    ) -> None:  # fmt: skip
        """`field`: which one of several inputs it is."""
        super().__init__(code, message, hint=hint, detail={"field": field} if field else None)


class NoSuchTask(PithyError):
    """There is no such task."""

    default = ErrorCode.NO_SUCH_TASK

    def __init__(self, ref: str) -> None:
        super().__init__(None, f"no task has the id {ref!r}")


class Refused(PithyError):
    """The task is not in a state that allows this."""

    default = ErrorCode.REFUSED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(None, message, hint=hint)


class NotThereYet(PithyError):
    """That does not exist yet."""

    default = ErrorCode.NOT_THERE_YET

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(None, message, hint=hint)


class LeaseLost(Exception):
    """Another owner has this task now: write nothing more, touch nothing outside."""


class Left(LeaseLost):
    """This process ends and leaves the attempt, and what runs for it, to whoever adopts it."""


class Cancelled(Exception):
    """The user asked for this attempt to stop."""


class Parked(Exception):
    """The attempt cannot go on now and is not charged: the task goes back to the queue.

    `until`: milliseconds since 1970 before which nobody claims it, 0 = as soon as the queue works. `words` say why,
    and `code` is what a task fails with that was parked for too long.
    """

    def __init__(self, words: str, *, until: int = 0, code: ErrorCode = ErrorCode.LLM_RATE_LIMIT) -> None:
        super().__init__(words)
        self.words = words
        self.until = until
        self.code = code


def for_task(hint: str, task: str) -> str:
    """A hint whose commands name the task `task` (its id)."""
    return re.sub(r"\bID\b", task, hint)


def without_task(hint: str, task: str = "ID") -> str:
    """A hint without what it says of commands that name this task; "" where that is all."""
    named = re.compile(rf"`pithy-local [^`]*\b{task}\b")
    if not named.search(hint):
        return hint
    clauses = re.split(r"(?<=[.;])\s+|(?<=,)\s+(?=then )", hint)
    kept = " ".join(clause for clause in clauses if not named.search(clause)).rstrip(" ,;.")
    return f"{kept[0].upper()}{kept[1:]}." if kept else ""
