"""The user's own keys (`[keys]` of the configuration): checked once, when the dashboard opens."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace

from textual.binding import BindingsMap
from textual.keys import Keys, key_to_character

from pithy_local.errors import ErrorCode, UsageError
from pithy_local.tui.actions import ACTIONS, BY_ID, HEARD, OPENED_BY, TYPED, Action, Place
from pithy_local.tui.keynames import key_name, textual_name

_NAMED = {key.value for key in Keys} | {f"f{number}" for number in range(1, 25)}
_MODIFIERS = ("ctrl", "shift", "alt", "super")


class Keymap:
    """The table of actions with the user's keys in place of its own."""

    def __init__(self, remap: Mapping[str, str] | None = None) -> None:
        """`remap`: keys by action id.

        Raises UsageError(config) for an unknown id, a key that does not exist, one that would be typed into a text
        field, one that would do two things where both are heard, and one that would ask a question and answer it.
        """
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
        return key_name(self.action(action_id).each_key[0])

    def action(self, action_id: str) -> Action:
        return next(action for action in self.actions if action.id == action_id)

    def hidden(self, action: Action, focus: Place) -> dict[str, Action]:
        """Those of its keys that do something else while `focus` has the focus, and what."""
        heard = HEARD[focus]
        if action.place not in heard:
            return {}
        first = [other for place in heard[: heard.index(action.place)] for other in self.at(place)]
        return {
            key: other
            for key in action.each_key
            for other in first
            if key in other.each_key and other.run != action.run
        }  # fmt: skip

    def _check_clashes(self) -> None:
        for heard in HEARD.values():
            taken: dict[str, Action] = {}
            for action in (action for place in heard for action in self.at(place)):
                for key in action.each_key:
                    _check_both(key, taken.setdefault(key, action), action)
        for answer, openers in OPENED_BY.items():
            for opener in map(self.action, openers):
                for key in set(opener.each_key).intersection(self.action(answer).each_key):
                    raise _wrong(
                        f"[keys]: `{key_name(key)}` would ask for `{opener.id}` and confirm it (`{answer}`)",
                        "Give one of them another key.",
                    )


def _check_both(key: str, one: Action, other: Action) -> None:
    """Two actions have this key, and are heard together: that is meant where the table itself says so."""
    meant = key in BY_ID[one.id].each_key and key in BY_ID[other.id].each_key
    if one is not other and not meant:
        both = f"both `{one.id}` and `{other.id}`"
        raise _wrong(f"[keys]: `{key_name(key)}` would be {both}", "Give one of them another key.")


def _known(name: str) -> str:
    if name in BY_ID:
        return name
    near = difflib.get_close_matches(name, BY_ID, n=1)
    hint = f"Did you mean `{near[0]}`?" if near else "The help of the dashboard (`?`) and docs/dashboard.md list them."
    raise _wrong(f"[keys]: there is no action `{name}`", hint)


def _keys(name: str, keys: str) -> str:
    wanted = [textual_name(key) for key in keys.split(",")]
    for key in wanted:
        if not _exists(key):
            raise _wrong(f"[keys]: `{name}`: there is no key `{key}`", "For example: x, X, ctrl+x, f5, ?, space.")
        if BY_ID[name].place in TYPED and key not in BY_ID[name].each_key and _is_typed(key):
            raise _wrong(f"[keys]: `{name}`: a text field takes `{key_name(key)}` itself", "For example: f5, ctrl+g.")
    return ",".join(wanted)


def _exists(key: str) -> bool:
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    named = len(last) == 1 or last in _NAMED or key_to_character(last) is not None
    return bool(last) and named and all(modifier in _MODIFIERS for modifier in modifiers)


def _is_typed(key: str) -> bool:
    """Whether a text field does something of its own with it."""
    from textual.widgets import Input, TextArea  # not for everyone who has other keys

    character = key_to_character(key)
    bindings = BindingsMap([*Input.BINDINGS, *TextArea.BINDINGS])
    return key in bindings.key_to_bindings or (character is not None and character.isprintable())


def _wrong(message: str, hint: str) -> UsageError:
    return UsageError(message, hint=hint, code=ErrorCode.CONFIG)
