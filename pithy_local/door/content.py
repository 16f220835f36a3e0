"""What may stand in the body of a model call: no tool of the provider's, no address, no reference to what it stores.

A provider that fetches an address, searches the web or runs code for a call is a way out of the sandbox. So the kinds
of content are listed that are known to do nothing of that; what is not on a list does not pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pithy_local.door.answers import REFUSED, Refusal

_ADDRESS_KEYS = ("url", "urls", "uri", "uris")
"""Endings of keys that hold an address."""
_REFERENCE_KEYS = frozenset({
    "file_id", "file_ids", "container", "container_id", "vector_store_id", "vector_store_ids", "audio", "skill_id",
    "previous_response_id",
})  # fmt: skip
_ADDRESS = re.compile(r"\s*(?!data:)[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_MOST_SHOWN = 60
MAX_PARTS = 200_000
"""Values in one body's content: many times what a conversation has, and judged in less than a second."""


@dataclass(frozen=True, kw_only=True)
class Grammar:
    """An API's content. `types`: what a `type` may say, at any depth. `opaque`: by type, the fields that are data of
    the caller's own, which the provider shows to the model and does nothing else with. `texts`: fields of plain text,
    which may well begin with an address."""

    types: frozenset[str]
    opaque: Mapping[str, frozenset[str]] = field(default_factory=dict)
    texts: frozenset[str]


def inspect(key: str, content: Any, grammar: Grammar) -> None:
    """Judge everything in `content`, the value of `key`. Raises Refusal: 403, 400 for more than MAX_PARTS values."""
    todo: list[tuple[str, Any]] = [(key, content)]
    parts = 1
    while todo:
        name, value = todo.pop()
        if isinstance(value, dict | list):
            parts += len(value)
            if parts > MAX_PARTS:
                raise wrong(key, f"made of no more than {MAX_PARTS} values")
            todo.extend(_fields(value, grammar) if isinstance(value, dict) else [(name, item) for item in value])
        elif isinstance(value, str) and name not in grammar.texts and _ADDRESS.match(value):
            raise _remote(name)


def _fields(block: dict[str, Any], grammar: Grammar) -> Iterator[tuple[str, Any]]:
    kind = block.get("type")
    if kind is not None and not (isinstance(kind, str) and kind in grammar.types):
        raise refuse(f"content of the type {shown(kind)}")
    opaque = grammar.opaque.get(kind or "", frozenset())
    for name, value in block.items():
        if name in opaque or value is None:
            continue
        key = name.lower()
        if key in _REFERENCE_KEYS:
            raise refuse(f"{name!r}, a reference to what the provider stores,")
        if key.endswith(_ADDRESS_KEYS) and not (isinstance(value, dict) or _is_inline(value)):
            raise _remote(name)
        yield name, value


def _is_inline(value: Any) -> bool:
    return isinstance(value, str) and value[:5].lower() == "data:"


def _remote(name: str) -> Refusal:
    return refuse(f"a remote address in {shown(name)}", "; content must be sent inline, as a data: URL")


def refuse(what: str, advice: str = "") -> Refusal:
    return Refusal(403, REFUSED, f"{what} is not let through{advice}")


def shown(value: Any) -> str:
    """A name out of the sandbox as it may stand in a message."""
    return repr(value)[:_MOST_SHOWN]


def select(document: Mapping[str, Any], *, passed: Iterable[str], refused: Iterable[str] = ()) -> dict[str, Any]:
    """The fields that go on; every other is left out. Raises Refusal (403) where one of `refused` says anything."""
    for name in refused:
        if document.get(name):
            raise refuse(f"the field {name!r}")
    return {name: document[name] for name in passed if name in document}


def judge_tools(tools: Any, allowed: Callable[[Mapping[str, Any]], bool]) -> None:
    """Raises Refusal: 403 for a tool that is not `allowed`, 400 for what is no list of tools."""
    if tools is None:
        return
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise wrong("tools", "a list of tools")
    for tool in tools:
        if not allowed(tool):
            raise refuse(
                f"a tool of the type {shown(tool.get('type'))}", "; only tools that the caller runs itself are"
            )


def type_of(tool: Mapping[str, Any]) -> str:
    """The tool's type; "" where it says none, or something that is no name."""
    kind = tool.get("type")
    return kind if isinstance(kind, str) else ""


def whole_number(document: Mapping[str, Any], name: str) -> int | None:
    """The value of `name`, None where there is none. Raises Refusal (400) for anything but a number from 1."""
    value = document.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise wrong(name, "a whole number from 1")


def flag(document: Mapping[str, Any], name: str) -> bool:
    """The value of `name`, False where there is none. Raises Refusal (400) for anything but true and false."""
    value = document.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise wrong(name, "true or false")


def wrong(name: str, wanted: str) -> Refusal:
    return Refusal(400, "wrong_shape", f"{name!r} must be {wanted}")
