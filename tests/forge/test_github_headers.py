"""What GitHub says in headers, and what is made of headers that make no sense."""

from __future__ import annotations

import pytest

from pithy_local.forge.github_headers import SECONDARY_WAIT, date_ms, expiry_ms, retry_after, scopes

EXPIRY = "github-authentication-token-expiration"


@pytest.mark.parametrize(
    ("listed", "names"),
    [("repo, workflow", ("repo", "workflow")), ("", ()), (" , repo,", ("repo",)), ("a\x1b[2J", ("a",)), (None, None)],
)
def test_scopes(listed: str | None, names: tuple[str, ...] | None) -> None:
    assert scopes({} if listed is None else {"x-oauth-scopes": listed}) == names


def test_scopes_are_bounded() -> None:
    listed = scopes({"x-oauth-scopes": ",".join(["x" * 500] * 500)})
    assert listed is not None
    assert (len(listed), len(listed[0])) == (50, 100)


@pytest.mark.parametrize(
    ("told", "ms"),
    [
        ("2026-12-31 23:59:59 UTC", 1_798_761_599_000), ("2027-01-01 01:59:59 +0200", 1_798_761_599_000),
        ("", None), ("soon", None), ("2026-12-31 23:59:59", None),
    ],
)  # fmt: skip
def test_the_end_of_a_token(told: str, ms: int | None) -> None:
    assert expiry_ms({EXPIRY: told}) == ms


@pytest.mark.parametrize(
    ("told", "ms"),
    [
        ("Thu, 31 Dec 2026 23:59:59 GMT", 1_798_761_599_000), ("Thu, 31 Dec 2026 23:59:59 -0000", 1_798_761_599_000),
        ("", None), ("yesterday", None), ("Thu, 99 Dec 2026 23:59:59 GMT", None),
    ],
)  # fmt: skip
def test_githubs_clock(told: str, ms: int | None) -> None:
    assert date_ms({"date": told}) == ms


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "7", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1798761600"}, 7),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1798761609"}, 11),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, 1),
        ({"x-ratelimit-remaining": "12", "x-ratelimit-reset": "1798761609"}, SECONDARY_WAIT),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "never"}, SECONDARY_WAIT),
        ({"retry-after": "Thu, 31 Dec 2026 23:59:59 GMT"}, SECONDARY_WAIT),
        ({"retry-after": "-5"}, SECONDARY_WAIT),
        ({}, SECONDARY_WAIT),
    ],
)
def test_when_to_ask_again(headers: dict[str, str], seconds: int) -> None:
    assert retry_after({"date": "Thu, 31 Dec 2026 23:59:59 GMT", **headers}) == seconds
