"""The one table of actions: bindings, hints, help, palette and the guide's tables are all made from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from textual.binding import Binding, BindingType


class Place(Enum):
    """Where an action's keys work; the value is its heading in the help."""

    DASHBOARD = "Everywhere"
    TASK = "The selected task, or those that are marked"
    TASKS = "Tasks"
    LINES = "Moving in tasks, log and diff"
    LOG = "Log"
    DIFF = "Diff"
    FILES = "The files of a diff"
    PAGE = "Steps and info"
    TEXT = "Writing a task, feedback or an answer"
    STATS = "Statistics"


@dataclass(frozen=True, kw_only=True)
class Action:
    """One thing the user can do. `keys` are Textual's names, comma-separated; `hint` puts it into the bottom line."""

    id: str
    place: Place
    keys: str
    run: str
    label: str
    help: str
    hint: bool = False

    @property
    def shown(self) -> str:
        """The keys as people write them."""
        return " ".join(key_name(key) for key in self.keys.split(","))


def _table(place: Place, *rows: tuple[str, str, str, str, str] | tuple[str, str, str, str, str, bool]) -> list[Action]:
    """Rows of (name, keys, what to run, label, help[, hint])."""
    prefix = place.name.lower()
    return [
        Action(
            id=f"{prefix}.{row[0]}", place=place, keys=row[1], run=row[2], label=row[3], help=row[4],
            hint=len(row) > 5 and row[5],
        )
        for row in rows
    ]  # fmt: skip


ACTIONS: tuple[Action, ...] = (
    *_table(
        Place.TASKS,
        ("open", "enter", "open", "Open", "Go to the selected task", True),
        ("filter", "slash", "filter", "Filter", "Filter: status:failed repo:api !word", True),
        ("mark", "space", "mark", "Mark", "Mark the task and go on to the next; actions then take all that are marked"),
        ("mark-all", "asterisk", "mark_all", "Mark all", "Mark every task that is shown; again: none"),
        ("sort", "o", "sort", "Sort", "Sort by newest, state, repository, cost"),
        ("clear", "escape", "clear", "Clear", "Take back the marks, then the filter"),
        ("pr", "g", "screen.open_pr", "Open PR", "Open the pull request in the browser", True),
        ("shell", "t", "screen.shell", "Shell", "A shell in the task's container while it runs"),
    ),
    *_table(
        Place.LOG,
        ("next", "n", "next_match", "Next", "Next match (without a search: a new task)", True),
        ("search", "slash", "search", "Search", "Search; capitals count only where you write some", True),
        ("previous", "N", "previous_match", "Previous", "Match before"),
        ("filter", "ampersand", "filter", "Only", "Show only the lines with this text", True),
        ("follow", "f", "follow", "Follow", "Go to the log's end and follow it", True),
        ("wrap", "w", "wrap", "Wrap", "Break long lines, or cut them at the edge", True),
        ("times", "t", "times", "Times", "Show when each line was written"),
        ("detail", "enter", "detail", "Line", "This line, whole"),
        ("save", "s", "save", "Save", "Write the whole log into a file"),
        ("back", "escape", "back", "Back", "Take back search and filter, then go back to the tasks"),
    ),
    *_table(
        Place.DIFF,
        ("next", "n", "next_match", "Next", "Next match (without a search: a new task)", True),
        ("files", "f", "files", "Files", "Choose from the list of changed files", True),
        ("next-file", "right_square_bracket", "next_file", "File ↓", "Next file", True),
        ("previous-file", "left_square_bracket", "previous_file", "File ↑", "File before"),
        ("next-hunk", "J", "next_hunk", "Hunk ↓", "Next change", True),
        ("previous-hunk", "K", "previous_hunk", "Hunk ↑", "Change before"),
        ("viewed", "v", "viewed", "Viewed", "Fold the file away as viewed; again: show it", True),
        ("send-back", "b", "send_back", "Send back", "Ask for something else, with a note on this place", True),
        ("search", "slash", "search", "Search", "Search paths and lines; capitals count only if you write some", True),
        ("previous", "N", "previous_match", "Previous", "Match before"),
        ("fold", "enter", "fold", "Fold", "Fold the file, or show it, viewed or not"),
        ("split", "w", "split", "Split", "Old and new side by side, or in one column"),
        ("save", "s", "save", "Save", "Write the diff into a file; `git apply` takes it"),
        ("back", "escape", "back", "Back", "Take back the search, then go back to the tasks"),
    ),
    *_table(
        Place.FILES,
        ("open", "enter,f", "open", "Open", "Go to this file", True),
        ("viewed", "v", "viewed", "Viewed", "Fold the file away as viewed; again: show it", True),
        ("search", "slash", "search", "Search", "Search paths and lines of the diff"),
        ("back", "escape", "back", "Back", "Go back to where you were", True),
    ),
    *_table(
        Place.PAGE,
        ("down", "j,down", "scroll_down", "Down", "One line down"),
        ("up", "k,up", "scroll_up", "Up", "One line up"),
        ("page-down", "pagedown,space", "page_down", "Page down", "One page down"),
        ("page-up", "pageup,b", "page_up", "Page up", "One page up"),
        ("top", "g,home", "scroll_home", "Top", "To the first line"),
        ("bottom", "G,end", "scroll_end", "Bottom", "To the last line"),
        ("back", "escape", "back", "Back", "Go back to the tasks"),
    ),
    *_table(
        Place.TASK,
        ("cancel", "x", "cancel", "Cancel", "Cancel (asks first)", True),
        ("retry", "r", "retry", "Retry", "Try again, with feedback or as it was", True),
        ("accept", "A", "accept", "Accept", "Deliver a change that waits for review", True),
        ("reject", "R", "reject", "Reject", "Drop a task that waits for you", True),
        ("answer", "c", "answer", "Answer", "Answer the model's question", True),
        ("edit", "e", "edit", "Edit", "Edit the prompt: of a queued task in place, of another one as a new task"),
        ("remove", "D", "remove", "Delete", "Delete a settled task with its log and files"),
        ("copy", "y", "copy", "Copy", "Copy the id, branch, diff, error, line …", True),
    ),
    *_table(
        Place.DASHBOARD,
        ("new", "n", "new", "New", "Write a new task", True),
        ("log", "1", "tab('log')", "Log", "The log"),
        ("diff", "2", "tab('diff')", "Diff", "The diff"),
        ("steps", "3", "tab('steps')", "Steps", "What was done, asked and verified"),
        ("info", "4", "tab('info')", "Info", "Every field of the task, its attempts and its error"),
        ("switch", "tab,shift+tab", "switch_pane", "Switch", "Between the tasks and the selected one"),
        ("zoom", "z", "zoom", "Zoom", "The selected task on the whole screen, and back"),
        ("pause", "p", "pause", "Pause", "Pause the queue, or go on: nothing more is started meanwhile"),
        ("stats", "S", "stats", "Stats", "What was done and what it cost"),
        ("help", "question_mark,f1", "app.help", "Help", "This help", True),
        ("quit", "q", "app.quit", "Quit", "Quit (asks while attempts run in here)", True),
    ),
    *_table(
        Place.LINES,
        ("down", "j,down", "cursor_down", "Down", "One line down"),
        ("up", "k,up", "cursor_up", "Up", "One line up; in a log like every move up it stops following"),
        ("page-down", "pagedown,space", "page_down", "Page down", "One page down"),
        ("page-up", "pageup,b", "page_up", "Page up", "One page up"),
        ("top", "g,home", "top", "Top", "To the first line"),
        ("bottom", "G,end", "bottom", "Bottom", "To the last line; a log is followed again"),
        ("right", "right,l", "right", "Right", "See the rest of long lines"),
        ("left", "left,h", "left", "Left", "Back to the start of lines"),
    ),
    *_table(
        Place.TEXT,
        ("submit", "ctrl+s", "submit", "Send", "Send it", True),
        ("editor", "ctrl+o,f4", "editor", "$EDITOR", "Write the text in your $EDITOR", True),
        ("back", "escape", "back", "Back", "Go back; what you wrote is kept", True),
    ),
    *_table(
        Place.STATS,
        ("span", "tab,right,l", "span(1)", "Longer", "Today, 7 days, 30 days", True),
        ("span-back", "shift+tab,left,h", "span(-1)", "Shorter", "The span before"),
        ("down", "j,down", "scroll_down", "Down", "Down"),
        ("up", "k,up", "scroll_up", "Up", "Up"),
        ("back", "escape,q,S", "back", "Back", "Back to the tasks", True),
    ),
)  # fmt: skip

