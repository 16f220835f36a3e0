"""`add`: what was asked for becomes one row, or is refused before anything is written."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pithy_local.config import spoilt
from pithy_local.errors import ErrorCode, PithyError, Refused, UsageError
from pithy_local.models import NewTask, Task
from pithy_local.service.app import App
from pithy_local.service.holding import explain_pause, paused
from pithy_local.service.words import command_text, mask, prompt_text
from pithy_local.store.tasks import Tasks

if TYPE_CHECKING:  # heavy: other verbs must not pay for it
    from pithy_local.forge.base import Forge
    from pithy_local.git.remote import Remote

MAX_TITLE = 72
KEY_VARIABLES = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}


@dataclass(frozen=True, kw_only=True)
class AddRequest:
    """What the user asked for, as typed; None = the configuration's or the repository's default.

    `verify`: commands that must pass, () = the configured ones. `publish`: auto | review.
    """

    prompt: str
    repo: str
    title: str | None = None
    base: str | None = None
    executor: str | None = None
    provider: str | None = None
    model: str | None = None
    publish: str | None = None
    verify: tuple[str, ...] = ()
    priority: int = 0
    max_tokens: int | None = None
    unisolated: bool = False


@dataclass(frozen=True, kw_only=True)
class Added:
    """The queued task, and what the user should know about it."""

    task: Task
    warnings: tuple[str, ...] = ()


def add(app: App, request: AddRequest) -> Added:
    """Validate, then write one row `queued`; nothing is written and no token spent on bad input.

    Raises UsageError, Refused (real provider without isolation), PithyError(llm_auth, github_auth, repo_unreachable).
    """
    prompt = prompt_text(app, request.prompt, "prompt")
    verify = tuple(command_text(app, command) for command in request.verify)
    settings = app.settings
    executor = request.executor or settings.executor
    provider = request.provider or settings.model.provider
    _check_isolation(app, executor, provider, request.unisolated)
    _check_model(app, provider)
    remote, warnings = _check_repository(app, request.repo, request.base)
    new = NewTask(
        title=title_of(mask(app, request.title) if request.title else prompt), prompt=prompt, repo=remote.display,
        base=request.base, executor=executor, provider=provider, model=settings.model_name(provider, request.model),
        branch_prefix=_branch_prefix(settings.git.branch_prefix), publish=request.publish or settings.publish,
        verify=verify, priority=request.priority, max_tokens=request.max_tokens, unisolated=request.unisolated,
    )  # fmt: skip
    task = Tasks(app.store).insert(new)
    return Added(task=task, warnings=(*warnings, *_fallback_warning(app, provider), *_pause_warning(app)))


def title_of(text: str) -> str:
    """The first line, cut at 72 characters (CONTRACT §4)."""
    line = " ".join(text.strip().split("\n")[0].split())
    return line if len(line) <= MAX_TITLE else line[: MAX_TITLE - 1].rstrip() + "…"


def _branch_prefix(prefix: str) -> str:
    return prefix if prefix.endswith(("/", "-", "_")) else prefix + "/"


def _check_isolation(app: App, executor: str, provider: str, unisolated: bool) -> None:
    """Model-written code runs on this host only when the user said so."""
    if executor == "local" and provider != "scripted" and not (unisolated or app.settings.allow_unisolated):
        raise Refused(
            "executor `local` runs model-written code on this machine without any isolation",
            hint="Use the docker executor, or say --unisolated (or `allow_unisolated = true`) if you mean it.",
        )


def _check_model(app: App, provider: str) -> None:
    """Whether the provider can be asked at all, before anything is queued for it."""
    if provider == "scripted":
        if not app.settings.model.scripted.file:
            raise UsageError(
                "provider `scripted` needs `model.scripted.file`",
                hint="A JSON array: the replies, in order.", code=ErrorCode.CONFIG,
            )  # fmt: skip
    elif missing := _missing_key(app, provider):
        raise PithyError(
            ErrorCode.LLM_AUTH, f"there is no {missing} in the environment",
            hint=f"Set {missing}, or `model.{provider}.base_url` for a server that needs none; "
            "`pithy-local doctor` checks it.",
        )  # fmt: skip
    elif wrong := spoilt(KEY_VARIABLES[provider], app.secrets.api_key(provider)):
        raise wrong


def _missing_key(app: App, provider: str) -> str | None:
    """The variable that should hold the provider's key; None where it does, or a server of the user's may need none."""
    own_server = {"openai": app.settings.model.openai.base_url, "anthropic": app.settings.model.anthropic.base_url}
    return None if app.secrets.api_key(provider) or own_server[provider] else KEY_VARIABLES[provider]


def _fallback_warning(app: App, provider: str) -> tuple[str, ...]:
    fallback = app.settings.model.fallback
    if not fallback or provider == "scripted":
        return ()
    name = fallback.partition(":")[0]
    missing, wrong = _missing_key(app, name), spoilt(KEY_VARIABLES[name], app.secrets.api_key(name))
    why = f"there is no {missing} in the environment" if missing else wrong.message if wrong else ""
    return (f"the fallback {fallback} cannot be asked: {why}",) if why else ()


def _pause_warning(app: App) -> tuple[str, ...]:
    found = paused(app)
    return (explain_pause(app, found),) if found else ()


def _check_repository(app: App, repo: str, base: str | None) -> tuple[Remote, tuple[str, ...]]:
    """What the user named, if it exists and may be pushed to; offline or a 5xx is a warning."""
    from pithy_local.lifecycle.factory import make_forge
    from pithy_local.lifecycle.repository import Repositories

    settings, secrets = app.settings, app.secrets

    def forge() -> Forge:
        """Asked for only if the repository is GitHub's."""
        if wrong := spoilt("GITHUB_TOKEN", secrets.github_token):
            raise wrong
        return opened.enter_context(closing(make_forge(settings, secrets)))

    with ExitStack() as opened:
        return Repositories(
            api_url=settings.github.api_url, token=secrets.github_token, home=app.home, forge=forge
        ).check(repo, base)
