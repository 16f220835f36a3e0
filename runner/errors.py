"""Everything that can go wrong in here, as one tree; `code` is the `error.code` that the host's contract lists.

RunnerError                internal
├── JobError               internal         job.json is missing something, or is of another version
├── WireError              internal         the host's report service cannot be reached or refuses an event
├── GitError               internal         git failed where it has no reason to
├── RepoAnalysisError      repo_analysis    nothing in the repository that a model could work on
├── AgentError             agent_failed     the loop cannot go on
├── Question               clarification    the model asks instead of answering
├── PatchRefused           patch_malformed | patch_rejected    the answer cannot become a change
├── PatchEmpty             patch_empty      the answer applied and changed nothing
├── SyntaxBroken           syntax           the answer applied and a file no longer parses
├── VerifyFailed           verify_failed    the answer applied and broke a command that passed on the base
└── ProviderError          llm_auth | llm_rate_limit | llm_service | llm_timeout | token_limit | budget
    └── Unreachable        llm_service
"""

from __future__ import annotations

from typing import ClassVar, Literal

PatchCode = Literal["patch_malformed", "patch_rejected"]
ProviderCode = Literal["llm_auth", "llm_rate_limit", "llm_service", "llm_timeout", "token_limit", "budget"]


class RunnerError(Exception):
    """Something in the sandbox's half failed; `message` is one or more lines for people, `detail` is for logs.

    `detail["hint"]`, where there is one, says what the user can do.
    """

    default_code: ClassVar[str] = "internal"

    def __init__(self, message: str, *, detail: dict[str, str | int] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail or {}
        self.code: str = self.default_code


class JobError(RunnerError):
    """The job file is not a job this runner understands."""


class WireError(RunnerError):
    """The host did not take an event."""


class GitError(RunnerError):
    """git failed where it has no reason to; the message carries its own words."""


class RepoAnalysisError(RunnerError):
    """The repository has nothing that a model could work on."""

    default_code = "repo_analysis"

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message, detail={"hint": hint})


class AgentError(RunnerError):
    """The loop cannot go on."""

    default_code = "agent_failed"


class Question(RunnerError):
    """The model cannot do the task without an answer of the user's; `message` is its question."""

    default_code = "clarification"


class PatchRefused(RunnerError):
    """The model's answer cannot become a change; nothing in the work tree was touched.

    `paths` are the files the answer meant, as far as they could be read from it.
    """

    code: PatchCode

    def __init__(self, code: PatchCode, message: str, *, paths: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.paths = paths


class PatchEmpty(RunnerError):
    """The answer applied, and the work tree is what it was."""

    default_code = "patch_empty"


class SyntaxBroken(RunnerError):
    """The answer applied, and files that parsed before, or are new, do not.

    `message` says where, a problem for each of `paths`.
    """

    default_code = "syntax"

    def __init__(self, message: str, *, paths: tuple[str, ...]) -> None:
        super().__init__(message)
        self.paths = paths


class VerifyFailed(RunnerError):
    """The answer applied, and a verify command that passed on the base fails; `message` tells the model how.

    `paths` are the files that the commands' output names.
    """

    default_code = "verify_failed"

    def __init__(self, message: str, *, paths: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.paths = paths


class ProviderError(RunnerError):
    """The model could not be asked, or did not answer."""

    def __init__(self, code: ProviderCode, message: str, *, detail: dict[str, str | int] | None = None) -> None:
        super().__init__(message, detail=detail)
        self.code = code


class Unreachable(ProviderError):
    """The connection to the gateway failed or broke. It answers whatever happens: its door is shut."""
