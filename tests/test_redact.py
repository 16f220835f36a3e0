"""Secrets are masked in every form in which they usually travel, and nothing else is."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pithy_local.redact import Redactor

KEY = 'sk-canary-7f3a/Q+w=="é\\9'
TOKEN = "ghp_CanaryCanaryCanaryCanaryCanary123456"
SECRETS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"], exclude_characters="*"),
                  min_size=6, max_size=40)  # fmt: skip


def encodings(secret: str) -> list[str]:
    raw = secret.encode()
    return [
        secret, raw.hex(), raw.hex().upper(), base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode(),
        base64.b64encode(raw).decode().rstrip("="), quote(secret), quote(secret, safe=""), quote_plus(secret),
        json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], json.dumps(json.dumps(secret))[3:-3],
    ]  # fmt: skip


@settings(deadline=None)
@given(SECRETS, st.binary(max_size=9), st.binary(max_size=9))
def test_no_encoded_form_survives(secret: str, before: bytes, after: bytes) -> None:
    redactor = Redactor([secret])

    for form in encodings(secret):
        assert form not in redactor.mask(f"x {form} y")
        assert form.encode() not in redactor.mask_bytes(before + form.encode() + after)


@settings(deadline=None)
@given(st.binary(max_size=30), st.binary(max_size=30))
def test_base64_of_more_than_the_secret_gives_nothing_of_it_away(before: bytes, after: bytes) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        masked = Redactor([TOKEN]).mask(encode(before + TOKEN.encode() + after).decode())

        assert "***" in masked
        assert len(masked) <= len(encode(before)) + len(encode(after)) + len("***") + 4


@settings(deadline=None)
@given(st.text())
def test_text_without_a_secret_is_unchanged(text: str) -> None:
    assert Redactor([TOKEN, KEY]).mask(text) == text


@settings(deadline=None)
@given(st.lists(st.sampled_from([TOKEN, KEY, *encodings(KEY), *encodings(TOKEN), TOKEN[:9], "sk-", "\n", "text", "*"])),
       st.data())  # fmt: skip
def test_a_stream_in_portions_is_masked_like_the_whole(parts: list[str], data: st.DataObject) -> None:
    redactor = Redactor([TOKEN, KEY, TOKEN[:8]])
    whole = "".join(parts).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    stream = redactor.stream()

    masked = [stream.feed(whole[start:end]) for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]

    assert b"".join(masked) + stream.flush() == redactor.mask_bytes(whole)


def test_a_stream_holds_back_only_what_may_become_a_secret() -> None:
    stream = Redactor([TOKEN]).stream()

    assert stream.feed(b"progress 10%") == b"progress 10%"
    assert stream.feed(b" token: ghp_Canary") == b" token: "
    assert stream.feed(b" no, not it") == b"ghp_Canary no, not it"


def test_the_longer_of_two_secrets_is_masked_whole() -> None:
    assert Redactor(["secret", "secret-and-more"]).mask("a secret-and-more b secret") == "a *** b ***"


def test_surrounding_white_space_of_a_secret_does_not_count() -> None:
    assert Redactor([f" {TOKEN}\n"]).mask(f"[{TOKEN}]") == "[***]"


@pytest.mark.parametrize("secrets", [[], [""], ["short"], ["  abc  "]])
def test_nothing_is_masked_for_no_or_too_short_secrets(secrets: list[str]) -> None:
    redactor = Redactor(secrets)

    assert redactor.mask("short abc") == "short abc"
    assert redactor.mask_bytes(b"short abc") == b"short abc"
    assert redactor.stream().feed(b"short abc") == b"short abc"


def test_a_redactor_shows_no_secret() -> None:
    assert TOKEN not in repr(Redactor([TOKEN]))
