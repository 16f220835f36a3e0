"""The model's providers, the one of `model.provider` and the fallback: is there a key, does the server take it?"""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from typing import IO, Any
from urllib.parse import urlsplit

from pithy_local.config import Settings, spoilt
from pithy_local.doctor.check import Check, Facts, TimeSample
from pithy_local.errors import PithyError
from pithy_local.redact import Redactor
from pithy_local.text import clip, safe_line

NAME, FALLBACK = "model", "fallback"
TIMEOUT = 10.0
MOST_BODY = 2_000_000
KEYS = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}
ANTHROPIC_VERSION = "2023-06-01"


@dataclass(frozen=True, kw_only=True)
class Provider:
    """One to be asked: `own` is the user's own server, "" = the provider's."""

    check: str
    name: str
    model: str
    own: str
    key: str

    @property
    def title(self) -> str:
        return f"{self.name} {self.model}" + (f" at {safe_line(self.own)}" if self.own else "")

    @property
    def ok(self) -> bool | None:
        """What an answer that is not good is worth: without a fallback all works until the first provider fails."""
        return False if self.check == NAME else None

    def models_url(self) -> str:
        """Where its models are listed: asking costs nothing."""
        if self.name == "anthropic":
            return f"{(self.own or 'https://api.anthropic.com').rstrip('/')}/v1/models?limit=1000"
        return f"{(self.own or 'https://api.openai.com/v1').rstrip('/')}/models"

    def headers(self) -> dict[str, str]:
        headers = {"accept": "application/json", "user-agent": "pithy-local"}
        if self.name == "anthropic":
            headers["anthropic-version"] = ANTHROPIC_VERSION
        if self.key:
            headers |= {"x-api-key": self.key} if self.name == "anthropic" else {"authorization": f"Bearer {self.key}"}
        return headers


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def check_models(facts: Facts, samples: list[TimeSample]) -> Iterator[Check]:
    """`samples` gets the clocks of those who answer."""
    settings = facts.settings
    if settings.model.provider == "scripted":
        yield _scripted(settings.model.scripted.file)
    else:
        yield _check(_provider(NAME, settings, facts, settings.model.provider, settings.model_name()), facts, samples)
    if settings.model.fallback:
        provider, _, model = settings.model.fallback.partition(":")
        yield _check(_provider(FALLBACK, settings, facts, provider, model), facts, samples)


def _provider(check: str, settings: Settings, facts: Facts, name: str, model: str) -> Provider:
    own = settings.model.anthropic.base_url if name == "anthropic" else settings.model.openai.base_url
    return Provider(check=check, name=name, model=model, own=own, key=facts.secrets.api_key(name))


def _check(provider: Provider, facts: Facts, samples: list[TimeSample]) -> Check:
    if not provider.key and not provider.own:
        setting = f"`model.{provider.name}.base_url`"
        fix = f"Set {KEYS[provider.name]}, or {setting} to a server of your own. `pithy-local demo` needs neither."
        message = f"{provider.title}: there is no {KEYS[provider.name]}"
        return Check(name=provider.check, ok=provider.ok, message=message, fix=fix)
    if wrong := spoilt(KEYS[provider.name], provider.key):
        message = f"{provider.title}: {wrong.message}"
        return Check(name=provider.check, ok=provider.ok, message=message, fix=wrong.hint)
    try:
        answer = _ask(provider)
    except (OSError, HTTPException, ValueError) as error:
        said = clip(safe_line(Redactor([provider.key]).mask(str(getattr(error, "reason", error)))), 200)
        fix = f"Start the server, or correct `model.{provider.name}.base_url` ({provider.name.upper()}_BASE_URL)."
        if not provider.own:
            fix = "Check the network, your proxy and its certificates: tasks fail until it answers."
        return Check(name=provider.check, ok=None, message=f"{provider.title}: no answer: {said}", fix=fix)
    date = _date_ms(answer)
    if date is not None:
        samples.append(TimeSample(whose=f"the server of {provider.name}", ahead_ms=facts.clock.now_ms() - date))
    return judged(provider, answer)


def judged(provider: Provider, answer: Answer) -> Check:
    """What the list of models, or its refusal, says."""
    if answer.status in (401, 403):
        message = f"{provider.title}: the key is refused (HTTP {answer.status})"
        return Check(name=provider.check, ok=provider.ok, message=message, fix=f"Correct {KEYS[provider.name]}.")
    if answer.status in (404, 405, 501):  # a server that lists none
        return Check(name=provider.check, ok=True, message=f"{provider.title}: answers")
    if answer.status != 200:
        fix = "Try again later; `model.fallback` names a second provider for such times."
        message = f"{provider.title}: answers HTTP {answer.status}"
        return Check(name=provider.check, ok=None, message=message, fix=fix)
    known = _models(answer.body)
    if known and provider.model not in known and provider.model not in {name.split(":")[0] for name in known}:
        fix = f"It lists, for example, {safe_line(', '.join(sorted(known)[:3]))}: correct the model's name."
        message = f"{provider.title}: answers, but does not list this model"
        return Check(name=provider.check, ok=None, message=message, fix=clip(fix, 300))
    message = f"{provider.title}: answers" + (", takes the key" if provider.key else "")
    return Check(name=provider.check, ok=True, message=message)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The key goes where it was meant to go, and nowhere else."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        return None


def _ask(provider: Provider) -> Answer:
    """GET the list of models, through the proxy and with the certificates of the environment, as the gateway does.

    Raises OSError, HTTPException, ValueError.
    """
    url = provider.models_url()
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError("the base URL is not http:// or https://")
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.HTTPSHandler(context=ssl.create_default_context()))
    request = urllib.request.Request(url, headers=provider.headers())
    try:
        with opener.open(request, timeout=TIMEOUT) as response:
            return Answer(status=response.status, headers=_lower(response.headers), body=response.read(MOST_BODY))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(status=error.code, headers=_lower(error.headers), body=b"")


def _models(body: bytes) -> set[str]:
    """The names in a list of models; empty for anything else, and for one that has further pages."""
    try:
        data: Any = json.loads(body)
        return set() if data.get("has_more") else {str(model["id"]) for model in data["data"]}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return set()


def _date_ms(answer: Answer) -> int | None:
    from pithy_local.forge.github_headers import date_ms

    return date_ms(answer.headers)


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _scripted(file: str) -> Check:
    from pithy_local.lifecycle.job_spec import REPLIES_HINT, read_replies

    if not file:
        return Check(name=NAME, ok=False, message="scripted: no file of replies is set", fix=REPLIES_HINT)
    try:
        count = len(read_replies(file))
    except PithyError as error:
        return Check(name=NAME, ok=False, message=error.message, fix=REPLIES_HINT)
    return Check(name=NAME, ok=True, message=f"scripted: {count} replies in {file}")
