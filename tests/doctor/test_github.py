"""The token and the API's address, against a GitHub on loopback."""

from __future__ import annotations

import pytest

from pithy_local.clock import iso
from pithy_local.doctor.check import Check, TimeSample
from pithy_local.doctor.github import check_github, wrong_url
from pithy_local.doctor.host import check_clock
from tests.doctor.conftest import MakeApp
from tests.fakes.github import FakeGitHub

TOKEN = "ghp_0123456789abcdef"
FINE = "github_pat_0123456789abcdef"


def check(make_app: MakeApp, github: FakeGitHub, token: str = TOKEN) -> Check:
    (found,) = check_github(make_app(GITHUB_API_URL=github.url, GITHUB_TOKEN=token), [])
    assert token not in found.message + found.fix
    return found


@pytest.mark.parametrize(
    ("scopes", "ok", "words"),
    [
        (("repo", "workflow"), True, "it may push (scope repo)"),
        (("public_repo",), True, "public repositories alone"),
        (("read:org", "gist"), False, "may not push (scopes: read:org, gist)"),
        ((), False, "may not push (scopes: none)"),
    ],
)
def test_the_scopes_of_a_classic_token_are_judged(
    make_app: MakeApp, scopes: tuple[str, ...], ok: bool, words: str
) -> None:
    with FakeGitHub() as github:
        github.add_token(TOKEN, scopes=scopes)
        found = check(make_app, github)
    assert (found.ok, words in found.message) == (ok, True)
    assert bool(found.fix) is not ok


def test_what_a_fine_grained_token_may_do_cannot_be_listed(make_app: MakeApp) -> None:
    with FakeGitHub() as github:
        github.add_token(FINE, scopes=None)
        found = check(make_app, github, FINE)
    assert (found.ok, "does not list" in found.message) == (True, True)


@pytest.mark.parametrize(("days", "ok", "words"), [(3, None, "it ends on"), (60, True, "it is good until")])
def test_a_token_that_ends_soon_is_a_warning(make_app: MakeApp, days: int, ok: bool | None, words: str) -> None:
    app = make_app()
    day = (iso(app.clock.now_ms() + days * 86_400_000) or "")[:10]
    with FakeGitHub() as github:
        github.add_token(TOKEN, expires=f"{day} 12:00:00 UTC")
        found = check(make_app, github)
    assert (found.ok, f"{words} {day}" in found.message) == (ok, True)


def test_a_token_that_github_refuses_fails(make_app: MakeApp) -> None:
    with FakeGitHub() as github:
        found = check(make_app, github)
    assert (found.ok, "GITHUB_TOKEN" in found.fix) == (False, True)


def test_offline_a_token_is_a_warning_with_a_fix(make_app: MakeApp) -> None:
    (found,) = check_github(make_app(GITHUB_API_URL="http://127.0.0.1:9", GITHUB_TOKEN=TOKEN), [])
    assert (found.ok, "could not be tried" in found.message, bool(found.fix)) == (None, True, True)


@pytest.mark.parametrize(("offset", "ok"), [(0.0, True), (3600.0, None), (-90.0, None)])
def test_the_clock_is_held_beside_githubs(make_app: MakeApp, offset: float, ok: bool | None) -> None:
    samples: list[TimeSample] = []
    with FakeGitHub() as github:
        github.add_token(TOKEN)
        github.clock_offset = offset
        list(check_github(make_app(GITHUB_API_URL=github.url, GITHUB_TOKEN=TOKEN), samples))
    (found,) = check_clock(samples)
    assert (found.name, found.ok, "GitHub" in found.message) == ("clock", ok, True)


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("https://github.com", "https://api.github.com"),
        ("https://ghe.example.org", "https://ghe.example.org/api/v3"),
        ("https://ghe.example.org/api", "https://ghe.example.org/api/v3"),
        ("http://ghe.example.org/api/v3", "https://ghe.example.org/api/v3"),
    ],
)
def test_an_address_that_can_be_no_api_fails_and_gets_no_token(make_app: MakeApp, url: str, right: str) -> None:
    (found,) = check_github(make_app(GITHUB_API_URL=url, GITHUB_TOKEN=TOKEN), [])
    assert (found.ok, right in found.fix) == (False, True)


@pytest.mark.parametrize(
    "url", ["https://api.github.com", "https://ghe.example.org/api/v3/", "https://api.acme.ghe.com",
            "http://127.0.0.1:8080"]
)  # fmt: skip
def test_an_address_that_can_be_one_is_asked(url: str) -> None:
    assert wrong_url(url) is None


def test_the_forge_is_asked_once(make_app: MakeApp) -> None:
    with FakeGitHub() as github:
        github.add_token(TOKEN)
        check(make_app, github)
        assert len(github.called("users/get-authenticated")) == 1


def test_a_token_that_is_no_header_fails_and_is_not_shown(make_app: MakeApp) -> None:
    with FakeGitHub() as github:
        found = check(make_app, github, "ghp canary\nX: y")
    assert (found.ok, "GITHUB_TOKEN holds" in found.message, bool(found.fix)) == (False, True, True)
    assert "canary" not in found.message + found.fix
