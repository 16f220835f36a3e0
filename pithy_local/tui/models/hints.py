"""Advice that was written for the command line, as it is said in the dashboard: with the user's keys in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pithy_local.errors import PithyError
from pithy_local.tui.drafts import UNISOLATED

if TYPE_CHECKING:
    from pithy_local.tui.keymap import Keymap

ACTIONS = {
    "accept": "task.accept", "answer": "task.answer", "cancel": "task.cancel", "reject": "task.reject",
    "retry": "task.retry", "rm": "task.remove", "edit": "task.edit", "replay": "task.replay", "diff": "dashboard.diff",
    "logs": "dashboard.log", "show": "dashboard.info", "add": "dashboard.new", "pause": "dashboard.pause",
    "resume": "dashboard.pause", "stats": "dashboard.stats", "doctor": "dashboard.doctor",
}  # fmt: skip
"""By verb of the command line: what does that in here."""
NEEDLESS = ("list", "wait", "--help")
"""Verbs for what the dashboard does all the time: what is said of them is left out."""
FIELDS = {"--base": "Base", "--repo": "Repository", "--unisolated": f"local {UNISOLATED}"}
"""By option of `add`: what is written in the dialog for a new task."""
_NEEDLESS = re.compile(rf"(?:See )?`pithy-local (?:{'|'.join(NEEDLESS)})\b[^`]*`[^.,;]*(?:[.,;]\s*|$)")
_COMMAND = re.compile(r"`pithy-local (?P<verb>[a-z]+)(?: (?P<task>\w+))?(?: [^`]*)?`")
_OPTION = re.compile("|".join(rf"{option}(?![\w-])" for option in FIELDS))


def in_here(text: str, keymap: Keymap, task: str = "") -> str:
    """`text` with keys in place of the commands that have one; others stay, for a shell.

    `task`: the id of the one that it is about, if that is known: where another one is meant, it is named.
    """

    def key(command: re.Match[str]) -> str:
        verb, other = command["verb"], command["task"]
        action_id = "task.run" if verb == "run" and other else ACTIONS.get(verb)
        if action_id is None:
            return command[0]
        of_it = f" of {other}" if task and other not in (None, task) else ""
        return f"`{keymap.key(action_id)}` ({keymap.action(action_id).label}{of_it})"

    text = _COMMAND.sub(key, _NEEDLESS.sub("", text))
    return _OPTION.sub(lambda option: f"`{FIELDS[option[0]]}`", text).rstrip()


def advice(error: PithyError, keymap: Keymap) -> str:
    """What to do about an answer to a request, in here; "" where nothing can be said."""
    return in_here(error.advice, keymap)


def told(error: PithyError, keymap: Keymap) -> str:
    """What went wrong and what to do about it, in one line."""
    return f"{error.message}. {advice(error, keymap)}".rstrip()
