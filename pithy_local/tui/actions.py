"""The one table of actions: bindings, hints, help, palette and the guide's tables are all made from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from textual.binding import Binding, BindingType

from pithy_local.tui.keynames import shown_keys


class Place(Enum):
    """Where an action's keys work; the value is its heading in the help."""

    DASHBOARD = "The dashboard"
    TASK = "The selected task, or those that are marked"
    TASKS = "Tasks"
    LINES = "Moving in tasks, log and diff"
    LOG = "Log"
    DIFF = "Diff"
    FILES = "The files of a diff"
    PAGE = "Steps, info, statistics, help"
    PROMPT = "The line to type into"
    TEXT = "Writing a task, feedback or an answer"
    ASK = "Questions"
    COPY = "What to copy"
    LINE = "A log line, whole"
    STATS = "Statistics"
    DOCTOR = "This machine"
    REPLAY = "A replay"
    HELP = "Help"
    DIALOG = "Every dialog"
    APP = "Everywhere, in dialogs as well"


_MAIN = (Place.DASHBOARD, Place.TASK, Place.APP)
HEARD: dict[Place, tuple[Place, ...]] = {
    Place.TASKS: (Place.TASKS, Place.LINES, *_MAIN),
    Place.LOG: (Place.LOG, Place.LINES, *_MAIN),
    Place.DIFF: (Place.DIFF, Place.LINES, *_MAIN),
    Place.FILES: (Place.FILES, Place.LINES, *_MAIN),
    Place.PAGE: (Place.PAGE, *_MAIN),
    Place.PROMPT: (Place.PROMPT, Place.APP),
    Place.TEXT: (Place.TEXT, Place.DIALOG, Place.APP),
    Place.ASK: (Place.ASK, Place.DIALOG, Place.APP),
    Place.COPY: (Place.COPY, Place.DIALOG, Place.APP),
    Place.LINE: (Place.PAGE, Place.LINE, Place.DIALOG, Place.APP),
    Place.STATS: (Place.PAGE, Place.STATS, Place.DIALOG, Place.APP),
    Place.DOCTOR: (Place.PAGE, Place.DOCTOR, Place.DIALOG, Place.APP),
    Place.REPLAY: (Place.PAGE, Place.REPLAY, Place.DIALOG, Place.APP),
    Place.HELP: (Place.PAGE, Place.HELP, Place.APP),
}
"""By what has the focus: the places whose keys are heard then. A key is the first one's that has it."""
TYPED = (Place.PROMPT, Place.TEXT)
"""Where text is typed: a text field has keys of its own, and takes them first."""
FIRST = ("text.next", "text.previous", "app.palette", "app.quit")
"""Done before a text field sees the key, and before the next one is looked at, which is for what this one leads to."""
OPENED_BY = {
    "ask.yes": ("task.cancel", "task.accept", "task.reject", "task.remove", "dashboard.pause"),
    "ask.leave": ("dashboard.quit", "app.quit"),
    "ask.cancel": ("dashboard.quit", "app.quit"),
}
"""Answers that cannot be undone, and what opens their question: pressing its key twice must not give them."""


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
    def each_key(self) -> list[str]:
        return self.keys.split(",")

    @property
    def shown(self) -> str:
        """The keys as people write them."""
        return shown_keys(self.each_key)


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
        ("filter", "slash", "screen.ask('tasks')", "Filter", "Filter: status:failed repo:api !word", True),
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
        ("search", "slash", "screen.ask('search')", "Search", "Search; capitals count only where you write some", True),
        ("previous", "N", "previous_match", "Previous", "Match before"),
        ("filter", "ampersand", "screen.ask('only')", "Only", "Show only the lines with this text", True),
        ("follow", "f", "follow", "Follow", "Go to the log's end and follow it", True),
        ("wrap", "w", "wrap", "Wrap", "Break long lines, or cut them at the edge", True),
        ("times", "t", "times", "Times", "Show when each line was written"),
        ("next-error", "J", "next_error", "Error ↓", "Next line with an error (`failed`, `ValueError`, `exit code 1`)"),
        ("previous-error", "K", "previous_error", "Error ↑", "Line with an error before; from the end the last one"),
        ("go-to", "colon", "screen.ask('line')", "Go to line", "Go to a line by its number; `$` is the end"),
        ("next-attempt", "right_square_bracket", "next_attempt", "Attempt ↓", "To where the next attempt begins"),
        ("previous-attempt", "left_square_bracket", "previous_attempt", "Attempt ↑",
         "To where this attempt begins, then the one before"),
        ("detail", "enter", "detail", "Line", "This line, whole"),
        ("save", "s", "screen.ask('save')", "Save", "Write the whole log into a file"),
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
        ("send-back", "b", "screen.send_back", "Send back", "Ask for something else, with a note on this place", True),
        ("search", "slash", "screen.ask('find')", "Search",
         "Search paths and lines; capitals count only where you write some", True),
        ("previous", "N", "previous_match", "Previous", "Match before"),
        ("next-attempt", "right_curly_bracket", "next_attempt", "Attempt ↓", "What the next attempt made"),
        ("previous-attempt", "left_curly_bracket", "previous_attempt", "Attempt ↑", "What the attempt before made"),
        ("fold", "enter", "fold", "Fold", "Fold the file, or show it, viewed or not"),
        ("split", "w", "split", "Split", "Old and new side by side, or in one column"),
        ("save", "s", "screen.ask('save-diff')", "Save", "Write the diff into a file; `git apply` takes it"),
        ("back", "escape", "back", "Back", "Take back the search, then go back to the tasks"),
    ),
    *_table(
        Place.FILES,
        ("open", "enter,f", "open", "Open", "Go to this file", True),
        ("viewed", "v", "viewed", "Viewed", "Fold the file away as viewed; again: show it", True),
        ("search", "slash", "screen.ask('find')", "Search", "Search paths and lines of the diff"),
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
        ("run", "u", "run_now", "Run now", "Begin a queued task now, whatever it waits for, also while all are paused"),
        ("replay", "P", "replay", "Replay", "The last attempt once more from its recorded replies: it costs nothing"),
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
        ("doctor", "d", "doctor", "Doctor", "Look at this machine: what stops tasks from running, and what helps"),
        ("copy-selection", "ctrl+c", "app.copy_selected", "Copy selection", "Copy what the mouse has selected"),
        ("suspend", "ctrl+z", "app.suspend_process", "Suspend",
         "Back to the shell for a while, `fg` comes back (not while attempts run in here)"),
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
        Place.PROMPT,
        ("take", "enter", "take", "Take it", "What is written holds", True),
        ("back", "escape", "back", "Back", "What was there before holds again", True),
    ),
    *_table(
        Place.TEXT,
        ("submit", "ctrl+s", "submit", "Send", "Send it", True),
        ("editor", "ctrl+o,f4", "editor", "$EDITOR", "Write the text in your $EDITOR", True),
        ("next", "tab", "app.focus_next", "Next field", "The next field"),
        ("previous", "shift+tab", "app.focus_previous", "Field before", "The field before"),
        ("back", "escape", "back", "Back", "Go back; what you wrote is kept", True),
    ),
    *_table(
        Place.ASK,
        ("no", "n,escape", "answer('no')", "No", "Nothing is done; it has the focus, so enter does it too"),
        ("yes", "y", "answer('yes')", "Yes", "Do it"),
        ("stay", "s", "answer('stay')", "Stay", "Do not quit"),
        ("leave", "l", "answer('leave')", "Leave", "Quit and leave the attempts running: they are taken up again"),
        ("cancel", "c", "answer('cancel')", "Cancel", "Quit and cancel the attempts"),
        ("next", "tab,right,down,j", "app.focus_next", "Next button", "The next button"),
        ("previous", "shift+tab,left,up,k", "app.focus_previous", "Button before", "The button before"),
        ("page-down", "pagedown,space", "page_down", "Page down", "The rest of a long question"),
        ("page-up", "pageup,b", "page_up", "Page up", "Back to its beginning"),
    ),
    *_table(
        Place.COPY,
        ("id", "i", "take('id')", "id", "The id; of several marked tasks one a line"),
        ("branch", "b", "take('branch')", "branch", "The branch"),
        ("pr", "u", "take('pr')", "pull request", "The pull request's address"),
        ("diff", "d", "take('diff')", "diff", "The diff, as `git apply` takes it"),
        ("error", "e", "take('error')", "last error", "The last error with its hint"),
        ("line", "l", "take('line')", "line", "The line under the cursor of the log or the diff"),
        ("place", "f", "take('place')", "place", "File and line number under the cursor of the diff"),
        ("hunk", "h", "take('hunk')", "hunk", "The hunk around the cursor of the diff; at a file's head all of it"),
        ("prompt", "p", "take('prompt')", "prompt", "The prompt"),
        ("git", "g", "take('git')", "git command", "The git command that fetches the branch"),
        ("back", "escape,q", "back", "Back", "Copy nothing", True),
    ),
    *_table(
        Place.LINE,
        ("copy", "y", "copy", "Copy", "Copy the line", True),
        ("back", "escape,enter,q", "back", "Back", "Back to the log", True),
    ),
    *_table(
        Place.STATS,
        ("span", "tab,right,l", "span(1)", "Span", "Today, 7 days, 30 days, and round again", True),
        ("span-back", "shift+tab,left,h", "span(-1)", "Span before", "The span before"),
        ("back", "escape,q,S", "back", "Back", "Back to the tasks", True),
    ),
    *_table(
        Place.DOCTOR,
        ("again", "d,r", "look_again", "Look again", "Look at this machine again", True),
        ("back", "escape,q", "back", "Back", "Back to the tasks", True),
    ),
    *_table(
        Place.REPLAY,
        ("back", "escape,q", "back", "Back", "Back to the tasks; a replay that still runs is stopped", True),
    ),
    *_table(
        Place.HELP,
        ("back", "escape,q", "back", "Back", "Where you came from; what opened the help closes it, too", True),
    ),
    *_table(
        Place.DIALOG,
        ("help", "f1,question_mark", "help", "Help", "What this dialog is for, and its keys (`?` is text in a field)"),
    ),
    *_table(
        Place.APP,
        ("palette", "ctrl+p", "app.command_palette", "Commands", "Every command and every task by name"),
        ("quit", "ctrl+q", "app.quit", "Quit", "Quit (asks while attempts run in here)"),
    ),
)  # fmt: skip

BY_ID = {action.id: action for action in ACTIONS}


def at(place: Place) -> list[Action]:
    """The actions of one place, in the table's order."""
    return [action for action in ACTIONS if action.place is place]


def bindings(*places: Place) -> list[BindingType]:
    """What a widget or screen of these places puts into BINDINGS."""
    return [
        Binding(action.keys, action.run, action.label, show=action.hint, id=action.id, priority=action.id in FIRST)
        for place in places
        for action in at(place)
    ]
