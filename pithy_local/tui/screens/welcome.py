"""What an empty home shows: what this is, how to begin, and what the doctor found on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from pithy_local.tui import look

if TYPE_CHECKING:
    from pithy_local.doctor import Check

WELCOME = """\
Type a task, get a pull request.

There is no task yet. Press n and say which repository and what should change: an AI agent does it in a throw-away \
sandbox on this machine and pushes a branch for you to look at.

? shows every key. `pithy-local demo` shows it all without a key."""

_MARKS = {True: ("✓", "green"), None: ("!", "yellow"), False: ("✗", look.RED)}


def welcome(checks: Sequence[Check], *, running: bool) -> Text:
    """`checks` so far; `running`: more will come. What is well takes one line together, the rest one each."""
    first, rest = WELCOME.split("\n", 1)
    shown = Text.styled(first, "bold").append(f"\n{rest}", "not bold").append("\n\nThis machine  ", "bold")
    well = [check.name for check in checks if check.ok]
    shown.append_text(look.line(f"✓ {', '.join(well)}", "green") if well else Text())
    for check in (each for each in checks if each.ok is not True):
        glyph, style = _MARKS[check.ok]
        shown.append("\n\n").append_text(look.line(f"{glyph} {check.name}: {check.message}", style))
        if check.fix:
            shown.append("\n  ").append_text(look.line(f"→ {check.fix}"))
    if running:
        shown.append("\n\nLooking at this machine …", look.MUTED)
    elif all(check.ok is not False for check in checks):
        shown.append("\n\nReady: press n.", "bold green")
    return shown
