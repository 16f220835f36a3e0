"""The names of keys: Textual's, in the table of actions, and those that people write and read."""

from __future__ import annotations

import string
from collections.abc import Iterable

from textual.keys import _character_to_key

_SIGNS = {_character_to_key(sign): sign for sign in string.punctuation}
"""`question_mark` is `?`."""
_SHOWN = {**_SIGNS, "escape": "esc", "down": "↓", "up": "↑", "left": "←", "right": "→", "pagedown": "pgdn",
          "pageup": "pgup"}  # fmt: skip
_WRITTEN = {shown: key for key, shown in _SHOWN.items()} | {"del": "delete", "return": "enter"}


def key_name(key: str) -> str:
    """Textual's name of a key as people write it: `?` for `question_mark`, `ctrl+]`."""
    modifiers, plus, last = key.strip().rpartition("+")
    return f"{modifiers}{plus}{_SHOWN.get(last, last.replace('_', ' '))}"


def shown_keys(keys: Iterable[str]) -> str:
    """Several keys as people write them."""
    return " ".join(map(key_name, keys))


def textual_name(written: str) -> str:
    """What Textual calls a key that somebody wrote: `question_mark` for `?`; a name it knows stays as it is."""
    key = written.strip()
    if key in _WRITTEN:
        return _WRITTEN[key]
    modifiers, plus, last = key.rpartition("+")
    if plus and not last:  # ctrl++
        modifiers, last = modifiers.removesuffix("+"), "+"
    return f"{modifiers}{plus}{_WRITTEN.get(last, last)}"
