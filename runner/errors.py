"""Everything that can go wrong in here, as one tree; `code` is the `error.code` that the host's contract lists.

RunnerError                internal
├── JobError               internal         job.json is missing something, or is of another version
├── WireError              internal         the host's report service cannot be reached or refuses an event
├── GitError               internal         git failed where it has no reason to
├── RepoAnalysisError      repo_analysis    nothing in the repository that a model could work on
├── AgentError             agent_failed     the loop cannot go on
├── PatchRefused           patch_malformed | patch_rejected    the answer cannot become a change
├── PatchEmpty             patch_empty      the answer applied and changed nothing
└── ProviderError          llm_auth | llm_rate_limit | llm_service | llm_timeout | token_limit
"""

from __future__ import annotations

from typing import ClassVar, Literal

PatchCode = Literal["patch_malformed", "patch_rejected"]
ProviderCode = Literal["llm_auth", "llm_rate_limit", "llm_service", "llm_timeout", "token_limit"]


class RunnerError(Exception):
    """Something in the sandbox's half failed; `message` is one or more lines for people, `detail` is for logs."""

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


class AgentError(RunnerError):
    """The loop cannot go on."""

    default_code = "agent_failed"


class PatchRefused(RunnerError):
    """The model's answer cannot become a change; nothing in the work tree was touched.

    `paths` are the files the answer meant, as far as they could be read from it.
    """

    def __init__(self, code: PatchCode, message: str, *, paths: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.paths = paths


class PatchEmpty(RunnerError):
    """The answer applied, and the work tree is what it was."""

    default_code = "patch_empty"


class ProviderError(RunnerError):
    """The model could not be asked, or did not answer."""

    def __init__(self, code: ProviderCode, message: str, *, detail: dict[str, str | int] | None = None) -> None:
        super().__init__(message, detail=detail)
        self.code = code
