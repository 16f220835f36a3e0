"""CodeRabbit's reviews read as findings: its comments on lines, and what it folds into the text of a review.

Its markup has no description; the shapes here are those that it writes on public pull requests:

    _⚠️ Potential issue_ | _🟠 Major_          first line of a comment: kind and severity
    **Title.** … <details>…</details> <!-- … -->  the finding, then tool output, suggested code, prompts, markers
    ✅ Addressed in commit 0123abc             put into the comment once it is settled

    <summary>🧹 Nitpick comments (1)</summary> in a review's text, with one <details> for each file in it,
    `12-14`: **Title.** …                      and one such paragraph for each finding
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from pithy_local.forge.base import Finding, Severity, is_web_url
from pithy_local.text import clip, safe, safe_block

BOT = "coderabbitai[bot]"
MAX_BODY = 65_536
"""Characters of one text that are read: GitHub takes no longer ones."""
MAX_TEXT = 1_500
MAX_PATH = 500

SEVERITIES: tuple[Severity, ...] = ("critical", "major", "minor", "nitpick")

_LABELS: tuple[tuple[str, Severity], ...] = (
    ("critical", "critical"),
    ("major", "major"),
    ("minor", "minor"),
    ("trivial", "nitpick"),
    ("nitpick", "nitpick"),
    ("potential issue", "major"),
    ("refactor suggestion", "minor"),
)
"""Words of a label line, those that say a severity before those that say a kind."""
_SECTIONS: tuple[tuple[str, Severity], ...] = (
    ("outside diff range comments", "major"),
    ("comments failed to post", "major"),
    ("critical comments", "critical"),
    ("major comments", "major"),
    ("minor comments", "minor"),
    ("nitpick comments", "nitpick"),
)
"""Folded parts of a review that hold findings, and what these count as; others repeat or praise."""

_SETTLED = re.compile(r"✅ (?:Addressed in commit|Confirmed as addressed)|<review_comment_(?:addressed|withdrawn)>")
_LABEL_LINE = re.compile(r"_[^_\n]{1,80}_(?:\s*\|\s*_[^_\n]{1,80}_)*")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.S)
_FENCE = re.compile(r"^[ \t]*(?P<fence>`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t]*(?P=fence)[`~]*[ \t]*$|\Z)", re.M | re.S)
_QUOTE = re.compile(r"^(?:>[ ]?)+", re.M)
_FOLD = re.compile(
    r"<details\b[^<>]{0,200}>|</details\s{0,20}>|<summary\b[^<>]{0,200}>(?P<summary>.{0,500}?)</summary\s{0,20}>",
    re.I | re.S,
)
_TAG = re.compile(r"</?(?:a|b|blockquote|br|code|details|div|em|h[1-6]|i|img|li|ol|p|strong|su[bp]|summary|ul)"
                  r"\b[^<>]{0,300}>", re.I)  # fmt: skip
_FILE = re.compile(r"(.+?)\s*\(\d+\)")
_ITEM = re.compile(r"^`?(\d{1,7})(?:\s?-\s?\d{1,7})?`?:[ \t]*", re.M)


def findings(comments: Sequence[Mapping[str, Any]], reviews: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """What stands on one pull request, from GitHub's lists of its review comments and of its reviews.

    Left out: other authors, replies, what is outdated or settled. Of what is folded into reviews the newest review
    that has some counts: nothing tells which of the older still holds.
    """
    found = [finding for comment in _open_threads(comments) for finding in _of_comment(comment)]
    for review in sorted(filter(_ours, reviews), key=lambda review: str(review.get("submitted_at")), reverse=True):
        folded = _of_review(review)
        if folded:
            found += folded
            break
    unique: dict[tuple[str, int | None, str], Finding] = {}
    for finding in found:
        unique.setdefault((finding.path, finding.line, finding.text), finding)
    return list(unique.values())


def by_weight(found: Sequence[Finding]) -> list[Finding]:
    """The most severe first, else in the order given."""
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def _ours(entry: Mapping[str, Any]) -> bool:
    user = entry.get("user")
    return isinstance(user, Mapping) and user.get("login") == BOT and entry.get("state") != "DISMISSED"


def _open_threads(comments: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The first comment of each thread that CodeRabbit opened and that still stands."""
    ours = [comment for comment in comments if _ours(comment)]
    settled = {comment.get("in_reply_to_id") for comment in ours if _SETTLED.search(_body(comment))}
    for comment in ours:
        first = comment.get("in_reply_to_id") is None and comment.get("id") not in settled
        # GitHub gives an outdated comment neither a line nor a position; one on a whole file never has them.
        placed = comment.get("line") or comment.get("position") or comment.get("subject_type") == "file"
        if first and placed and not _SETTLED.search(_body(comment)):
            yield comment


