"""Keys and servers of models, against servers on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from pithy_local.config import DEFAULT_MODELS
from pithy_local.doctor.check import Check, TimeSample
from pithy_local.doctor.model import check_models
from tests.doctor.conftest import MakeApp
from tests.fakes.loopback import Exchange, LoopbackServer
from tests.fakes.model import FakeModel

KEY = "sk-test-key"
OPENAI = '[model]\nprovider = "openai"\n'
ANTHROPIC = '[model]\nprovider = "anthropic"\n'


class Server(LoopbackServer):
    """Answers every request alike, and remembers the headers it was sent."""

    def __init__(self, status: int, body: object = None, headers: dict[str, str] | None = None) -> None:
        super().__init__()
        self._answer = status, json.dumps(body).encode(), headers or {}
        self.seen: list[dict[str, str]] = []

    def serve(self, exchange: Exchange) -> None:
        self.seen.append(dict(exchange.request.headers))
        exchange.send(*self._answer)


@pytest.fixture
def model() -> Iterator[FakeModel]:
    with FakeModel(models=tuple(DEFAULT_MODELS.values())) as fake:
        yield fake


def checks(make_app: MakeApp, config: str = OPENAI, **env: str) -> list[Check]:
    found = list(check_models(make_app(config, **env), []))
    assert not any(env.get(f"{name}_API_KEY", KEY) in check.message + check.fix for name in ("OPENAI", "ANTHROPIC")
                   for check in found)  # fmt: skip
    return found


@pytest.mark.parametrize(
    ("config", "key"), [(OPENAI, "OPENAI_API_KEY"), (ANTHROPIC, "ANTHROPIC_API_KEY")]
)  # fmt: skip
def test_a_missing_key_fails_and_names_the_variable(make_app: MakeApp, config: str, key: str) -> None:
    (found,) = checks(make_app, config)
    assert (found.name, found.ok, key in found.fix) == ("model", False, True)


def test_openai_takes_the_key(make_app: MakeApp, model: FakeModel) -> None:
    (found,) = checks(make_app, OPENAI_API_KEY=KEY, OPENAI_BASE_URL=model.base_url)
    assert (found.ok, found.message) == (True, f"openai gpt-4o at {model.base_url}: answers, takes the key")
    assert model.violations == []


def test_anthropic_takes_the_key(make_app: MakeApp, model: FakeModel) -> None:
    (found,) = checks(make_app, ANTHROPIC, ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL=model.anthropic_url)
    assert (found.ok, "takes the key" in found.message) == (True, True)
    assert model.violations == []


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_key_that_is_refused_fails(make_app: MakeApp, model: FakeModel, provider: str) -> None:
    name = provider.upper()
    url = model.base_url if provider == "openai" else model.anthropic_url
    env = {f"{name}_API_KEY": "sk-wrong-key", f"{name}_BASE_URL": url}
    (found,) = checks(make_app, f'[model]\nprovider = "{provider}"\n', **env)
    assert (found.ok, f"{name}_API_KEY" in found.fix) == (False, True)


def test_a_model_that_the_server_does_not_list_is_a_warning(make_app: MakeApp, model: FakeModel) -> None:
    (found,) = checks(make_app, OPENAI_API_KEY=KEY, OPENAI_BASE_URL=model.base_url, MODEL_NAME="gpt-400")
    assert (found.ok, "gpt-4o" in found.fix) == (None, True)


@pytest.mark.parametrize(
    ("status", "body", "ok"),
    [
        (200, {"data": [{"id": "llama3:latest"}]}, True),
        (200, {"data": [{"id": "other"}], "has_more": True}, True),
        (200, ["nonsense"], True),
        (404, None, True),
        (503, None, None),
        (500, None, None),
    ],
)
def test_a_server_of_ones_own_needs_no_key(make_app: MakeApp, status: int, body: object, ok: bool | None) -> None:
    with Server(status, body) as server:
        (found,) = checks(make_app, OPENAI_BASE_URL=f"{server.url}/v1", MODEL_NAME="llama3")
    assert (found.ok, bool(found.fix)) == (ok, ok is not True)


def test_a_server_that_does_not_answer_is_a_warning(make_app: MakeApp) -> None:
    (found,) = checks(make_app, OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    assert (found.ok, "Connection refused" in found.message, "OPENAI_BASE_URL" in found.fix) == (None, True, True)


def test_the_key_follows_no_redirect(make_app: MakeApp) -> None:
    with Server(200) as elsewhere, Server(302, headers={"Location": f"{elsewhere.url}/steal"}) as server:
        (found,) = checks(make_app, OPENAI_API_KEY=KEY, OPENAI_BASE_URL=f"{server.url}/v1")
        assert elsewhere.seen == []
        assert server.seen[0]["authorization"] == f"Bearer {KEY}"
    assert (found.ok, "HTTP 302" in found.message) == (None, True)


def test_a_key_that_is_no_header_fails_and_is_not_shown(make_app: MakeApp) -> None:
    (found,) = checks(make_app, OPENAI_API_KEY="canary-key\r\nX: y", OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    assert (found.ok, "OPENAI_API_KEY holds" in found.message, bool(found.fix)) == (False, True, True)
    assert "canary" not in found.message + found.fix


def test_a_fallback_without_a_key_is_a_warning(make_app: MakeApp, model: FakeModel) -> None:
    config = OPENAI + 'fallback = "anthropic:claude-sonnet-4-5"\n'
    first, second = checks(make_app, config, OPENAI_API_KEY=KEY, OPENAI_BASE_URL=model.base_url)
    assert (first.name, first.ok) == ("model", True)
    assert (second.name, second.ok, "ANTHROPIC_API_KEY" in second.fix) == ("fallback", None, True)


def test_the_servers_clock_is_noted(make_app: MakeApp) -> None:
    samples: list[TimeSample] = []
    with Server(200, headers={"Date": "Thu, 01 Jan 2026 00:00:00 GMT"}) as server:
        list(check_models(make_app(OPENAI, OPENAI_BASE_URL=f"{server.url}/v1"), samples))
    (sample,) = samples
    assert sample.ahead_ms > 86_400_000
