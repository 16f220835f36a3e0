"""The Standard Webhooks scheme, held against the scheme's own library."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from pithy_local.http.rate import PEERS, RateLimit
from pithy_local.http.signature import TOLERANCE_SECONDS, Unsigned, read_stamp, verify

NOW = 1_800_000_000
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(b"another secret of 24 b!!").decode()
ID, BODY = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", b'{"type": "task.completed"}'


def sign(secret: str = SECRET, body: bytes = BODY, at: int = NOW, webhook_id: str = ID) -> str:
    """What the scheme's own library says."""
    return str(Webhook(secret).sign(webhook_id, datetime.fromtimestamp(at, UTC), body.decode()))


def headers(signature: str, at: object = NOW, webhook_id: str = ID) -> list[tuple[bytes, bytes]]:
    return [
        (b"webhook-id", webhook_id.encode()), (b"webhook-timestamp", str(at).encode()),
        (b"webhook-signature", signature.encode()), (b"host", b"x"),
    ]  # fmt: skip


def check(found: list[tuple[bytes, bytes]], body: bytes = BODY, secrets: tuple[str, ...] = (SECRET,)) -> str:
    """The reason for which it is refused, "" for none."""
    try:
        verify(read_stamp(found, NOW), body, secrets)
    except Unsigned as error:
        return error.reason
    return ""


@given(body=st.text().map(str.encode), webhook_id=st.text("abc_123", min_size=1, max_size=30))
def test_what_the_schemes_library_signs_is_taken(body: bytes, webhook_id: str) -> None:
    assert check(headers(sign(body=body, webhook_id=webhook_id), webhook_id=webhook_id), body) == ""


@given(position=st.integers(0, len(BODY) - 1), bit=st.integers(0, 7))
def test_one_changed_bit_is_refused(position: int, bit: int) -> None:
    changed = bytearray(BODY)
    changed[position] ^= 1 << bit

    assert check(headers(sign()), bytes(changed)) == "signature"


def test_a_secret_that_is_plain_text_is_taken_as_it_is() -> None:
    plain = "a plain secret"
    encoded = "whsec_" + base64.b64encode(plain.encode()).decode()

    assert check(headers(sign(encoded)), secrets=(plain,)) == ""


@pytest.mark.parametrize("off", [0, TOLERANCE_SECONDS, -TOLERANCE_SECONDS])
def test_five_minutes_are_tolerated(off: int) -> None:
    assert check(headers(sign(at=NOW + off), at=NOW + off)) == ""


@pytest.mark.parametrize("off", [TOLERANCE_SECONDS + 1, -TOLERANCE_SECONDS - 1, 10**9])
def test_more_is_refused(off: int) -> None:
    assert check(headers(sign(at=NOW + off), at=NOW + off)) == "timestamp"


@pytest.mark.parametrize("at", ["", "soon", "-1", "1e9", "٣", "9" * 16, f" {NOW}x"])
def test_a_time_that_is_none_is_refused(at: str) -> None:
    assert check(headers(sign(), at=at)) in ("timestamp", "header")


def test_several_signatures_and_secrets_one_of_each_must_fit() -> None:
    both = f"{sign(OTHER)} {sign()} v1a,xyz"

    assert check(headers(both)) == ""
    assert check(headers(sign()), secrets=(OTHER, SECRET)) == ""
    assert check(headers(sign(OTHER)), secrets=(SECRET,)) == "signature"


@pytest.mark.parametrize("signature", ["", "v1,", "v1", "v2,{good}", "v1,{good}x", "{good}", "v1,\x7f", "v1,AAAA"])
def test_what_is_no_signature_is_refused(signature: str) -> None:
    good = sign().removeprefix("v1,")

    assert check(headers(signature.format(good=good))) == "signature"


@pytest.mark.parametrize("name", [b"webhook-id", b"webhook-timestamp", b"webhook-signature"])
def test_each_header_is_there_once(name: bytes) -> None:
    whole = headers(sign())
    [one] = [pair for pair in whole if pair[0] == name]

    assert check([pair for pair in whole if pair[0] != name]) == "header"
    assert check([*whole, one]) == "header"


@pytest.mark.parametrize("webhook_id", ["", "x" * 201, "a\x01b", "ä"])
def test_an_id_that_cannot_be_kept_is_refused(webhook_id: str) -> None:
    assert check(headers(sign(webhook_id="x"), webhook_id=webhook_id)) == "header"


def test_without_a_secret_nothing_is_taken() -> None:
    assert check(headers(sign()), secrets=()) == "no_secret"


class Now:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_burst_passes_and_then_the_rate() -> None:
    now = Now()
    limit = RateLimit("60/minute", now)

    first = [limit.wait("a") for _ in range(100)]
    now.seconds += 2.5
    later = [limit.wait("a") for _ in range(5)]

    assert first == [0] * 60 + [1] * 40
    assert later == [0, 0, 1, 1, 1]
    assert limit.refused == 43


def test_one_address_takes_nothing_from_another() -> None:
    limit = RateLimit("1/hour", Now())

    assert [limit.wait("a"), limit.wait("b"), limit.wait("a")] == [0, 0, 3600]


def test_addresses_are_remembered_in_bounds() -> None:
    limit = RateLimit("1/hour", Now())
    for number in range(3 * PEERS):
        limit.wait(str(number))

    assert limit.wait("0") == 0
    assert limit.wait(str(3 * PEERS - 1)) == 3600
