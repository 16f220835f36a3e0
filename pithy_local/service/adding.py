"""`add`: what was asked for becomes one row, or is refused before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from pithy_local.config import ExecutorName, ProviderName, Publish, spoilt
from pithy_local.errors import ErrorCode, ExitCode, PithyError, Refused, UsageError
from pithy_local.models import MOST_PRIORITY, MOST_TOKENS, NewTask, Task
from pithy_local.service.app import App
from pithy_local.service.holding import explain_pause, paused
from pithy_local.service.reading import find
from pithy_local.service.times import start_time
from pithy_local.service.words import command_text, key_text, mask, prompt_text
from pithy_local.store.tasks import KeyTaken, Tasks
from pithy_local.text import clip, safe_line

if TYPE_CHECKING:  # heavy: other verbs must not pay for it
    from pithy_local.forge.base import Forge
    from pithy_local.git.remote import Remote

MAX_TITLE = 72
MODEL_CHARS = 200
KEY_VARIABLES = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}


@dataclass(frozen=True, kw_only=True)
class AddRequest:
    """What the user asked for, as typed; None = the configuration's or the repository's default.

    `verify`: commands that must pass, () = the configured ones. `publish`: auto | review. `after`: the id, or a unique
    prefix of it, of the task that must complete first. `at`: when to start, as `times.start_time` reads it.
    `idempotency_key`: a request with one that was used before adds nothing. `from_here`: whether who asks shares this
    process' working directory, from which a path of `repo` may be written.
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
    after: str | None = None
    at: str | None = None
    idempotency_key: str | None = None
    from_here: bool = True


@dataclass(frozen=True, kw_only=True)
class Added:
    """The task, and what the user should know about it. `created` False: an earlier request with the same idempotency
    key added it."""

    task: Task
    created: bool = True
    warnings: tuple[str, ...] = ()


def add(app: App, request: AddRequest) -> Added:
    """Validate, then write one row `queued`; nothing is written and no token spent on bad input.

    Raises UsageError, NoSuchTask (`after`), Refused (real provider without isolation, an idempotency key that was used
    for something else, a task to start after that has failed), PithyError(llm_auth, github_auth, repo_unreachable).
    Where one field of the request is wrong, `detail["field"]` names it.
    """
    with _about("prompt"):
        prompt = prompt_text(app, request.prompt, "prompt")
    if request.idempotency_key is not None and (known := _known(app, request, prompt)):
        return known
    new, warnings = _checked(app, request, prompt)
    try:
        with _about("after"):
            task = Tasks(app.store).insert(new)
    except KeyTaken:
        if known := _known(app, request, prompt):
            return known
        raise
    return Added(task=task, warnings=(*warnings, *_fallback_warning(app, new.provider), *_pause_warning(app)))


def _checked(app: App, request: AddRequest, prompt: str) -> tuple[NewTask, tuple[str, ...]]:
    """The row to write, and warnings."""
    _check_values(request)
    with _about("verify"):
        verify = tuple(command_text(app, command) for command in request.verify)
    settings = app.settings
    executor = request.executor or settings.executor
    provider = request.provider or settings.model.provider
    with _about("at"):
        not_before = start_time(request.at, app.clock.now_ms()) if request.at is not None else 0
    with _about("after"):
        after = find(app, request.after).id if request.after is not None else None
    with _about("executor"):
        _check_isolation(app, executor, provider, request.unisolated)
    _check_provider(app, provider)
    model = _model(settings.model_name(provider, request.model))
    with _about("repo"):
        remote, warnings = check_repository(app, request.repo, request.base, from_here=request.from_here)
    return NewTask(
        title=title_of(mask(app, request.title) if request.title else prompt), prompt=prompt, repo=remote.display,
        base=request.base, executor=executor, provider=provider, model=model,
        branch_prefix=_branch_prefix(settings.git.branch_prefix), publish=request.publish or settings.publish,
        verify=verify, priority=request.priority, max_tokens=request.max_tokens, unisolated=request.unisolated,
        after=after, not_before=not_before, idempotency_key=request.idempotency_key,
    ), warnings  # fmt: skip


@contextmanager
def _about(field: str) -> Iterator[None]:
    """What is refused in here is refused for this field of the request, unless the error names another one or the
    environment is at fault."""
    try:
        yield
    except PithyError as error:
        if error.exit_code is not ExitCode.ENVIRONMENT:
            error.detail.setdefault("field", field)
        raise


def _check_values(request: AddRequest) -> None:
    """What no default stands for is one of a few words, or a number the store can hold."""
    words = (
        ("executor", request.executor, get_args(ExecutorName)),
        ("provider", request.provider, get_args(ProviderName)),
        ("publish", request.publish, get_args(Publish)),
    )
    for field, word, known in words:
        if word is not None and word not in known:
            hint = f"It is one of: {', '.join(known)}."
            raise UsageError(f"there is no {field} `{clip(word, 40)}`", hint=hint, field=field)
    ranges = (
        ("priority", request.priority, -MOST_PRIORITY, MOST_PRIORITY),
        ("max_tokens", request.max_tokens, 1, MOST_TOKENS),
    )
    for field, number, least, most in ranges:
        if number is not None and not least <= number <= most:
            hint = f"It is a number from {least} to {most}."
            raise UsageError(f"{field} is out of range: {clip(str(number), 40)}", hint=hint, field=field)


def _known(app: App, request: AddRequest, prompt: str) -> Added | None:
    """What an earlier request with this idempotency key added; None where there was none.

    Raises UsageError for a key that is none, Refused where that request had another prompt or repository.
    """
    from pithy_local.git.remote import parse_repo

    task = Tasks(app.store).with_key(key_text(app, request.idempotency_key or ""))
    if task is None:
        return None
    repo = parse_repo(request.repo, api_url=app.settings.github.api_url, from_here=request.from_here).display
    if (task.prompt, task.repo) != (prompt, repo):
        raise Refused(
            f"this idempotency key belongs to task {task.id}, which has another prompt or repository",
            hint="Use a key once for each task.",
        )
    return Added(task=task, created=False)


def title_of(text: str) -> str:
    """The first line, cut at 72 characters (docs/contract.md §4)."""
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


def _model(name: str) -> str:
    """A model's name. Raises UsageError for what a provider would refuse only after a sandbox was made."""
    if len(name) > MODEL_CHARS or not name.isprintable() or name != name.strip():
        hint = f"Write it as the provider does, `gpt-4o` for example; at most {MODEL_CHARS} characters."
        raise UsageError(f"`{clip(safe_line(name), 40)}` is no model's name", hint=hint, field="model")
    return name


def _check_provider(app: App, provider: str) -> None:
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


def check_repository(
    app: App, repo: str, base: str | None, *, from_here: bool = True
) -> tuple[Remote, tuple[str, ...]]:  # fmt: skip
    """What the user named, if it exists and may be pushed to; offline or a 5xx is a warning. `from_here`: see
    `AddRequest`."""
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
        ).check(repo, base, from_here=from_here)
