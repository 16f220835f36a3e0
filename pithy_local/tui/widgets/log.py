"""The live log: what its keys do, what is looked for in it, and what it says about itself."""

from __future__ import annotations

from dataclasses import replace

from textual.content import Content
from textual.message import Message

from pithy_local.models import LogLine
from pithy_local.service import Needle
from pithy_local.text import clip
from pithy_local.tui import actions, look
from pithy_local.tui.records import Hunt, LogPart
from pithy_local.tui.widgets.following import FollowingLog

NEEDLE_SHOWN = 24


class LogView(FollowingLog):
    """The log of one task: a window over the database, with a search and a filter."""

    BINDINGS = actions.bindings(actions.Place.LOG)

    class FindWanted(Message):
        """The next match is wanted; `found` takes the answer."""

        def __init__(self, hunt: Hunt) -> None:
            super().__init__()
            self.hunt = hunt

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
        self.hunt: Hunt | None = None
        """What is being looked for; an answer to anything else comes too late."""
        self._verdict = ""
        """What there is to say about the last match."""
        self._unrevealed: int | None = None
        """The line whose match is to be brought into view as soon as it is in memory."""

    def show(self, task: str | None) -> None:
        """Turn to another task, all of it, at its end and following; what is searched for stays."""
        if task == self.window.task:
            return
        self.window.filter(None, self.view_height)
        self.window.open(task)
        self.forget_asked()
        self.cursor = 0
        self.follow()

    def take(self, part: LogPart) -> None:
        super().take(part)
        self._reveal()

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
        """Look for this text: from the end upwards while the view follows, else from the cursor down.

        "" looks for nothing any more, and goes back to where lines begin.
        """
        self.needle = Needle(text=text) if text else None
        self._forget_hunt()
        self.refresh()
        if not text:
            self.scroll_to(x=0, animate=False, force=True)
        self.stands_elsewhere()
        if self.rows:
            self._find(self.rows - 1 if self.following else self.cursor, 0, backwards=self.following)

    def found(self, hunt: Hunt, seq: int | None) -> None:
        """The match that was looked for is in this line; None: there is none."""
        if hunt != self.hunt:
            return
        self._forget_hunt()
        row = self.window.row_of(seq) if seq is not None else self.rows
        if row < self.rows:
            self.go(row, center=True)
            self.pause()  # also in the last line: a match is to be looked at
            self._unrevealed = seq
            self._reveal()
        self._verdict = _verdict(hunt, seq)
        self.stands_elsewhere()

    def _find(self, row: int, step: int, *, backwards: bool) -> None:
        """Look for the next match; while one is looked for already, for the one after that."""
        if self.window.task is None or self.needle is None or not self.rows:
            return
        if self.hunt is not None and self.hunt.backwards == backwards:
            self.hunt = replace(self.hunt, steps=self.hunt.steps + 1)
        else:
            needles = tuple(needle for needle in (self.needle, self.window.only) if needle is not None)
            start = self.window.seq(row) + step
            self.hunt = Hunt(task=self.window.task, needles=needles, start=start, backwards=backwards)
        self.post_message(self.FindWanted(self.hunt))
        self.stands_elsewhere()

    def _reveal(self) -> None:
        """Scroll sideways to the match, once its line is in memory."""
        row = self.window.row_of(self._unrevealed) if self._unrevealed is not None else self.rows
        text = self.draw(row, self.scrollable_content_region.width) if row < self.rows else None
        if text is not None:
            self._unrevealed = None
            if not self.wrap:
                self.show_columns(*look.first_match(text))

    def go(self, row: int, *, center: bool = False) -> None:
        self._forget_hunt()
        super().go(row, center=center)

    def follow(self) -> None:
        self._forget_hunt()
        super().follow()

    def _forget_hunt(self) -> None:
        """The user goes somewhere else: what is found now must not take him away."""
        self.hunt = self._unrevealed = None
        self._verdict = ""

    # ---- the badge

    @property
    def badge(self) -> Content:
        """Where the view stands: whether it follows, what it has not shown, what it looks for."""
        words = ["FOLLOW ▼" if self.following else f"PAUSED +{self.new_lines:,} new ▼"]  # first: the end may be cut
        if not self.following:
            words.append(f"{self.cursor + 1:,} of {self.rows:,}")
        if self.window.attempts > 1 and self.rows:
            words.append(f"attempt {self.window.attempt(self.cursor)}")
        if self.needle is not None:
            words.append(f"/{_short(self.needle)}{' …' if self.hunt is not None else self._verdict}")
        if self.window.only is not None:
            words.append(f"&{_short(self.window.only)} {self.rows:,} of {self.window.kept:,}")
        return Content.styled(f" {' · '.join(words)} ", "bold")

    def stands_elsewhere(self) -> None:
        self.post_message(self.BadgeChanged())

    # ---- actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a search its keys mean what they mean everywhere."""
        return self.needle is not None if action in ("next_match", "previous_match") else True

    def action_next_match(self) -> None:
        self._find(self.cursor, 1, backwards=False)

    def action_previous_match(self) -> None:
        self._find(self.cursor, -1, backwards=True)

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


def _verdict(hunt: Hunt, seq: int | None) -> str:
    """What is said of a search beside its text."""
    if seq is None:
        return " is nowhere"
    return " went round" if (seq > hunt.start if hunt.backwards else seq < hunt.start) else ""


def _short(needle: Needle) -> str:
    """What is looked for, in few columns."""
    return clip(look.line(needle.text).plain, NEEDLE_SHOWN)
