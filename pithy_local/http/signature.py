"""The signature of the Standard Webhooks scheme: HMAC-SHA256 over id, timestamp and body."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

TOLERANCE_SECONDS = 300
MAX_ID = 200
MAX_SIGNATURES = 20
PREFIX = "whsec_"


class Unsigned(Exception):
    """The request proves nothing. `reason`: one word for the audit."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """What the headers say, before anything is proven: `signatures` are of version 1, decoded."""

    id: str
    timestamp: str
    signatures: tuple[bytes, ...]


def read_stamp(headers: Sequence[tuple[bytes, bytes]], now: float) -> Stamp:
    """The three headers, each there once, sent within five minutes of `now` (seconds since 1970). Raises Unsigned."""
    webhook_id, timestamp, signatures = (
        _once(headers, name) for name in (b"webhook-id", b"webhook-timestamp", b"webhook-signature")
    )
    if not 0 < len(webhook_id) <= MAX_ID or not webhook_id.isprintable():
        raise Unsigned("header", "webhook-id is not usable")
    if not (timestamp.isdigit() and len(timestamp) <= 15):
        raise Unsigned("timestamp", "webhook-timestamp is no number of seconds")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise Unsigned("timestamp", "webhook-timestamp is more than five minutes off")
    return Stamp(id=webhook_id, timestamp=timestamp, signatures=tuple(_decoded(signatures)))


def verify(stamp: Stamp, body: bytes, secrets: Sequence[str]) -> None:
    """Raises Unsigned unless one of the signatures was made with one of the secrets. Compares in constant time."""
    if not secrets:
        raise Unsigned("no_secret", "this server has no serve.webhook_secret")
    signed = b"%b.%b.%b" % (stamp.id.encode(), stamp.timestamp.encode(), body)
    good = False
    for secret in secrets:
        expected = hmac.digest(key_of(secret), signed, hashlib.sha256)
        for given in stamp.signatures:
            good |= hmac.compare_digest(expected, given)
    if not good:
        raise Unsigned("signature", "no signature fits")


def key_of(secret: str) -> bytes:
    """The bytes of a secret: base64 after `whsec_`, else the text itself."""
    return base64.b64decode(secret.removeprefix(PREFIX)) if secret.startswith(PREFIX) else secret.encode()


def _once(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> str:
    found = [value for header, value in headers if header == name]
    if len(found) != 1:
        raise Unsigned("header", f"{name.decode()} must be there once")
    try:
        return found[0].decode("ascii")
    except UnicodeDecodeError:
        raise Unsigned("header", f"{name.decode()} is not ASCII") from None


def _decoded(header: str) -> list[bytes]:
    """Signatures of version 1, separated by spaces; others are passed over."""
    found = []
    for each in header.split(" ")[:MAX_SIGNATURES]:
        version, _, encoded = each.partition(",")
        if version == "v1":
            try:
                found.append(base64.b64decode(encoded, validate=True))
            except binascii.Error:
                pass  # proves nothing
    return found