def _of_comment(comment: Mapping[str, Any]) -> list[Finding]:
    body = _plain(_body(comment))
    line = comment.get("start_line") or comment.get("line")
    outside = "\n".join(text for folds, text in _segments(body) if not folds)
    return _finding(comment.get("path"), line, outside, "minor", comment)


def _of_review(review: Mapping[str, Any]) -> list[Finding]:
    body = _plain(_QUOTE.sub("", _body(review)))
    found: list[Finding] = []
    inside = ((folds, text) for folds, text in _segments(body) if len(folds) == 2)
    for (section, file), parts in groupby(inside, key=lambda segment: segment[0]):
        severity = next((weight for words, weight in _SECTIONS if words in section.lower()), None)
        path = _FILE.fullmatch(file)
        if severity is None or path is None:
            continue
        text = "".join(part for _, part in parts)
        starts = list(_ITEM.finditer(text))
        for start, following in zip(starts, [*starts[1:], None], strict=True):
            item = text[start.end() : following.start() if following else None]
            found += _finding(path[1], int(start[1]), item, severity, review)
    return found


def _finding(path: object, line: object, text: str, default: Severity, entry: Mapping[str, Any]) -> list[Finding]:
    """The finding, or none where there is no place or nothing said."""
    labels, words = _split_labels(text)
    if not _is_path(path) or not words:
        return []
    url = entry.get("html_url")
    return [Finding(
        path=str(path), line=line if isinstance(line, int) and line > 0 else None,
        severity=next((weight for word, weight in _LABELS if word in labels), default),
        text=clip(words, MAX_TEXT), source=url if is_web_url(url) else "",
    )]  # fmt: skip


def _split_labels(text: str) -> tuple[str, str]:
    """(the label lines that come first, in lower case; the text without any, safe, without surplus blank lines)."""
    lines = [line.rstrip() for line in _TAG.sub("", text).strip().splitlines()]
    labelled = [_LABEL_LINE.fullmatch(line) is not None for line in lines]
    first = next((at for at, line in enumerate(lines) if line and not labelled[at]), len(lines))
    said = "\n".join(line for line, label in zip(lines, labelled, strict=True) if not label)
    words = re.sub(r"\n{3,}", "\n\n", safe_block(said)).strip()
    return " ".join(lines[:first]).lower(), words.removesuffix("---").strip()


def _segments(markdown: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every piece of text with the titles of the <details> around it, the outermost first."""
    folds: list[str] = []
    position = 0
    for token in _FOLD.finditer(markdown):
        yield tuple(folds), markdown[position : token.start()]
        position = token.end()
        if token["summary"] is not None:
            folds[-1:] = [_TAG.sub("", token["summary"]).strip()] if folds else []
        elif token[0].startswith("</"):
            folds = folds[:-1]
        else:
            folds = [*folds, ""]
    yield tuple(folds), markdown[position:]


def _plain(markdown: str) -> str:
    """Without comments and code: suggested changes and tool output."""
    return _FENCE.sub("", _COMMENT.sub("", markdown))


def _body(entry: Mapping[str, Any]) -> str:
    body = entry.get("body")
    return body[:MAX_BODY].replace("\r\n", "\n") if isinstance(body, str) else ""


def _is_path(path: object) -> bool:
    if not isinstance(path, str) or not 0 < len(path) <= MAX_PATH or path != safe(path):
        return False
    return not path.startswith("/") and ".." not in path.split("/")
