"""What `add` takes, what it refuses before anything is written, and what it warns of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pithy_local import service
from pithy_local.config import Secrets, Settings
from pithy_local.errors import ErrorCode, NoSuchTask, PithyError, Refused, UsageError
from pithy_local.service import AddRequest, App
from pithy_local.service.words import MAX_COMMAND_BYTES, MAX_KEY, MAX_PROMPT_BYTES
from tests.service.conftest import KEY
from tests.store.conftest import HandClock
from tests.support import make_repo


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repo(tmp_path / "repo", {"hello.txt": "hello\n"})


def with_model(app: App, *, secrets: Secrets | None = None, **model: Any) -> App:
    """The product with other settings of `[model]`, by name, and other keys."""
    settings = msgspec.convert({**msgspec.to_builtins(app.settings), "model": model}, Settings)
    return replace(app, settings=settings, secrets=app.secrets if secrets is None else secrets)


def test_what_was_asked_for_is_kept(app: App, repo: Path) -> None:
    request = AddRequest(prompt="Fix it", repo=str(repo), publish="review", verify=(" pytest -q ", "make check"))

    task = service.add(app, request).task

    assert (task.publish, task.verify_commands) == ("review", ("pytest -q", "make check"))


def test_publishing_is_configured(app: App, repo: Path) -> None:
    app = replace(app, settings=msgspec.structs.replace(app.settings, publish="review"))

    asked = service.add(app, AddRequest(prompt="Fix it", repo=str(repo))).task
    told = service.add(app, AddRequest(prompt="Fix it", repo=str(repo), publish="auto")).task

    assert (asked.publish, told.publish) == ("review", "auto")


@pytest.mark.parametrize("command", ["", " \n", "a\0b", "x" * (MAX_COMMAND_BYTES + 1)])
def test_a_verify_command_that_is_none_is_refused(app: App, repo: Path, command: str) -> None:
    with pytest.raises(UsageError, match="verify command"):
        service.add(app, AddRequest(prompt="Fix it", repo=str(repo), verify=("pytest", command)))

    assert service.list_tasks(app) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("publish", "reveiw"), ("executor", "podman"), ("provider", "acme"), ("priority", 10**20), ("priority", -(10**7)),
     ("max_tokens", 0), ("max_tokens", 10**20)],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused_by_its_name(app: App, repo: Path, field: str, value: Any) -> None:
    with pytest.raises(UsageError, match=field) as raised:
        service.add(app, AddRequest(prompt="p", repo=str(repo), **{field: value}))
    assert raised.value.detail == {"field": field}


def test_a_full_disk_is_no_fault_of_any_field(app: App, repo: Path) -> None:
    app.store.queue.write("PRAGMA max_page_count = 1")

    with pytest.raises(PithyError) as raised:
        service.add(app, AddRequest(prompt="x" * MAX_PROMPT_BYTES, repo=str(repo)))
    assert (raised.value.code, raised.value.detail) == (ErrorCode.DISK_FULL, {})


@pytest.mark.parametrize("name", [" ", "gpt-4o\n", "gpt\x1b[2J", "m" * 201, "\ud800"])
def test_a_name_that_no_model_has_is_refused(app: App, repo: Path, name: str) -> None:
    asked = with_model(app, provider="openai", base_url="http://127.0.0.1:1/v1")

    with pytest.raises(UsageError, match="is no model's name") as told:
        service.add(asked, AddRequest(prompt="Fix it", repo=str(repo), model=name))

    assert told.value.detail["field"] == "model"
    assert "\x1b" not in told.value.message
    assert service.list_tasks(app) == []


def test_a_pasted_key_is_not_stored(app: App, repo: Path) -> None:
    task = service.add(app, AddRequest(prompt=f"Use {KEY}", title=f"Title {KEY}", repo=str(repo))).task

    assert KEY not in f"{task.prompt} {task.title}"


def test_a_verify_command_with_a_key_in_it_is_refused(app: App, repo: Path) -> None:
    """Masked it would be another command."""
    with pytest.raises(UsageError, match="key or token") as refused:
        service.add(app, AddRequest(prompt="Fix it", repo=str(repo), verify=(f"curl -H {KEY} x",)))

    assert KEY not in refused.value.message + refused.value.hint
    assert service.list_tasks(app) == []


@pytest.mark.parametrize("key", ["sk-canary\nX: y", "sk canary", "sk-canary\x7f", "sk-canäry"])
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_key_that_no_header_can_hold_is_refused(app: App, repo: Path, provider: str, key: str) -> None:
    app = with_model(app, secrets=Secrets(**{f"{provider}_api_key": key}), provider=provider)

    with pytest.raises(UsageError, match=f"{provider.upper()}_API_KEY") as refused:
        service.add(app, AddRequest(prompt="Fix it", repo=str(repo)))

    assert key not in refused.value.message + refused.value.hint
    assert service.list_tasks(app) == []


def test_a_token_that_no_header_can_hold_is_refused_where_github_is_asked(app: App, repo: Path) -> None:
    app = replace(app, secrets=Secrets(openai_api_key=KEY, github_token_env="ghp canary\n2"))

    with pytest.raises(UsageError, match="GITHUB_TOKEN") as refused:
        service.add(app, AddRequest(prompt="Fix it", repo="acme/api"))

    assert "canary" not in refused.value.message + refused.value.hint
    assert service.add(app, AddRequest(prompt="Fix it", repo=str(repo))).task.repo == str(repo)


def test_the_password_of_a_notification_address_is_not_stored(app: App, repo: Path) -> None:
    notify = msgspec.structs.replace(app.settings.notify, urls=("mailto://user:hunter2secret@example.org",))
    app = replace(app, settings=msgspec.structs.replace(app.settings, notify=notify))

    task = service.add(app, AddRequest(prompt="The password is hunter2secret", repo=str(repo))).task

    assert "hunter2secret" not in task.prompt


@pytest.mark.parametrize(("provider", "variable"), [("openai", "OPENAI_API_KEY"), ("anthropic", "ANTHROPIC_API_KEY")])
def test_a_provider_without_its_key_is_refused(app: App, repo: Path, provider: str, variable: str) -> None:
    app = with_model(app, secrets=Secrets(), provider=provider)

    with pytest.raises(PithyError) as refused:
        service.add(app, AddRequest(prompt="Fix it", repo=str(repo)))

    assert refused.value.code is ErrorCode.LLM_AUTH
    assert variable in refused.value.message
    assert variable in refused.value.hint
    assert service.list_tasks(app) == []


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_server_of_ones_own_may_need_no_key(app: App, repo: Path, provider: str) -> None:
    app = with_model(app, secrets=Secrets(), provider=provider, **{provider: {"base_url": "http://127.0.0.1:9"}})

    assert service.add(app, AddRequest(prompt="Fix it", repo=str(repo))).task.provider == provider


def test_the_model_is_the_providers_own(app: App, repo: Path) -> None:
    app = replace(app, secrets=Secrets(anthropic_api_key="sk-ant-x"))

    assert service.add(app, AddRequest(prompt="x", repo=str(repo), provider="anthropic")).task.model.startswith(
        "claude"
    )


def test_a_fallback_that_cannot_be_asked_is_a_warning(app: App, repo: Path) -> None:
    app = with_model(app, fallback="anthropic:claude-x")

    warnings = service.add(app, AddRequest(prompt="Fix it", repo=str(repo))).warnings

    assert warnings == (
        "the fallback anthropic:claude-x cannot be asked: there is no ANTHROPIC_API_KEY in the environment",
    )


def test_a_fallback_whose_key_is_spoilt_is_a_warning(app: App, repo: Path) -> None:
    secrets = Secrets(openai_api_key=KEY, anthropic_api_key="sk canary")
    app = with_model(app, secrets=secrets, fallback="anthropic:claude-x")

    (warning,) = service.add(app, AddRequest(prompt="Fix it", repo=str(repo))).warnings

    assert warning.startswith("the fallback anthropic:claude-x cannot be asked: ANTHROPIC_API_KEY holds")


def test_a_fallback_with_its_key_is_none(app: App, repo: Path) -> None:
    secrets = Secrets(openai_api_key=KEY, anthropic_api_key="sk-ant-x")
    app = with_model(app, secrets=secrets, fallback="anthropic:claude-x")

    assert service.add(app, AddRequest(prompt="Fix it", repo=str(repo))).warnings == ()


def test_a_paused_queue_is_a_warning(app: App, repo: Path) -> None:
    service.pause(app)

    assert service.add(app, AddRequest(prompt="Fix it", repo=str(repo))).warnings == (
        "the queue is paused. `pithy-local resume` goes on.",
    )


def test_a_task_is_added_once_with_its_key(app: App, repo: Path) -> None:
    request = AddRequest(prompt="Fix it", repo=str(repo), idempotency_key="order-1")

    first = service.add(app, request)
    again = service.add(app, replace(request, prompt=" Fix it\n", priority=5))

    assert (first.created, again.created, again.task.id) == (True, False, first.task.id)
    assert len(service.list_tasks(app)) == 1


def test_a_known_key_is_answered_although_the_repository_is_gone(app: App, repo: Path) -> None:
    request = AddRequest(prompt="Fix it", repo=str(repo), idempotency_key="order-1")
    first = service.add(app, request)
    repo.rename(repo.parent / "elsewhere")

    assert service.add(app, request).task.id == first.task.id


@pytest.mark.parametrize("changes", [{"prompt": "Fix that"}, {"repo": "acme/api"}])
def test_a_key_of_something_else_is_refused(app: App, repo: Path, changes: dict[str, str]) -> None:
    request = AddRequest(prompt="Fix it", repo=str(repo), idempotency_key="order-1")
    first = service.add(app, request).task

    with pytest.raises(Refused, match=f"belongs to task {first.id}"):
        service.add(app, replace(request, **changes))  # type: ignore[arg-type]  # strings, both

    assert [task.id for task in service.list_tasks(app)] == [first.id]


@pytest.mark.parametrize("key", ["", " k", "k ", "a\nb", "ä", "k" * (MAX_KEY + 1), KEY])
def test_a_key_that_is_none_is_refused(app: App, repo: Path, key: str) -> None:
    with pytest.raises(UsageError, match="idempotency key") as refused:
        service.add(app, AddRequest(prompt="Fix it", repo=str(repo), idempotency_key=key))

    assert KEY not in refused.value.message
    assert service.list_tasks(app) == []


def test_the_task_to_start_after_is_found_by_a_prefix(app: App, repo: Path, clock: HandClock) -> None:
    first = service.add(app, AddRequest(prompt="First", repo=str(repo))).task
    clock.sleep(1)

    second = service.add(app, AddRequest(prompt="Second", repo=str(repo), after=first.id[:9])).task

    assert (second.after, second.blocked) == (first.id, True)


def test_a_task_to_start_after_that_is_not_there_is_an_error(app: App, repo: Path) -> None:
    with pytest.raises(NoSuchTask):
        service.add(app, AddRequest(prompt="Second", repo=str(repo), after="zzz"))

    assert service.list_tasks(app) == []


def test_a_time_to_start_is_kept(app: App, repo: Path, clock: HandClock) -> None:
    later = service.add(app, AddRequest(prompt="x", repo=str(repo), at="+2h")).task
    past = service.add(app, AddRequest(prompt="x", repo=str(repo), at="2001-01-01T00:00Z")).task

    assert (later.not_before, past.not_before) == (clock.now + 7_200_000, 0)
    with pytest.raises(UsageError, match="not a time to start at: 'soon'"):
        service.add(app, AddRequest(prompt="x", repo=str(repo), at="soon"))
