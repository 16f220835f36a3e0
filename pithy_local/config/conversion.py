"""A table of keys becomes typed settings, or an error that names the key and what it takes."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import Struct

from pithy_local.config.checks import wrong
from pithy_local.config.settings import Price, Settings
from pithy_local.errors import ErrorCode, UsageError


def refuse_unknown_keys(data: Mapping[str, Any], kind: type[Struct], source: str, prefix: str = "") -> None:
    known = {field.name: field for field in msgspec.structs.fields(kind)}
    for key, value in data.items():
        if key not in known:
            raise UsageError(
                f"{source}: unknown key `{prefix}{key}`", hint=_nearest(key, prefix, list(known)), code=ErrorCode.CONFIG
            )
        default = known[key].default
        if isinstance(default, Struct) and isinstance(value, dict):
            refuse_unknown_keys(value, type(default), source, f"{prefix}{key}.")


def _nearest(key: str, prefix: str, known: list[str]) -> str:
    """The valid key that was meant, here or in another table, where one is near; else the valid keys here."""
    here = difflib.get_close_matches(key, known, n=1)
    if here:
        return f"Did you mean `{prefix}{here[0]}`?"
    elsewhere = {path.rpartition(".")[2]: path for path, _ in _walk(Settings)}
    near = difflib.get_close_matches(key, elsewhere, n=1)
    return f"Did you mean `{elsewhere[near[0]]}`?" if near else f"Valid keys here: {', '.join(known)}."


def _walk(kind: type[Struct], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every key with its type: `model`, `model.openai`, `model.openai.base_url`, …"""
    for field in msgspec.structs.fields(kind):
        yield prefix + field.name, field.type
        if isinstance(field.default, Struct):
            yield from _walk(type(field.default), f"{prefix}{field.name}.")


def convert(data: Mapping[str, Any], source: str, hint: str | None = None) -> Settings:
    try:
        return msgspec.convert(data, Settings)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        key = where.rstrip("`") or "the file"
        if key.startswith("prices[...]"):
            key = f"prices.{json.dumps(_mispriced(data))}{key.removeprefix('prices[...]')}"
        raise wrong(f"{source}: `{key}`: {_plain(what, key)}", hint) from error


def _mispriced(data: Mapping[str, Any]) -> str:
    """The model whose price is none: msgspec does not say which."""
    for model, price in data["prices"].items():
        try:
            msgspec.convert(price, Price)
        except msgspec.ValidationError:
            return str(model)
    return "…"


_TYPES = {
    "`object`": "a table", "`str`": "a string", "`int`": "a whole number", "`float`": "a number",
    "`bool`": "true or false", "`array`": "a list",
}  # fmt: skip


def _plain(what: str, key: str) -> str:
    """msgspec names types and patterns; people want words, the choices or an example."""
    if what.startswith("Invalid enum value"):
        choices = (word or '""' for word in _choices(dict(_walk(Settings))[_named(key)]))
        return f"expected one of {', '.join(choices)}"
    if "matching regex" not in what:
        for name, words in _TYPES.items():
            what = what.replace(name, words)
        return what[:1].lower() + what[1:]
    for pattern, words in {
        r"(ms|s|m|h|d)": 'expected a duration such as "90s" or "10m"',
        "[kmg]": 'expected a size such as "512m" or "4g"',
        "(openai|anthropic):": 'expected "provider:model", for example "anthropic:claude-sonnet-5-5"',
        "https?": "expected a URL that starts with http:// or https://",
        "(second|minute|hour)": 'expected a rate such as "60/minute"',
        "<[^<>": 'expected "Name <mail@example.org>"',
    }.items():
        if pattern in what:
            return words
    return "not in the expected form"


def _named(key: str) -> str:
    """`notify.on[0]` → `notify.on`"""
    return key.partition("[")[0]


def _choices(annotation: Any) -> tuple[str, ...]:
    """The words of the Literal that is somewhere in a key's type."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return next((found for part in get_args(annotation) if (found := _choices(part))), ())
