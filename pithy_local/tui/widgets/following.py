"""A log that follows its end until the user looks up; then it stays where it is, whatever comes in or is removed."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from pithy_local.tui.records import LogPart, Matches
from pithy_local.tui.widgets.log_lines import LogLines

RETRY_SECONDS = 1.0
"""Between two requests for lines that could not be read."""


class FollowingLog(LogLines):
    """`following` keeps the newest line in view. New lines never move a paused view."""

    def __init__(self, id: str) -> None:  # noqa: A002
        super().__init__(id)
        self.following = True
        self._seen = 0
        """The last line there was when the view was paused."""

    def stands_elsewhere(self) -> None:
        """It follows or it does not, the cursor or the end is another line now. For subclasses that show it."""

    # ---- what is in the log

    @property
    def new_lines(self) -> int:
        """Lines that came in since the view was paused."""
        return 0 if self.following else max(0, self.rows - self.window.row_of(self._seen + 1))

    def stale_pages(self) -> int:
        """How many of the newest pages a reader should bring along: none while the view is paused."""
        return 2 if self.following else 0

    def take(self, part: LogPart) -> None:
        """Pages that were read, or could not be; those of a task that is no longer shown are dropped."""
        if part.task == self.window.task and part.unread:
            self._ask_again(part.unread)
        before = self.window.dropped
        if self.window.take(part):
            self.got(list(part.pages))
            self._stay(self.window.dropped - before)
            self.relayout()

    def take_matches(self, found: Matches) -> None:
        """Lines that the filter lets through, in order of their numbers."""
        if self.window.take_matches(found):
            self.relayout()

    def _ask_again(self, pages: Sequence[int]) -> None:
        """In a while, for those that are in view still."""
        self.got(pages)
        self.set_timer(RETRY_SECONDS, self.refresh)

    def _stay(self, dropped: int) -> None:
        """So many rows left at the front: a paused view shows the same lines, as far as they are there."""
        if dropped and not self.following:
            with self._taking_along():
                self.cursor = max(0, self.cursor - dropped)
                self.jump(max(0, self.scroll_offset.y - dropped))

    # ---- following

    def follow(self) -> None:
        """Go to the end and stay there."""
        self.following = True
        self.relayout()

    def pause(self) -> None:
        """Stay at these lines, whatever comes."""
        if self.following:
            self.following = False
            self._seen = self.window.end
            self.stands_elsewhere()

    def go(self, row: int, *, center: bool = False) -> None:
        """Up pauses; the last line is followed again."""
        if row < self.rows - 1:
            self.pause()
        elif not self.following:
            self.following = True
        with self._taking_along():
            super().go(row, center=center)
        self.stands_elsewhere()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """The wheel and the scroll bar: up pauses, down to the very end follows again."""
        super().watch_scroll_y(old_value, new_value)
        at_end = round(new_value) >= self.max_scroll_y
        if self.following and new_value < old_value and not at_end:
            self.pause()
        elif not self.following and new_value > old_value and at_end and not self._going:
            self.following = True  # no scrolling in here: Textual may be in the middle of an animation
            self.cursor = max(0, self.rows - 1)
            self.stands_elsewhere()
        if not self.following and not self._going:
            self._keep_cursor_in_view()

    def _keep_cursor_in_view(self) -> None:
        view = self.in_view
        if view:
            self.cursor = max(view[0], min(self.cursor, view[-1]))
            self.stands_elsewhere()

    # ---- room

    def on_resize(self, event: events.Resize) -> None:
        self._rearrange()

    def watch_wrap(self) -> None:
        self._rearrange()

    def watch_times(self) -> None:
        self.relayout()

    def _rearrange(self) -> None:
        """Each row takes other room now; the cursor's stays in view."""
        self.relayout()
        if not self.following and self.rows:
            with self._taking_along():
                self.show_row(self.cursor)

    def relayout(self) -> None:
        """Bring the scroll range up to date, and the end into view if it is followed."""
        self.lay_out()
        if self.following:
            self.cursor = max(0, self.rows - 1)
            self.jump(self.max_scroll_y)
        self.stands_elsewhere()
