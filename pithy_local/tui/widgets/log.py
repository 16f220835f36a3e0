"""The live log: a window over the database that follows the end until the user looks up."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.message import Message

from pithy_local.models import LogLine
from pithy_local.service import Needle
from pithy_local.tui import actions, look
from pithy_local.tui.records import LogPart, Matches
from pithy_local.tui.widgets.log_lines import LogLines


class LogView(LogLines):
    """The log of one task; `following` keeps the newest in view. New lines never move a paused view."""

    BINDINGS = actions.bindings(actions.Place.LOG)

    class FindWanted(Message):
        """The next match from line `start` is wanted."""

        def __init__(self, task: str, needles: Sequence[Needle], start: int, *, backwards: bool) -> None:
            super().__init__()
            self.task, self.needles, self.start, self.backwards = task, needles, start, backwards

    class BadgeChanged(Message):
        """`badge` says something else now."""

    class PromptWanted(Message):
        """The user wants to type a text to search for, or to filter by (`only`)."""

        def __init__(self, *, only: bool) -> None:
            super().__init__()
            self.only = only

    class DetailWanted(Message):
        def __init__(self, line: LogLine) -> None:
            super().__init__()
            self.line = line

    class SaveWanted(Message):
        """The user wants the log in a file."""

    class Left(Message):
        """The user goes back to the tasks."""

    def __init__(self) -> None:
        super().__init__("log")
        self.following = True
        self._seen = 0
        self._going = False
        """The cursor moves and takes the view along: nobody scrolls."""

    # ---- what is in the log

    @property
    def new_lines(self) -> int:
        """Lines that came in since the view was paused."""
        return 0 if self.following else self.rows - self._seen

    def show(self, task: str | None) -> None:
        """Turn to another task, at its end and following."""
        if task == self.window.task:
            return
        self.window.open(task)
        self.forget_asked()
        self.cursor = 0
        self.follow()

    def take(self, part: LogPart) -> None:
        """Pages that were read; those of a task that is no longer shown are dropped."""
        if self.window.take(part):
            self.got(list(part.pages))
            self._relayout()

    def take_matches(self, found: Matches) -> None:
        """Lines that the filter lets through, in order of their numbers."""
        if self.window.take_matches(found):
            self._relayout()

    def stale_pages(self) -> int:
        """How many of the newest pages a reader should bring along: none while the view is paused."""
        return 2 if self.following else 0

    # ---- filter and search

    def show_only(self, text: str) -> None:
        """Show only lines with this text; "" shows all of them, the line under the cursor among them."""
        needle = Needle(text=text) if text else None
        if needle == self.window.only:
            return
        at = self.window.seq(self.cursor) if self.rows and not self.following else None
        self.window.filter(needle, self.view_height)
        self.follow()
        if needle is None and at is not None:
            self.go(self.window.row_of(at), center=True)

    def search(self, text: str) -> None:
        """Look for this text: from the end upwards while the view follows, else from the cursor down."""
        self.needle = Needle(text=text) if text else None
        self.refresh()
        self._show_badge()
        if self.rows:
            self._find(self.rows - 1 if self.following else self.cursor, 0, backwards=self.following)

    def found(self, seq: int) -> None:
        """The next match is in this line."""
        row = self.window.row_of(seq)
        if row < self.rows:
            self.pause()
            self.go(row, center=True)

    def _find(self, row: int, step: int, *, backwards: bool) -> None:
        if self.window.task is not None and self.needle is not None and self.rows:
            needles = [needle for needle in (self.needle, self.window.only) if needle is not None]
            start = self.window.seq(row) + step
            self.post_message(self.FindWanted(self.window.task, needles, start, backwards=backwards))

    # ---- following

    def follow(self) -> None:
        """Go to the end and stay there."""
        self.following = True
        self._relayout()

    def pause(self) -> None:
        """Stay at these lines, whatever comes."""
        if self.following:
            self.following = False
            self._seen = self.rows
            self._show_badge()

    def go(self, row: int, *, center: bool = False) -> None:
        """Up pauses; the last line is followed again."""
        if row < self.rows - 1:
            self.pause()
        elif not self.following:
            self.following = True
        self._going = True
        super().go(row, center=center)
        self._going = False
        self._show_badge()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """The wheel and the scroll bar: up pauses, down to the very end follows again."""
        super().watch_scroll_y(old_value, new_value)
        at_end = round(new_value) >= self.max_scroll_y
        if self.following and new_value < old_value and not at_end:
            self.pause()
        elif not self.following and new_value > old_value and at_end and not self._going:
            self.following = True  # no scrolling in here: Textual may be in the middle of an animation
            self.cursor = max(0, self.rows - 1)
            self._show_badge()
        if not self.following and not self._going:
            self._keep_cursor_in_view()

    def _keep_cursor_in_view(self) -> None:
        top, height = self.scroll_offset.y, max(1, self.view_height)
        self.cursor = max(top, min(self.cursor, top + height - 1, self.rows - 1))

    def on_resize(self, event: events.Resize) -> None:
        self._relayout()

    def watch_wrap(self) -> None:
        self._relayout()

    def watch_times(self) -> None:
        self._relayout()

    def _relayout(self) -> None:
        """Bring the scroll range up to date, and the end into view if it is followed."""
        self.lay_out()
        if self.following:
            self.cursor = max(0, self.rows - 1)
            self.jump(self.max_scroll_y)
        self._show_badge()

    @property
    def badge(self) -> Content:
        """Where the view stands: whether it follows, what it has not shown, what it looks for."""
        words = []
        if self.window.only is not None:
            words.append(f"&{look.line(self.window.only.text).plain} {self.rows:,} of {self.window.kept:,}")
        if self.needle is not None:
            words.append(f"/{look.line(self.needle.text).plain}")
        if not self.following:
            words.append(f"{self.cursor + 1:,} of {self.rows:,}")
        words.append("FOLLOW ▼" if self.following else f"PAUSED +{self.new_lines:,} new ▼")
        return Content.styled(f" {' · '.join(words)} ", "bold")

    def _show_badge(self) -> None:
        self.post_message(self.BadgeChanged())

    # ---- actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a search its keys mean what they mean everywhere."""
        return self.needle is not None if action in ("next_match", "previous_match") else True

    def action_search(self) -> None:
        self.post_message(self.PromptWanted(only=False))

    def action_filter(self) -> None:
        self.post_message(self.PromptWanted(only=True))

    def action_next_match(self) -> None:
        self._find(self.cursor, 1, backwards=False)

    def action_previous_match(self) -> None:
        self._find(self.cursor, -1, backwards=True)

    def action_follow(self) -> None:
        self.follow()

    def action_bottom(self) -> None:
        self.follow()

    def action_wrap(self) -> None:
        self.wrap = not self.wrap

    def action_times(self) -> None:
        self.times = not self.times

    def action_save(self) -> None:
        self.post_message(self.SaveWanted())

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
