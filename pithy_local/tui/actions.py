"""The one table of actions: bindings, footer and help are made from it, the guide's table is checked against it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from textual.binding import Binding, BindingType


class Place(Enum):
    """Where an action's keys work; the value is its heading in the help."""

    DASHBOARD = "Everywhere"
    TASKS = "Tasks"
    LOG = "Log"
    NEW_TASK = "New task"


@dataclass(frozen=True, kw_only=True)
class Action:
    """One thing the user can do. `keys` are Textual's names, comma-separated; `shown` is how people write them."""

    id: str
    place: Place
    keys: str
    shown: str
    run: str
    label: str
    help: str
    footer: bool = False


def _action(place: Place, keys: str, shown: str, run: str, label: str, text: str, *, footer: bool = False) -> Action:
    name = f"{place.name.lower()}.{run.removeprefix('app.').replace('_', '-')}"
    return Action(id=name, place=place, keys=keys, shown=shown, run=run, label=label, help=text, footer=footer)


ACTIONS: tuple[Action, ...] = (
    _action(Place.DASHBOARD, "n", "n", "new", "New", "Write a new task", footer=True),
    _action(Place.TASKS, "enter", "enter", "select_cursor", "Log", "Go to the task's log", footer=True),
    _action(Place.TASKS, "j,down", "j ↓", "cursor_down", "Down", "Next task"),
    _action(Place.TASKS, "k,up", "k ↑", "cursor_up", "Up", "Previous task"),
    _action(Place.LOG, "escape", "esc", "leave", "Back", "Back to the tasks", footer=True),
    _action(Place.LOG, "j,down", "j ↓", "scroll_down", "Down", "One line down"),
    _action(Place.LOG, "k,up", "k ↑", "scroll_up", "Up", "One line up; like every move up, it stops following"),
    _action(Place.LOG, "pagedown,space", "pgdn space", "page_down", "Page down", "One page down"),
    _action(Place.LOG, "pageup,b", "pgup b", "page_up", "Page up", "One page up"),
    _action(Place.LOG, "g,home", "g home", "scroll_home", "Top", "To the first line"),
    _action(Place.LOG, "right,l", "l →", "scroll_right", "Right", "See the rest of long lines"),
    _action(Place.LOG, "left,h", "h ←", "scroll_left", "Left", "Back to the start of lines"),
    _action(Place.DASHBOARD, "x", "x", "cancel", "Cancel", "Cancel the selected task (asks first)", footer=True),
    _action(Place.DASHBOARD, "f,G", "f G", "follow", "Follow", "Go to the log's end and follow it", footer=True),
    _action(Place.DASHBOARD, "tab,shift+tab", "tab", "switch_pane", "Switch", "Between the tasks and the log"),
    _action(Place.DASHBOARD, "question_mark,f1", "? f1", "app.help", "Help", "This help", footer=True),
    _action(Place.DASHBOARD, "q", "q", "app.quit", "Quit", "Quit (asks while attempts run in here)", footer=True),
    _action(Place.NEW_TASK, "ctrl+s", "ctrl+s", "submit", "Add", "Add the task to the queue", footer=True),
    _action(Place.NEW_TASK, "escape", "esc", "leave", "Back", "Back; what you wrote is kept", footer=True),
)


def at(place: Place) -> list[Action]:
    """The actions of one place, in the table's order."""
    return [action for action in ACTIONS if action.place is place]


def bindings(place: Place) -> list[BindingType]:
    """What a widget or screen of this place puts into BINDINGS."""
    return [
        Binding(action.keys, action.run, action.label, show=action.footer, key_display=_key(action), id=action.id)
        for action in at(place)
    ]


def _key(action: Action) -> str:
    """The key that the footer shows: the first of those people write."""
    return action.shown.split(" ")[0]
