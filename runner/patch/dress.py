"""What an answer wears over its lines: thoughts, JSON, HTML entities, carriage returns, indentation."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator

from runner.patch.fences import pieces
from runner.patch.refusal import stop

_TAG = r"think(?:ing)?|thoughts?|reasoning|analysis|scratchpad"
_THOUGHT = re.compile(rf"\A\s*<({_TAG})>.*?</\1>", re.DOTALL | re.IGNORECASE)
_END_OF_THOUGHT = re.compile(rf"\A(?:.*\n)?[ \t]*</(?:{_TAG})>", re.DOTALL | re.IGNORECASE)
_START_OF_THOUGHT = re.compile(rf"\A\s*<(?:{_TAG})>", re.IGNORECASE)
_HEADER = re.compile(
    r"[ \t]*(?:diff --git |--- |\+\+\+ |@@ |\*\*\* (?:Begin|End|Update|Add|Delete) |<{5,9} ?SEARCH|>{5,9} ?REPLACE)"
)
_INDENTED = re.compile(r"([ \t]+)(?:diff --git |--- \S|\+\+\+ \S|\*\*\* Begin Patch)")
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|#39|#x27|#34);")
_RAW = re.compile(r"[<>]|&(?!(?:\w{1,12}|#\w{1,6});)")
_MARKUP = re.compile(
    r".*\.(?:html?|xhtml|xml|svg|md|markdown|vue|jsx|tsx|erb|php|jinja2?|j2|rst|resx|xaml|plist|csproj)", re.I
)
_DEPTH = 6
_PATH_KEYS = frozenset({"path", "file", "filename", "file_path", "filepath"})
_CONTENT_KEYS = frozenset({"content", "contents", "new_content", "code", "text"})


def without_thoughts(text: str) -> str:
    """The answer after the model's own reasoning. Raises Stop(truncated) if it never got beyond that."""
    shorter = _THOUGHT.sub("", text, count=1)
    if shorter != text:
        return shorter
    if _START_OF_THOUGHT.match(text):
        raise stop("truncated", "the answer ends inside the model's thoughts")
    return _END_OF_THOUGHT.sub("", text, count=1) if "</" in text else text


def unpacked(text: str) -> str | None:
    """The text inside a JSON answer that holds the change, or None: it is not JSON, or holds none."""
    for packed in _json_texts(text):
        try:
            value = json.loads(packed, strict=False)
        except (ValueError, RecursionError):
            continue
        found = list(dict.fromkeys(string for string in _strings(value, _DEPTH) if _holds_change(string)))
        if found:
            return "".join(string if string.endswith("\n") else string + "\n" for string in found)
    return None


def plain_lines(text: str) -> list[str]:
    """The lines of `text`; one carriage return off each where the transport, not the content, put it there."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    judged = [line for line in lines if _HEADER.match(line)] or [line for line in lines if line]
    if judged and all(line.endswith("\r") for line in judged):
        return [line.removesuffix("\r") for line in lines]
    return lines


def dedented(lines: list[str]) -> list[str] | None:
    """The lines with the indentation of the first indented header taken off; None if there is no such header."""
    match = next((found for line in lines if (found := _INDENTED.match(line))), None)
    if match is None:
        return None
    indent = match[1]
    return [line.removeprefix(indent) if line.strip() else line[len(indent) :] for line in lines]


def is_escaped(text: str) -> bool:
    """Whether the answer may have gone through an HTML escape: it has entities and nothing that one would escape."""
    changed = [line for line in text.split("\n") if line[:1] in ("+", "-", " ") and line[:4] not in ("--- ", "+++ ")]
    return any(map(_ENTITY.search, changed)) and not any(map(_RAW.search, changed))


def unescaped(text: str) -> str:
    """The answer with its HTML entities resolved."""
    return html.unescape(text)


def is_markup(path: str) -> bool:
    """Whether entities are at home in the file."""
    return _MARKUP.fullmatch(path) is not None


def _json_texts(text: str) -> Iterator[str]:
    stripped = text.strip()
    if stripped[:1] in ("{", "[", '"'):
        yield stripped
    found = list(pieces(text.split("\n")))
    for piece in found if not any(piece.is_change for piece in found) else ():
        if piece.named is None and piece.label is not None and piece.label.lower() in ("json", ""):
            content = "\n".join(piece.lines).strip()
            if content[:1] in ("{", "[", '"'):
                yield content
    if "\n" not in stripped and "\\n" in stripped and stripped[0] not in "{[":
        yield '"' + re.sub(r'(?<!\\)"', r"\"", stripped) + '"'


def _strings(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth and isinstance(value, dict):
        of_file = not _PATH_KEYS.isdisjoint(value)
        for key, inner in value.items():
            if not (of_file and key in _CONTENT_KEYS):  # a file's content may show a diff without being one
                yield from _strings(inner, depth - 1)
    elif depth and isinstance(value, list):
        for inner in value:
            yield from _strings(inner, depth - 1)


def _holds_change(text: str) -> bool:
    return "\n" in text and any(piece.is_change for piece in pieces(plain_lines(text)))