BY_ID = {action.id: action for action in ACTIONS}

_NAMES = {
    "question_mark": "?", "slash": "/", "ampersand": "&", "asterisk": "*", "escape": "esc", "down": "↓", "up": "↑",
    "left": "←", "right": "→", "pagedown": "pgdn", "pageup": "pgup", "right_square_bracket": "]",
    "left_square_bracket": "[",
}  # fmt: skip


def key_name(key: str) -> str:
    """Textual's name of a key as people write it: `?` for `question_mark`."""
    return _NAMES.get(key.strip(), key.strip().replace("_", " "))


def at(place: Place) -> list[Action]:
    """The actions of one place, in the table's order."""
    return [action for action in ACTIONS if action.place is place]


def bindings(*places: Place) -> list[BindingType]:
    """What a widget or screen of these places puts into BINDINGS."""
    return [
        Binding(action.keys, action.run, action.label, show=action.hint, id=action.id)
        for place in places
        for action in at(place)
    ]


def as_markdown() -> str:
    """The keys as the guide prints them: one table a place."""
    return "\n".join(_section(place) for place in ordered_places())


def ordered_places() -> Iterable[Place]:
    """As the help and the guide list them: what is used most comes first."""
    first = (Place.DASHBOARD, Place.TASK, Place.TASKS)
    return (*first, *(place for place in Place if place not in first))


def _section(place: Place) -> str:
    rows = "".join(f"| `{action.shown}` | {action.help} | `{action.id}` |\n" for action in at(place))
    return f"### {place.value}\n\n| key | what | id |\n|---|---|---|\n{rows}"
