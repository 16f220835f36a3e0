"""Keys and tokens that a change would publish: known formats, and the secrets that this process holds itself.

Only formats that hardly anything else has are looked for: a stop that is wrong nine times of ten is waved through the
tenth time too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pithy_local.git.adapter import Git
from pithy_local.git.trees import Entry, blob_contents, blob_sizes
from pithy_local.redact import Redactor

OWN = "a key or token of this machine"
MAX_BEFORE = 50_000_000
"""Bytes of earlier versions that are read to see whether a secret was there before."""

_WORD = rb"(?<![A-Za-z0-9_])"
_END = rb"(?![A-Za-z0-9_])"
_KEY_BODY = rb"[\s\"'+,;\\rn]{1,40}(?:[A-Za-z-]{1,30}: [^\n]{0,100}\s{1,4}){0,4}\s{0,8}[A-Za-z0-9+/=]{40,}"


@dataclass(frozen=True)
class _Format:
    """How one kind of secret looks. Where none of `needles` occurs, `pattern` is not tried: that is much faster."""

    kind: str
    needles: tuple[bytes, ...]
    pattern: re.Pattern[bytes]


def _format(kind: str, needles: Sequence[bytes], pattern: bytes) -> _Format:
    return _Format(kind, tuple(needles), re.compile(pattern))


_FORMATS = (
    _format(
        "a private key", [b"PRIVATE KEY"],
        rb"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----" + _KEY_BODY,
    ),
    _format("an AWS access key", [b"AKIA", b"ASIA"], _WORD + rb"(?:AKIA|ASIA)[A-Z2-7]{16}" + _END),
    _format(
        "an AWS secret key", [b"ecretAccessKey", b"secret_access_key", b"SECRET_ACCESS_KEY"],
        rb"(?i:secret_?access_?key)[\"']?\s{0,5}[=:]\s{0,5}[\"']?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])",
    ),
    _format(
        "a GitHub token", [b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_"],
        _WORD + rb"(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255})" + _END,
    ),
    _format("a GitLab token", [b"gl"], _WORD + rb"gl(?:pat|dt|rt|ptt|cbt|ft|oas|soat)-[A-Za-z0-9_-]{20,}"),
    _format(
        "a Slack token", [b"xox", b"xapp-"],
        _WORD + rb"(?:xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{20,}|xapp-\d-[A-Z0-9]{8,}-\d{8,}-[a-f0-9]{32,})",
    ),
    _format(
        "a Slack webhook", [b"hooks.slack.com"],
        rb"hooks\.slack\.com/services/T[A-Z0-9]{7,}/B[A-Z0-9]{7,}/[A-Za-z0-9]{20,}",
    ),
    _format("an Anthropic key", [b"sk-ant-"], _WORD + rb"sk-ant-[a-z]{3,10}\d{2}-[A-Za-z0-9_-]{32,}"),
    _format(
        "an OpenAI key", [b"sk-"],
        _WORD + rb"sk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{40,}|[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}"
        rb"|[A-Za-z0-9]{48})" + _END,
    ),
    _format("a Google API key", [b"AIza"], _WORD + rb"AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    _format("a Google OAuth secret", [b"GOCSPX-"], _WORD + rb"GOCSPX-[A-Za-z0-9_-]{28}(?![A-Za-z0-9_-])"),
    _format("a Stripe key", [b"k_live_"], _WORD + rb"[rs]k_live_[A-Za-z0-9]{24,}"),
    _format("an npm token", [b"npm_"], _WORD + rb"npm_[A-Za-z0-9]{36}" + _END),
    _format("a PyPI token", [b"pypi-AgE"], _WORD + rb"pypi-AgE[A-Za-z0-9_-]{50,}"),
    _format("a Hugging Face token", [b"hf_"], _WORD + rb"hf_[A-Za-z]{34}" + _END),
    _format("a SendGrid key", [b"SG."], _WORD + rb"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"),
    _format(
        "a JSON Web Token", [b"eyJ"],
        _WORD + rb"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}",
    ),
)  # fmt: skip
_PLACEHOLDER = re.compile(
    rb"example|sample|dummy|fake|placeholder|redacted|changeme|your|x{4}"
    rb"|\.eyJzdWIiOiIxMjM0NTY3ODkwI",  # the subject "1234567890" of the token that every introduction shows
    re.I,
)


@dataclass(frozen=True, kw_only=True)
class Leak:
    """A secret in the new version of a file: `line` counts from 1; the secret itself is nowhere in here."""

    path: bytes
    line: int
    kind: str


@dataclass(frozen=True)
class _Suspect:
    line: int
    kind: str
    evidence: bytes
    """What would have to be in an earlier version for this to be no news."""

    def __repr__(self) -> str:
        return f"_Suspect({self.kind} in line {self.line})"


def leaks(git: Git, entries: Sequence[Entry], own: Iterable[str] = ()) -> list[Leak]:
    """What the changed files hold that no earlier version of any of them held: a moved secret is no news.

    Placeholders do not count. `own` are secrets in any form, found also encoded (`redact`). All new contents are read
    into memory: the caller has bounded their size.
    """
    redactor = Redactor(own)
    new = blob_contents(git, {entry.after for entry in entries if entry.after})
    suspects = [(entry.path, one) for entry in entries for one in _suspects(new.get(entry.after or "", b""), redactor)]
    if not suspects:
        return []
    known = {one.evidence for content in _before(git, entries) for one in _suspects(content, redactor)}
    return [Leak(path=path, line=one.line, kind=one.kind) for path, one in suspects if one.evidence not in known]


def _before(git: Git, entries: Sequence[Entry]) -> Iterable[bytes]:
    """The earlier versions, as many as fit."""
    sizes = blob_sizes(git, {entry.before for entry in entries if entry.before})
    read, total = [], 0
    for blob, size in sorted(sizes.items(), key=lambda item: item[1]):
        total += size
        if total > MAX_BEFORE:
            break
        read.append(blob)
    return blob_contents(git, read).values()


def _suspects(content: bytes, redactor: Redactor) -> Iterator[_Suspect]:
    for known in _FORMATS:
        if any(needle in content for needle in known.needles):
            yield from _of_format(content, known)
    if redactor.mask_bytes(content) != content:
        for number, line in enumerate(content.split(b"\n"), 1):
            if redactor.mask_bytes(line) != line:
                yield _Suspect(number, OWN, line.strip())


def _of_format(content: bytes, known: _Format) -> Iterator[_Suspect]:
    line, position = 1, 0
    for found in known.pattern.finditer(content):
        line += content.count(b"\n", position, found.start())
        position = found.start()
        if not _is_placeholder(found[0]):
            yield _Suspect(line, known.kind, found[0])


def _is_placeholder(secret: bytes) -> bool:
    return _PLACEHOLDER.search(secret) is not None or len(set(secret[-16:])) <= 4
