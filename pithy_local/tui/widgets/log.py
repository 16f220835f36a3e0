"""The live log: a window over the database that follows the end until the user looks up."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence

from rich.text import Text
from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from pithy_local.models import LogLine
from pithy_local.service import Needle
from pithy_local.tui import actions, look
from pithy_local.tui.models import wrapping
from pithy_local.tui.models.pages import KEPT, Pages, page_of
from pithy_local.tui.records import LogPart, Matches
from pithy_local.tui.widgets.lines import LineView


class LogView(LineView):
    """Lines of one task's log; `following` keeps the newest in view. New lines never move a paused view."""

    BINDINGS = actions.bindings(actions.Place.LOG)

    wrap: reactive[bool] = reactive(False)
    times: reactive[bool] = reactive(False)

    class Wants(Message):
        """Something about the log of `task` is to be read or asked."""

        def __init__(self, task: str) -> None:
            super().__init__()
            self.task = task

    class PagesWanted(Wants):
        """Lines are in view whose pages are not in memory."""

        def __init__(self, task: str, pages: Sequence[int]) -> None:
            super().__init__(task)
            self.pages = pages

    class FindWanted(Wants):
        """The next match from line `start` is wanted."""

        def __init__(self, task: str, needles: Sequence[Needle], start: int, *, backwards: bool) -> None:
            super().__init__(task)
            self.needles, self.start, self.backwards = needles, start, backwards

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
        super().__init__(id="log")
        self.shown: str | None = None
        self.following = True
        self.needle: Needle | None = None
        self.only: Needle | None = None
        self._seqs = array("Q")
        """The lines that the filter lets through."""
        self.scanned = 0
        self._pages = Pages()
        self._seen = 0
        self._widest = 0
        self._measured = 0
        self._asked: set[int] = set()
        self._wanted: set[int] = set()
        self._going = False
        """The cursor moves and takes the view along: nobody scrolls."""

    # ---- what is in the log

    @property
    def rows(self) -> int:
        return len(self._seqs) if self.only else self._pages.end

    @property
    def new_lines(self) -> int:
        """Lines that came in since the view was paused."""
        return 0 if self.following else self.rows - self._seen

    @property
    def current(self) -> LogLine | None:
        """The line under the cursor, if it is in memory."""
        return self._pages.line(self._seq(self.cursor)) if self.rows else None

    def _seq(self, row: int) -> int:
        return self._seqs[row] if self.only else row + 1

    def show(self, task: str | None) -> None:
        """Turn to another task, at its end and following."""
        if task == self.shown:
            return
        self.shown = task
        self._pages.clear()
        self._asked.clear()
        self._wanted.clear()
        self._widest = self._measured = 0
        self._forget_matches()
        self.following = True
        self.cursor = 0
        self._relayout()

    def take(self, part: LogPart) -> None:
        """Pages that were read; those of a task that is no longer shown are dropped."""
        if part.task != self.shown:
            return
        self._asked -= part.pages.keys()
        for page, lines in part.pages.items():
            self._pages.put(page, lines)
            unseen = [line for line in lines if line.seq > self._measured or page < page_of(self._measured)]
            self._widest = max([self._widest, *map(look.log_line_width, unseen)])
        self._pages.end = max(self._pages.end, part.end)
        self._measured = max([self._measured, *(lines[-1].seq for lines in part.pages.values() if lines)])
        self._relayout()

    def stale_pages(self) -> int:
        """How many of the newest pages a reader should bring along: none while the view is paused."""
        return 2 if self.following else 0

    # ---- filter and search

    def show_only(self, text: str) -> None:
        """Show only lines with this text; "" shows all of them. What was under the cursor stays there if it can."""
        needle = Needle(text=text) if text else None
        if needle == self.only:
            return
        at = self._seq(self.cursor) if self.rows and not self.following else None
        self.only = needle
        self._forget_matches()
        self._pages.kept = max(KEPT, 2 * self.view_height) if needle else KEPT  # a match a page, at worst
        if needle is None and at is not None:
            self._relayout()
            self.go(at - 1, center=True)
        else:
            self.follow()

    def take_matches(self, found: Matches) -> None:
        """Lines that the filter lets through, in order of their numbers."""
        if found.task != self.shown or found.needle != self.only or found.after != self.scanned:
            return
        self._seqs.extend(found.seqs)
        self.scanned = found.scanned
        self._relayout()

    @property
    def unscanned(self) -> Needle | None:
        """The filter, if there are lines that nobody has looked at for it."""
        return self.only if self.scanned < self._pages.end else None

    def search(self, text: str) -> None:
        """Look for this text: from the end upwards while the view follows, else from the cursor down."""
        self.needle = Needle(text=text) if text else None
        self.refresh()
        self._show_badge()
        if self.needle is not None and self.rows:
            start = self._seq(self.rows - 1 if self.following else self.cursor)
            self._find(start, backwards=self.following)

    def found(self, seq: int) -> None:
        """The next match is in this line."""
        row = bisect_left(self._seqs, seq) if self.only else seq - 1
        if row >= self.rows:
            return
        self.pause()
        self.go(row, center=True)

    def _find(self, start: int, *, backwards: bool) -> None:
        if self.shown is not None and self.needle is not None:
            needles = [needle for needle in (self.needle, self.only) if needle is not None]
            self.post_message(self.FindWanted(self.shown, needles, start, backwards=backwards))

    def _forget_matches(self) -> None:
        self._seqs, self.scanned = array("Q"), 0

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
        extra = 0
        if self.wrap and self.rows:
            placed = wrapping.place_up_to(self.rows - 1, self.view_height, self._parts_of)
            extra = self.view_height - (placed[-1][0] - placed[0][0] + 1) if placed else 0
        self.resize_to(0 if self.wrap else self._widest + (look.TIME_WIDTH if self.times else 0))
        self.virtual_size = self.virtual_size.with_height(self.rows + max(0, extra))
        if self.following:
            self.cursor = max(0, self.rows - 1)
            self.jump(self.max_scroll_y)
        self._show_badge()

    # ---- drawing

    def row_at(self, y: int) -> int | None:
        place = self._place(y)
        return place[0] if place else None

    def _place(self, y: int) -> wrapping.Place | None:
        if not self.wrap:
            row = self.scroll_offset.y + y
            return (row, 0) if row < self.rows else None
        placed = self._placed()
        return placed[y] if 0 <= y < len(placed) else None

    def _placed(self) -> list[wrapping.Place]:
        """What stands in view, line by line: at the very end the last line is at the bottom."""
        if self.following or self.scroll_offset.y >= self.max_scroll_y > 0:
            return wrapping.place_up_to(self.rows - 1, self.view_height, self._parts_of)
        return wrapping.place_from(self.scroll_offset.y, self.rows, self.view_height, self._parts_of)

    def show_row(self, row: int, *, center: bool = False) -> None:
        if not self.wrap:
            super().show_row(row, center=center)
        elif row <= self.scroll_offset.y:
            self.jump(row)
        elif (row, self._parts_of(row) - 1) not in self._placed():
            placed = wrapping.place_up_to(row, self.view_height, self._parts_of)
            first, part = placed[0] if placed else (row, 0)
            self.jump(min(row, first + 1 if part else first))

    def _parts_of(self, row: int) -> int:
        """How many lines of the view a row takes: never all of it, so that one can scroll past it."""
        return min(len(self._wrapped(row)), max(1, self.view_height - 1))

    def _wrapped(self, row: int) -> list[Text]:
        width = self.scrollable_content_region.width
        return wrapping.parts(self.draw(row, width) or Text(), width)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        if self.rows == y == 0 and self.shown is not None:
            return self.paint(-1, Text(self._nothing(), look.MUTED), width)
        place = self._place(y)
        if place is None:
            return Strip.blank(width, self.rich_style)
        row, part = place
        return self.paint(row, self._wrapped(row)[part] if self.wrap else self.draw(row, width), width)

    def draw(self, row: int, width: int) -> Text | None:
        seq = self._seq(row)
        line = self._pages.line(seq)
        if line is None:
            if self._pages.is_gone(seq):
                return Text("  no longer kept", look.MUTED)
            self._want(page_of(seq))
            return None
        return look.log_line(line, needle=self.needle or self.only, times=self.times)

    def _nothing(self) -> str:
        if self.only is None:
            return "  The log is empty."
        return "  Searching…" if self.unscanned else "  No line has this text; esc shows all of them."

    def _want(self, page: int) -> None:
        """Ask for this page, together with all others that the same frame misses."""
        if page in self._asked or self.shown is None:
            return
        if not self._wanted:
            self.call_later(self._ask)
        self._wanted.add(page)

    def _ask(self) -> None:
        if self._wanted and self.shown is not None:
            self._asked |= self._wanted
            self.post_message(self.PagesWanted(self.shown, sorted(self._wanted)))
            self._wanted.clear()

    @property
    def badge(self) -> Content:
        """Where the view stands: whether it follows, what it has not shown, what it looks for."""
        words = []
        if self.only is not None:
            words.append(f"&{look.line(self.only.text).plain} {self.rows:,} of {self._pages.end:,}")
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
        if self.rows:
            self._find(self._seq(self.cursor) + 1, backwards=False)

    def action_previous_match(self) -> None:
        if self.rows:
            self._find(self._seq(self.cursor) - 1, backwards=True)

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
        elif self.only is not None:
            self.show_only("")
        else:
            self.post_message(self.Left())
