"""What an empty home says: what this is, how to begin, and what the doctor found on this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from pithy_local.tui import look

if TYPE_CHECKING:
    from pithy_local.doctor import Check

WELCOME = """\
Type a task, get a pull request.

There is no task yet. Press {new} and say which repository and what should change: an AI agent does it in a throw-away \
sandbox on this machine and pushes a branch for you to look at.

{help} shows every key. `pithy-local demo` shows it all without a key.

"""

_MARKS = {True: ("✓", "green"), None: ("!", "yellow"), False: ("✗", look.RED)}

Key = Callable[[str], str]
"""The key of an action, as people write it."""


def welcome(checks: Sequence[Check], key: Key, *, running: bool) -> Text:
    """`findings` under a word of welcome."""
    first, rest = WELCOME.format(new=key("dashboard.new"), help=key("dashboard.help")).split("\n", 1)
    shown = Text.styled(first, "bold").append(f"\n{rest}", "not bold")
    return shown.append_text(findings(checks, key, running=running))


def findings(checks: Sequence[Check], key: Key, *, running: bool) -> Text:
    """What the doctor found so far (`running`: more will come), the worst first. What is well takes one line."""
    shown = Text.styled("This machine  ", "bold")
    well = [check.name for check in checks if check.ok]
    shown.append_text(look.line(f"✓ {', '.join(well)}", "green") if well else Text())
    for check in sorted((each for each in checks if each.ok is not True), key=lambda each: each.ok is None):
        glyph, style = _MARKS[check.ok]
        shown.append("\n\n").append_text(look.line(f"{glyph} {check.name}: {check.message}", style))
        if check.fix:
            shown.append("\n  ").append_text(look.line(f"→ {check.fix}"))
    return shown.append("\n\n").append_text(_verdict(checks, key, running=running))


def _verdict(checks: Sequence[Check], key: Key, *, running: bool) -> Text:
    if running:
        return Text("Looking at this machine …", look.MUTED)
    wrong = sum(check.ok is False for check in checks)
    new, again = key("dashboard.new"), key("dashboard.doctor")
    if not wrong:
        return Text(f"Ready: press {new}.", "bold green")
    things = "One thing stops" if wrong == 1 else f"{wrong} things stop"
    words = f"{things} tasks from running. {again} looks again; what you write with {new} waits until then."
    return Text(words, "bold")
