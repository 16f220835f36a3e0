"""Looking for a text in a diff, and counting in the background where it stands."""

from __future__ import annotations

from array import array
from functools import partial

from textual.message import Message
from textual.worker import get_current_worker

from pithy_local.service import Needle
from pithy_local.tui import look
from pithy_local.tui.models.diffs import Diff
from pithy_local.tui.models.logmatches import MOST_COUNTED, numbered
from pithy_local.tui.widgets.diff_lines import DiffLines


class SearchedDiff(DiffLines):
    """Goes from match to match."""

    class Searched(Message):
        """What came of a search: `found` nowhere, or only from the other end (`round`)."""

        def __init__(self, text: str, *, found: bool, round: bool) -> None:  # noqa: A002 - the word for it
            super().__init__()
            self.text, self.found, self.round = text, found, round

    class Counted(Message):
        """These lines have the needle; `more`: others may have it, too."""

        def __init__(self, diff: Diff, needle: Needle, lines: array[int], *, more: bool) -> None:
            super().__init__()
            self.diff, self.needle, self.lines, self.more = diff, needle, lines, more

    def __init__(self, id: str) -> None:  # noqa: A002
        super().__init__(id)
        self._found = 0
        """The line of the last match: a row of two columns may have two."""
        self._matches = array("I")
        self._more = False
        """Whether there may be other matches than these."""

    # ---- what a subclass does

    def rearrange(self) -> None:
        """Bring columns and scroll range up to date; the cursor stays on its line."""
        raise NotImplementedError

    def stands_elsewhere(self) -> None:
        """The search, or the number of the match, is another one now."""
        raise NotImplementedError

    # ---- searching

    def search(self, text: str) -> None:
        """Look for this text from the cursor down; "" looks for nothing, and goes back to where lines begin."""
        self.needle = Needle(text=text) if text else None
        self.refresh()
        self.count_matches()
        self.stands_elsewhere()
        if text:
            self._find(0, backwards=False)
        else:
            self.scroll_to(x=0, animate=False, force=True)

    def _find(self, step: int, *, backwards: bool) -> None:
        """Go to the next match, `step` lines from the cursor at the nearest, round the ends if need be. A file that
        is folded is shown for it."""
        if self.content is None or self.needle is None or not self.rows:
            return
        diff = self.content.diff
        at = self._line_here + step
        ways = [(0, at + 1), (at + 1, len(diff))] if backwards else [(at, len(diff)), (0, at)]
        for number, (low, high) in enumerate(ways):
            line = diff.find(self.needle, low, high, backwards=backwards)
            if line is not None:
                self._found = line
                self._open(line)
                self.go(self.content.row_of(line), center=True)
                self.show_found(line)
                if number:
                    self.post_message(self.Searched(self.needle.text, found=True, round=True))
                return
        self.post_message(self.Searched(self.needle.text, found=False, round=False))

    @property
    def _line_here(self) -> int:
        """The line that the cursor is on; where a row has two, the one that was found."""
        assert self.content is not None
        on_found = self._found < len(self.content.diff) and self.content.row_of(self._found) == self.cursor
        return self._found if on_found else self.content.line_at(self.cursor)

    def _open(self, line: int) -> None:
        assert self.content is not None
        index = self.content.diff.file_of(line)
        if index in self.content.folded and line != self.content.diff.files[index].first:
            self.content.fold(index)
            self.rearrange()

    # ---- counting

    def count_matches(self) -> None:
        """Count anew: another text is looked for, or in another diff."""
        self.workers.cancel_group(self, "count")
        self._matches, self._more = array("I"), True
        if self.content is not None and self.needle is not None:
            count = partial(self._count, self.content.diff, self.needle)
            self.run_worker(count, thread=True, group="count")

    def _count(self, diff: Diff, needle: Needle) -> None:
        """In a thread."""
        worker, found, more = get_current_worker(), array("I"), False
        for lines in diff.matches(needle):
            more = len(found) >= MOST_COUNTED
            if worker.is_cancelled:
                return
            if more:
                break
            found.extend(lines)
        self.post_message(self.Counted(diff, needle, found, more=more))

    def on_searched_diff_counted(self, event: Counted) -> None:
        if self.content is not None and (self.content.diff, self.needle) == (event.diff, event.needle):
            self._matches, self._more = event.lines, event.more
            self.stands_elsewhere()

    @property
    def search_words(self) -> str:
        """What is looked for, and which of its matches the cursor is on: `match 3 of 17 /error`."""
        if self.needle is None or self.content is None:
            return ""
        text = f"/{look.line(self.needle.text).plain}"
        return f"{numbered(self._matches, self._line_here, more=self._more)} {text}".lstrip()

    # ---- actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a search its keys mean what they mean everywhere."""
        return self.needle is not None if action in ("next_match", "previous_match") else True

    def action_next_match(self) -> None:
        self._find(1, backwards=False)

    def action_previous_match(self) -> None:
        self._find(-1, backwards=True)
