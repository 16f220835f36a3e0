"""The live log: what its keys do, which lines it shows, and what it says about itself."""

from __future__ import annotations

from textual.content import Content
from textual.message import Message

from pithy_local.models import LogLine
from pithy_local.service import Needle
from pithy_local.text import clip
from pithy_local.tui import actions
from pithy_local.tui.models.linenumber import line_number
from pithy_local.tui.widgets.log_search import NEEDLE_SHOWN, SearchedLog, short


class LogView(SearchedLog):
    """The log of one task: a window over the database, with a search and a filter."""

    BINDINGS = actions.bindings(actions.Place.LOG)

    class BadgeChanged(Message):
        """`badge` says something else now."""

    class DetailWanted(Message):
        def __init__(self, line: LogLine) -> None:
            super().__init__()
            self.line = line

    class Left(Message):
        """The user goes back to the tasks."""

    def __init__(self) -> None:
        super().__init__("log")

    def show(self, task: str | None) -> None:
        """Turn to another task, all of it, at its end and following; what is searched for stays."""
        if task == self.window.task:
            return
        self.window.filter(None, self.view_height)
        self.window.open(task)
        self.forget_asked()
        self.cursor = 0
        self.follow()

    # ---- which lines

    def show_only(self, text: str) -> None:
        """Show only lines with this text; "" shows all of them, the line under the cursor among them."""
        needle = Needle(text=text) if text else None
        if needle == self.window.only:
            return
        at = self.window.seq(self.cursor) if self.rows and not self.following else None
        self.window.filter(needle, self.view_height)
        self.post_message(self.ScansChanged())
        self.follow()
        if needle is None and at is not None:
            self.go(self.window.row_of(at), center=True)

    def go_to(self, text: str) -> None:
        """Go to the line with this number; to the end for one that is past it, for `$` and for nothing at all."""
        end = self.window.end
        number = line_number(text, end)
        if number is None:
            said = f"`{clip(text.strip(), NEEDLE_SHOWN)}` is no line's number; `$` is the end"
            self.post_message(self.Noted(said, grave=True))
        elif not self.rows:
            self.post_message(self.Noted("There is no line to go to", grave=True))
        elif number >= end:
            self.action_follow()
            if number > end:
                self.post_message(self.Noted(f"The log ends at line {end:,}"))
        else:
            self._go_near(number)

    def _go_near(self, number: int) -> None:
        """Go to this line, or the next that is there and shown; else the last one."""
        row = min(self.window.row_of(number), self.rows - 1)
        self.go(row, center=True)
        here = self.window.seq(row)
        if number < self.window.first:
            self.post_message(self.Noted(f"The log begins at line {self.window.first:,}"))
        elif number != here:
            self.post_message(self.Noted(f"The filter hides line {number:,}; this is line {here:,}"))

    # ---- the badge

    @property
    def badge(self) -> Content:
        """Where the view stands: whether it follows, what it has not shown, what it looks for."""
        new = f" +{self.new_lines:,} new" if self.new_lines else ""
        words = ["FOLLOW ▼" if self.following else f"PAUSED{new} ▼"]  # the end may be cut
        first, last = self.search_words
        words += first
        if not self.following and self.rows:
            words.append(f"line {self.window.seq(self.cursor):,} of {self.window.end:,}")
        if self.window.attempts > 1 and self.rows:
            words.append(f"attempt {self.window.attempt(self.cursor)}")
        words += last
        if self.window.only is not None:
            words.append(f"&{short(self.window.only)} {self.rows:,} of {self.window.kept:,}")
        return Content.styled(f" {' · '.join(words)} ", "bold")

    def stands_elsewhere(self) -> None:
        self.post_message(self.BadgeChanged())

    # ---- actions

    def action_next_attempt(self) -> None:
        self._go_to_attempt([row for row in self.window.attempt_rows() if row > self.cursor][:1])

    def action_previous_attempt(self) -> None:
        self._go_to_attempt([row for row in self.window.attempt_rows() if row < self.cursor][-1:])

    def _go_to_attempt(self, rows: list[int]) -> None:
        for row in rows:
            self.go(row, center=True)

    def action_follow(self) -> None:
        self.scroll_to(x=0, animate=False, force=True)
        self.follow()

    def action_bottom(self) -> None:
        self.action_follow()

    def action_wrap(self) -> None:
        self.wrap = not self.wrap

    def action_times(self) -> None:
        self.times = not self.times

    def action_detail(self) -> None:
        line = self.current
        if line is not None:
            self.post_message(self.DetailWanted(line))

    def on_open(self) -> None:
        self.action_detail()

    def action_back(self) -> None:
        """One step back at a time: the search, the filter, then the tasks."""
        if self.needle is not None:
            self.search("")
        elif self.window.only is not None:
            self.show_only("")
        else:
            self.post_message(self.Left())
