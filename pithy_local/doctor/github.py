"""GitHub: where its API is, whether it takes the token, what the token may do and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pithy_local.clock import iso
from pithy_local.config import spoilt
from pithy_local.doctor.check import Check, Facts, TimeSample, failed
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.text import safe_line

if TYPE_CHECKING:
    from pithy_local.forge.base import Account

NAME = "github"
DAY_MS = 86_400_000
SOON_DAYS = 7
ENOUGH = {"repo", "public_repo"}
CLASSIC = ("ghp_", "gho_", "ghu_")
"""Tokens of which GitHub lists what they may do; an empty list then means nothing at all."""
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
NEW_TOKEN = "Make a new token, with the scope `repo`, or fine-grained with Contents and Pull requests: write."


def check_github(facts: Facts, samples: list[TimeSample]) -> Iterator[Check]:
    """Offline is a warning, and so is no token: local paths need none. `samples` gets GitHub's clock."""
    from pithy_local.forge.github import GitHubForge

    url = facts.settings.github.api_url
    wrong = wrong_url(url)
    if wrong is not None:
        yield wrong
        return
    token = facts.secrets.github_token
    if not token:
        fix = "Set GITHUB_TOKEN, or `gh auth login`. Local repositories need none."
        yield Check(name=NAME, ok=None, message="there is no GitHub token: no pull requests", fix=fix)
        return
    if unusable := spoilt("GITHUB_TOKEN", token):
        yield failed(NAME, unusable)
        return
    try:
        with closing(GitHubForge(api_url=url, token=token, rate_limit_wait=0.0, waits=(0.1,))) as forge:
            account = forge.account()
    except PithyError as error:
        yield _untried(error)
        return
    now = facts.clock.now_ms()
    if account.date is not None:
        samples.append(TimeSample(whose="GitHub", ahead_ms=now - account.date))
    yield judged(account, token, url, now)


def wrong_url(url: str) -> Check | None:
    """What can be no API: GitHub's web site, an Enterprise server without the API's path, a token sent in the clear."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", parts.path.rstrip("/")
    if host in LOOPBACK:
        return None
    fix = ""
    if host in ("github.com", "www.github.com"):
        fix = "https://api.github.com"
    elif not host.startswith("api.") and not path.endswith("/api/v3"):
        fix = f"https://{host}/api/v3 (GitHub Enterprise Server)"
    elif parts.scheme != "https":
        fix = f"https://{parts.netloc}{path}: the token would be sent in the clear"
    if not fix:
        return None
    message = f"{safe_line(url)} is not where GitHub's API is"
    return Check(name=NAME, ok=False, message=message, fix=f"Set `github.api_url` (GITHUB_API_URL) to {fix}.")


def judged(account: Account, token: str, url: str, now_ms: int) -> Check:
    """A token that GitHub takes: is it enough, and for how long?"""
    whose = f"{safe_line(url)} takes the token of {account.login}"
    scopes = account.scopes
    if scopes is not None and not ENOUGH.intersection(scopes) and (scopes or token.startswith(CLASSIC)):
        message = f"{whose}, but it may not push (scopes: {', '.join(scopes) or 'none'})"
        return Check(name=NAME, ok=False, message=message, fix=NEW_TOKEN)
    if not scopes:
        may = "GitHub does not list what it may do: it needs Contents and Pull requests, both write"
    elif "repo" in scopes:
        may = "it may push (scope repo)"
    else:
        may = "it may push to public repositories alone (scope public_repo)"
    if account.expires is None:
        return Check(name=NAME, ok=True, message=f"{whose}; {may}")
    ends = (iso(account.expires) or "")[:10]
    if account.expires - now_ms < SOON_DAYS * DAY_MS:
        return Check(name=NAME, ok=None, message=f"{whose}; {may}; it ends on {ends}", fix=NEW_TOKEN)
    return Check(name=NAME, ok=True, message=f"{whose}; {may}; it is good until {ends}")


def _untried(error: PithyError) -> Check:
    status = error.detail.get("http_status")
    if error.code is ErrorCode.GITHUB_AUTH and status == 401:
        return Check(name=NAME, ok=False, message=error.message, fix=error.hint)
    fix = "Check `github.api_url` (GITHUB_API_URL), the network and your proxy. Local repositories need none of it."
    return Check(name=NAME, ok=None, message=f"the token could not be tried: {error.message}", fix=fix)
