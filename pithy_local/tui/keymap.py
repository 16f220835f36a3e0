"""The user's own keys (`[keys]` of the configuration): checked once, when the dashboard opens."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace

from textual.keys import Keys, key_to_character

from pithy_local.errors import ErrorCode, UsageError
from pithy_local.tui.actions import ACTIONS, BY_ID, Action, Place, key_name

_SIGNS = {
    "?": "question_mark", "/": "slash", "&": "ampersand", "*": "asterisk", "[": "left_square_bracket",
    "]": "right_square_bracket", "esc": "escape", "pgdn": "pagedown", "pgup": "pageup", "del": "delete",
    "return": "enter",
}  # fmt: skip
_NAMED = {key.value for key in Keys} | {f"f{number}" for number in range(1, 25)}
TOGETHER = [(Place.DASHBOARD, Place.TASK), *((place,) for place in Place if place not in (Place.DASHBOARD, Place.TASK))]
"""Places whose keys are heard by the same part of the screen: one of them would hide the other's."""
_MODIFIERS = ("ctrl", "shift", "alt", "super")


class Keymap:
    """The table of actions with the user's keys in place of its own."""

    def __init__(self, remap: Mapping[str, str] | None = None) -> None:
        """`remap`: keys by action id. Raises UsageError(config) for an unknown id, a key that does not exist, and a key
        that would do two things in one place."""
        self.changed = {_known(name): _keys(name, keys) for name, keys in (remap or {}).items()}
        self.actions = tuple(
            replace(action, keys=self.changed[action.id]) if action.id in self.changed else action
            for action in ACTIONS
        )  # fmt: skip
        self._check_clashes()

    def at(self, place: Place) -> list[Action]:
        """The actions of one place, in the table's order."""
        return [action for action in self.actions if action.place is place]

    def key(self, action_id: str) -> str:
        """The first key of an action, as people write it."""
        return next(key_name(action.keys.split(",")[0]) for action in self.actions if action.id == action_id)

    def _check_clashes(self) -> None:
        for places in TOGETHER:
            taken: dict[str, str] = {}
            for action in (action for place in places for action in self.at(place)):
                for key in action.keys.split(","):
                    if key in taken:
                        both = f"both `{taken[key]}` and `{action.id}`"
                        raise _wrong(f"[keys]: `{key_name(key)}` would be {both}", "Give one of them another key.")
                    taken[key] = action.id


def _known(name: str) -> str:
    if name in BY_ID:
        return name
    near = difflib.get_close_matches(name, BY_ID, n=1)
    hint = f"Did you mean `{near[0]}`?" if near else "The help of the dashboard (`?`) and docs/dashboard.md list them."
    raise _wrong(f"[keys]: there is no action `{name}`", hint)


def _keys(name: str, keys: str) -> str:
    wanted = [_SIGNS.get(key.strip(), key.strip()) for key in keys.split(",")]
    for key in wanted:
        if not _exists(key):
            raise _wrong(f"[keys]: `{name}`: there is no key `{key}`", "For example: x, X, ctrl+x, f5, ?, space.")
    return ",".join(wanted)


def _exists(key: str) -> bool:
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    named = len(last) == 1 or last in _NAMED or key_to_character(last) is not None
    return bool(last) and named and all(modifier in _MODIFIERS for modifier in modifiers)


def _wrong(message: str, hint: str) -> UsageError:
    return UsageError(message, hint=hint, code=ErrorCode.CONFIG)
