"""Known secrets masked at the sink, in every form in which they usually travel (docs/security.md).

A second line of defence: the first is that no secret is inside a sandbox. What is masked: the secret as it is, base64
(standard and URL-safe, inside other data at any of the three shifts), URL-encoded, JSON-escaped, hex.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST = 6
"""Secrets with fewer characters are not masked: they would make holes in ordinary text."""


class Redactor:
    """Masks a fixed set of secrets in text and bytes. Without secrets it costs nothing."""

    def __init__(self, secrets: Iterable[str]) -> None:
        found: set[bytes] = set()
        for secret in secrets:
            if len(secret.strip()) >= SHORTEST:
                found |= _forms(secret.strip())
        # The longest first: an alternation takes the first that fits, and one form may begin another.
        self._forms = tuple(sorted(found, key=lambda form: (-len(form), form)))
        self._bytes = re.compile(b"|".join(map(re.escape, self._forms))) if self._forms else None
        as_text = (form.decode("utf-8", "surrogateescape") for form in self._forms)
        self._text = re.compile("|".join(map(re.escape, as_text))) if self._forms else None

    def __repr__(self) -> str:
        return "Redactor(…)"

    def mask(self, text: str) -> str:
        """`text` with `***` for every form of a secret."""
        return self._text.sub(MASK, text) if self._text else text

    def mask_bytes(self, data: bytes) -> bytes:
        """The same for bytes of any encoding that holds ASCII as it is."""
        return self._bytes.sub(MASK.encode(), data) if self._bytes else data

    def stream(self) -> RedactingStream:
        """A masker for one stream that comes in portions; a secret split over two of them is masked too."""
        return RedactingStream(self._forms, self._bytes)


class RedactingStream:
    """All that `feed` and the final `flush` return is, joined, what `mask_bytes` makes of the whole.

    Only an end of a portion that could be the beginning of a secret is held back.
    """

    def __init__(self, forms: tuple[bytes, ...], pattern: re.Pattern[bytes] | None) -> None:
        self._by_first: dict[int, list[bytes]] = {}
        for form in forms:
            self._by_first.setdefault(form[0], []).append(form)
        self._longest = len(forms[0]) if forms else 0
        self._pattern = pattern
        self._carry = b""

    def feed(self, data: bytes) -> bytes:
        if self._pattern is None:
            return data
        data = self._carry + data
        open_at = self._open_at(data)
        masked: list[bytes] = []
        position = 0
        for match in self._pattern.finditer(data):
            if match.start() >= open_at:
                break
            masked += (data[position : match.start()], MASK.encode())
            position = match.end()
        border = max(open_at, position)
        masked.append(data[position:border])
        self._carry = data[border:]
        return b"".join(masked)

    def flush(self) -> bytes:
        """What was held back, masked: nothing more will come."""
        rest, self._carry = self._carry, b""
        return self._pattern.sub(MASK.encode(), rest) if self._pattern else rest

    def _open_at(self, data: bytes) -> int:
        """The first position from which the rest of `data` is the beginning of a form, else its length."""
        for position in range(max(0, len(data) - self._longest + 1), len(data)):
            for form in self._by_first.get(data[position], ()):
                if len(form) > len(data) - position and form.startswith(data[position:]):
                    return position
        return len(data)


def _forms(secret: str) -> set[bytes]:
    """Every form of one secret, as bytes."""
    raw = secret.encode("utf-8", "surrogateescape")
    forms = {raw, raw.hex().encode(), raw.hex().upper().encode()}
    for encoded in _base64_forms(raw):
        forms |= {encoded, encoded.translate(_URL_SAFE)}
    for escaped in _escaped(raw.decode("utf-8", "replace")):
        forms.add(escaped.encode())
    return forms


_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_PERCENT = re.compile("%[0-9A-F]{2}")
_ENCODERS: tuple[Callable[[str], str], ...] = (
    quote,
    quote_plus,
    lambda text: quote(text, safe=""),
    lambda text: quote(text, safe="!'()*~"),  # JavaScript's encodeURIComponent
)


def _escaped(secret: str) -> set[str]:
    """The secret in URLs and in JSON, once and twice escaped."""
    in_urls = {encode(secret) for encode in _ENCODERS}
    in_urls |= {_PERCENT.sub(lambda found: found[0].lower(), form) for form in in_urls}
    in_json = {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    in_json |= {form.replace("/", "\\/") for form in in_json}
    in_json |= {json.dumps(form, ensure_ascii=False)[1:-1] for form in in_json}
    return in_urls | in_json


def _base64_forms(raw: bytes) -> set[bytes]:
    """Base64 of the secret alone, and the characters it alone decides at each of the three shifts within more data."""
    alone = base64.b64encode(raw)
    forms = {alone, alone.rstrip(b"=")}
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        first = -(-shift * 8 // 6)  # characters before this one hold bits of what precedes
        last = (shift + len(raw)) * 8 // 6  # this one, if the bits do not end on a border, holds bits of what follows
        forms.add(encoded[first:last])
    return forms
