"""Every error a user can meet.

    PithyError            code, message, hint, detail; carries its exit code
    ├── UsageError        bad input: unknown key, empty prompt, unknown repository      exit 2
    ├── NoSuchTask        no task has that id                                           exit 5
    ├── Refused           right request, wrong moment: state, conflict                  exit 6
    └── NotThereYet       what was asked for does not exist yet                         exit 8

    LeaseLost             another owner took the task over: stop and touch nothing
    Cancelled             the user cancelled this attempt

`ErrorCode` lists the values of a task's `error.code` (CONTRACT §4) with the exit code and
the default hint of each.
"""

from __future__ import annotations

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
    """One value of `error.code`: its word, the exit code it means, and what to do about it."""

    word: str
    exit_code: ExitCode
    hint: str

    TIMEOUT = ("timeout", 1, "Give it more time with `timeout` in the configuration, or ask for less at once.")
    LLM_TIMEOUT = ("llm_timeout", 1, "The model did not answer within `model.timeout`. Try again later.")
    LLM_AUTH = ("llm_auth", 4, "Check OPENAI_API_KEY, then `pithy-local doctor`.")
    LLM_RATE_LIMIT = ("llm_rate_limit", 1, "The provider limits your rate. Try again later.")
    LLM_SERVICE = ("llm_service", 1, "The model's service failed. Check `model.openai.base_url`, or try again later.")
    TOKEN_LIMIT = ("token_limit", 1, "Raise `model.max_tokens_per_task` or ask for less at once.")
    PATCH_MALFORMED = (
        "patch_malformed",
        1,
        "`pithy-local diff ID` says where the model's answer is kept. Say more precisely what should change.",
    )
    PATCH_REJECTED = (
        "patch_rejected",
        1,
        "`pithy-local diff ID` says where the model's answer is kept. Add the task again, or say more.",
    )
    PATCH_EMPTY = ("patch_empty", 1, "The model changed nothing. Say more precisely what should change.")
    POLICY = ("policy", 1, "Look at it with `pithy-local diff ID`; protected paths are set by `git.protected`.")
    AGENT_FAILED = ("agent_failed", 1, "See `pithy-local logs ID`.")
    IMAGE_BUILD_FAILED = ("image_build_failed", 3, "See the log, mend the cause, then `pithy-local image build`.")
    REPO_UNREACHABLE = ("repo_unreachable", 2, "Check the name, the network and GITHUB_TOKEN.")
    REPO_ANALYSIS = ("repo_analysis", 1, "The repository needs a commit with text files on its base branch.")
    DOCKER_UNREACHABLE = ("docker_unreachable", 3, "Is Docker running? Try `pithy-local doctor`.")
    CONTAINER_LOST = ("container_lost", 1, "The container or its supervisor went away. Add the task again.")
    OOM = ("oom", 1, "Raise `sandbox.memory`.")
    DISK_FULL = ("disk_full", 3, "Free some disk space, then try again.")
    PUSH_REJECTED = ("push_rejected", 4, "Check your right to push to the repository, and its branch rules.")
    BRANCH_CONFLICT = ("branch_conflict", 1, "Somebody else wrote to the task's branch. Remove it, then add it anew.")
    GITHUB_AUTH = ("github_auth", 4, "Set GITHUB_TOKEN to a token that may push and open PRs, or `gh auth login`.")
    GITHUB_RATE_LIMIT = ("github_rate_limit", 1, "GitHub limits your rate. Try again later.")
    GITHUB_ERROR = ("github_error", 1, "GitHub failed. Try again later.")
    INTERNAL = ("internal", 1, "This is a bug in pithy-local. Please report it with `pithy-local logs ID`.")
    # answers to a request, never a task's state
    USAGE = ("usage", 2, "See `pithy-local --help`.")
    CONFIG = ("config", 2, "config.example.toml lists every key with its values.")
    NO_SUCH_TASK = ("no_such_task", 5, "`pithy-local list --all` shows every task.")
    REFUSED = ("refused", 6, "`pithy-local show ID` says what state the task is in.")
    NOT_THERE_YET = ("not_there_yet", 8, "`pithy-local wait ID` waits until the task has settled.")
    GIT_MISSING = ("git_missing", 3, "Install git 2.31 or newer.")
    STORE = ("store", 3, "Set PITHY_HOME or --home to a folder on a local disk that you may write to.")

    def __init__(self, word: str, exit_code: int, hint: str) -> None:
        self.word = word
        self.exit_code = ExitCode(exit_code)
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

    def to_json(self) -> dict[str, Any]:
        """The error as the contract's object: code, message, hint, detail."""
        return {"code": self.code.word, "message": self.message, "hint": self.hint, "detail": self.detail}


class UsageError(PithyError):
    """The input cannot be used."""

    default = ErrorCode.USAGE

    def __init__(self, message: str, *, hint: str | None = None, code: ErrorCode | None = None) -> None:
        super().__init__(code, message, hint=hint)


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


class Cancelled(Exception):
    """The user asked for this attempt to stop."""
