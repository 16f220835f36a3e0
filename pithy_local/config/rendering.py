"""Settings as the text of a configuration file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Meta, Struct

from pithy_local.config.settings import Settings


def example() -> str:
    """The text of `config.example.toml`: every key with its default and its explanation."""
    head = "# pithy-local: every setting with its default. `pithy-local config path` says where the file lives."
    return f"{head}\n{as_toml(Settings())}"


def as_toml(settings: Settings) -> str:
    """Settings as the text of a configuration file, each key with its explanation."""
    return "\n".join(_table(settings, "")) + "\n"


def _table(settings: Struct, prefix: str) -> Iterator[str]:
    tables = []
    for field in msgspec.structs.fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, Struct | dict):
            tables.append((f"{prefix}{field.name}", value, _description(field.type)))
            continue
        line = f"{field.name} = {_toml(value)}"
        note = _description(field.type)
        yield f"{line:<30} # {note}" if note else line
    for name, table, note in tables:
        yield ""
        yield f"[{name}]" + (f"{'':<{29 - len(name)}}# {note}" if note else "")
        if isinstance(table, Struct):
            yield from _table(table, f"{name}.")
        else:
            yield from (f"{json.dumps(key)} = {_toml(value)}" for key, value in table.items())


def _description(annotation: Any) -> str:
    """The outermost Meta that has a description."""
    for meta in reversed(getattr(annotation, "__metadata__", ())):
        if isinstance(meta, Meta) and meta.description:
            return meta.description
    return ""


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:_}" if value >= 10_000 else str(value)
    if isinstance(value, Struct):
        return "{" + ", ".join(f"{name} = {_toml(part)}" for name, part in msgspec.structs.asdict(value).items()) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)  # TOML's basic strings take JSON's escapes
    return str(value)
