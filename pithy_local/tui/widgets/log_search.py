"""Looking for things in a log: for a text, from match to match, and from error to error."""

from __future__ import annotations

from dataclasses import replace

from textual.message import Message

from pithy_local.service import ERRORS, Needle, Sought
from pithy_local.text import clip
from pithy_local.tui import look
from pithy_local.tui.records import Hunt, LogPart, Matches, Scan
from pithy_local.tui.widgets.following import FollowingLog

NEEDLE_SHOWN = 24


class SearchedLog(FollowingLog):
    """One thing is looked for at a time, in the background: `found` takes the answer. A search's matches are counted
    meanwhile."""

    class FindWanted(Message):
        """The next match is wanted."""

        def __init__(self, hunt: Hunt) -> None:
            super().__init__()
            self.hunt = hunt

    class ScansChanged(Message):
        """`scans` are others now, or none any more."""

    class Noted(Message):
        """The user is to be told something; `grave`: what he wanted cannot be."""

        def __init__(self, text: str, *, grave: bool = False) -> None:
            super().__init__()
            self.text, self.grave = text, grave

    def __init__(self, id: str) -> None:  # noqa: A002
        super().__init__(id)
        self.hunt: Hunt | None = None
        """What is being looked for; an answer to anything else comes too late."""
        self._round = self._nowhere = False
        """Whether the last match was found from the other end only, or not at all."""
        self._unrevealed: int | None = None
        """The line whose match is to be brought into view as soon as it is in memory."""

    @property
    def scans(self) -> list[Scan]:
        """What is to be looked through in the background: no match is counted while one is waited for."""
        return [scan for scan in self.window.unscanned if self.hunt is None or scan.most is None]

    def take(self, part: LogPart) -> None:
        super().take(part)
        self._reveal()

    def take_matches(self, found: Matches) -> None:
        super().take_matches(found)
        self.stands_elsewhere()

    def search(self, text: str) -> None:
        """Look for this text: from the end upwards while the view follows, else from the cursor down.

        "" looks for nothing any more, and goes back to where lines begin.
        """
        self.needle = Needle(text=text) if text else None
        self.window.count(self.needle)
        self.post_message(self.ScansChanged())
        self._forget_hunt()
        self.refresh()
        if not text:
            self.scroll_to(x=0, animate=False, force=True)
        self.stands_elsewhere()
        if self.needle is not None and self.rows:
            row = self.rows - 1 if self.following else self.cursor
            self._find(self.needle, row, 0, backwards=self.following)

    def found(self, hunt: Hunt, seq: int | None) -> None:
        """What was looked for is in this line; None: it is nowhere."""
        if hunt != self.hunt:
            return
        self._forget_hunt()
        errors = ERRORS in hunt.needles
        row = self.window.row_of(seq) if seq is not None else self.rows
        if row < self.rows:
            self.go(row, center=True)
            self.pause()  # also in the last line: a match is to be looked at
            self._unrevealed = None if errors else seq
            self._reveal()
        went_round = seq is not None and (seq > hunt.start if hunt.backwards else seq < hunt.start)
        if not errors:
            self._round, self._nowhere = went_round, seq is None
        elif seq is None:
            shown = " that is shown" if self.window.only else ""
            self.post_message(self.Noted(f"No line{shown} tells of an error", grave=True))
        elif went_round:
            self.post_message(self.Noted("Looking for errors went on from the other end"))
        self.stands_elsewhere()

    def _find(self, needle: Sought, row: int, step: int, *, backwards: bool) -> None:
        """Look for the next line with it; while it is looked for already, for the one after that."""
        if self.window.task is None or not self.rows:
            return
        needles = tuple(each for each in (needle, self.window.only) if each is not None)
        if self.hunt is not None and (self.hunt.needles, self.hunt.backwards) == (needles, backwards):
            self.hunt = replace(self.hunt, steps=self.hunt.steps + 1)
        else:
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
        self._round = self._nowhere = False

    @property
    def search_words(self) -> tuple[list[str], list[str]]:
        """What there is to say about what is looked for, and what can be left out: `match 3 of 17` and `/error`."""
        hunted = self.hunt.needles[0] if self.hunt is not None else None
        words = ["an error …"] if hunted == ERRORS else []
        if self.needle is None:
            return words, []
        text, found = f"/{short(self.needle)}", self.window.match_words(self.cursor)
        if hunted == self.needle:
            return [f"{text} …"], []
        if found:
            return [*words, found], [text + " went round" * self._round]
        return [*words, f"{text} is nowhere" if self._nowhere or self.window.matchless else text], []

    # ---- actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a search its keys mean what they mean everywhere."""
        return self.needle is not None if action in ("next_match", "previous_match") else True

    def action_next_match(self) -> None:
        if self.needle is not None:
            self._find(self.needle, self.cursor, 1, backwards=False)

    def action_previous_match(self) -> None:
        if self.needle is not None:
            self._find(self.needle, self.cursor, -1, backwards=True)

    def action_next_error(self) -> None:
        self._find(ERRORS, self.cursor, 1, backwards=False)

    def action_previous_error(self) -> None:
        self._find(ERRORS, self.cursor, -1, backwards=True)


def short(needle: Needle) -> str:
    """What is looked for, in few columns."""
    return clip(look.line(needle.text).plain, NEEDLE_SHOWN)
