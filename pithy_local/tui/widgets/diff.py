"""The diff of a task: its own line view, in one column or two, file by file."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.message import Message

from pithy_local.tui import actions, look
from pithy_local.tui.models.diffrows import DiffRows
from pithy_local.tui.models.viewed import Viewed
from pithy_local.tui.widgets.diff_search import SearchedDiff

SPLIT_FROM = 120
"""Columns from which on old and new stand side by side, unless the user says otherwise."""


class DiffView(SearchedDiff):
    """Shows what `take` was given, or why there is nothing."""

    BINDINGS = actions.bindings(actions.Place.DIFF)

    class Left(Message):
        """The user goes back to the tasks."""

    class AttemptWanted(Message):
        """The user wants to see what this attempt of the task made."""

        def __init__(self, task: str, attempt: int) -> None:
            super().__init__()
            self.task, self.attempt = task, attempt

    class FilesChanged(Message):
        """Another line is under the cursor, a file was viewed or matches counted: `badge` says something else now."""

    class FilesWanted(Message):
        """The user wants to choose from the list of files."""

    def __init__(self) -> None:
        super().__init__("diff")
        self.shown_task = ""
        self.attempt = 0
        """Whose diff is shown."""
        self.attempts: Sequence[int] = ()
        """Those that made a diff, in order."""
        self._asked_split: bool | None = None
        self._viewed = Viewed()

    def take(
        self, task: str, content: DiffRows | None, nothing: str = "", *, attempt: int = 0, attempts: Sequence[int] = ()
    ) -> None:
        """Show this diff from its beginning, or say why there is nothing. The same one again changes nothing; in
        another one of the same task, files that are as they were when they were viewed stay folded.

        `attempt` made it, one of `attempts` which made one each.
        """
        self.attempt, self.attempts = attempt, attempts
        if task == self.shown_task and content and self.content and content.diff.data == self.content.diff.data:
            self.stands_elsewhere()
            return
        self.nothing, self.shown_task, self.content = nothing, task, content
        self.cursor = 0
        if content is not None:
            content.show(self._viewed.of(task, content.diff), split=self._split)
        self.count_matches()
        self.rearrange()
        with self._taking_along():
            self.scroll_to(x=0, y=0, animate=False, force=True)

    def stands_elsewhere(self) -> None:
        self.post_message(self.FilesChanged())

    @property
    def badge(self) -> Content:
        """`match 2 of 9 /x · file 2 of 5 · hunk 1 of 3 · 1 of 5 viewed · split`"""
        if self.content is None or not self.rows:
            return Content("")
        files, at = self.content.diff.files, self.content.file_at(self.cursor)
        parts = [self.search_words] if self.needle is not None else []
        parts += [f"attempt {self.attempt}"] if len(self.attempts) > 1 else []
        parts.append(f"file {at + 1} of {len(files)}")
        hunk = self.content.diff.hunk_of(self.content.line_at(self.cursor))
        if hunk:
            parts.append(f"hunk {hunk} of {len(files[at].hunks)}")
        if self.content.viewed:
            parts.append(f"{len(self.content.viewed)} of {len(files)} viewed")
        parts.append("split" if self.content.split else "unified")
        return Content.styled(f" {' · '.join(parts)} ", "bold")

    def on_resize(self, event: events.Resize) -> None:
        self.rearrange()

    @property
    def _split(self) -> bool:
        """Whether old and new are to stand side by side."""
        return (
            self._asked_split if self._asked_split is not None else self.scrollable_content_region.width >= SPLIT_FROM
        )

    def rearrange(self) -> None:
        """Bring columns and scroll range up to date; the cursor stays on its line."""
        content, width = self.content, self.scrollable_content_region.width
        widest = 0
        if content is not None:
            if self._split != content.split:
                line = content.line_at(self.cursor) if self.rows else 0
                content.set_split(self._split)
                self.cursor = content.row_of(line) if self.rows else 0
            text = min(content.diff.widest, look.LINE_SHOWN)
            number = self.number_width
            widest = width + max(0, number + text - (width - 1) // 2) if content.split else 2 * number + text
        with self._taking_along():
            self.resize_to(widest)
            if self.rows:
                self.show_row(self.cursor)
        self.stands_elsewhere()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """The wheel and the scroll bar take the cursor along: a note or a copy is of something that can be seen."""
        super().watch_scroll_y(old_value, new_value)
        if self._going or not self.rows or not self.view_height:
            return
        top = self.scroll_offset.y
        first, last = top + (self._head_on_top() is not None), min(top + self.view_height, self.rows) - 1
        self.cursor = max(min(first, last), min(self.cursor, last))
        self.stands_elsewhere()

    def go(self, row: int, *, center: bool = False) -> None:
        with self._taking_along():
            super().go(row, center=center)
        self.stands_elsewhere()

    def go_to_file(self, index: int) -> None:
        """Put the cursor on the head of this file, and that on top."""
        if self.content is not None and index < len(self.content.diff.files):
            self.go_on_top(self.content.row_of_file(index))

    def go_on_top(self, row: int) -> None:
        """Put the cursor on this row and that to the top, below its file's head."""
        self.go(row)
        over = 0 if self.content is None or self.content.head(row) is not None else 1
        with self._taking_along():
            self.scroll_to(x=0, y=max(0, min(row - over, self.max_scroll_y)), animate=False, force=True)

    # ---- actions

    def action_next_file(self) -> None:
        self._stop(1, files=True)

    def action_previous_file(self) -> None:
        self._stop(-1, files=True)

    def action_next_hunk(self) -> None:
        self._stop(1, files=False)

    def action_previous_hunk(self) -> None:
        self._stop(-1, files=False)

    def _stop(self, step: int, *, files: bool) -> None:
        row = self.content.next_stop(self.cursor, step, files=files) if self.content is not None and self.rows else None
        if row is not None:
            self.go_on_top(row)

    def action_viewed(self) -> None:
        if self.content is not None and self.rows:
            index = self.content.file_at(self.cursor)
            viewed = self.view_file(index)
            self.go_to_file(index + 1 if viewed and index + 1 < len(self.content.diff.files) else index)

    def view_file(self, index: int) -> bool:
        """Fold this file away as viewed, or take that back; whether it is viewed now."""
        if self.content is None or index >= len(self.content.diff.files):
            return False  # another diff came between the key and this
        line = self.content.line_at(self.cursor)
        viewed = self.content.view(index)
        self._viewed.note(self.shown_task, self.content.diff, index, viewed=viewed)
        self.cursor = self.content.row_of(line)
        self.rearrange()
        return viewed

    def action_fold(self) -> None:
        if self.content is not None and self.rows:
            index = self.content.file_at(self.cursor)
            self.content.fold(index)
            self.rearrange()
            self.go(self.content.row_of_file(index))

    def on_open(self) -> None:
        if self.content is not None and self.content.head(self.cursor) is not None:
            self.action_fold()

    def action_split(self) -> None:
        if self.content is not None:
            self._asked_split = not self.content.split
            self.rearrange()

    def action_files(self) -> None:
        if self.content is not None and self.rows:
            self.post_message(self.FilesWanted())

    def action_next_attempt(self) -> None:
        self._see([each for each in self.attempts if each > self.attempt][:1])

    def action_previous_attempt(self) -> None:
        self._see([each for each in self.attempts if each < self.attempt][-1:])

    def _see(self, attempts: Sequence[int]) -> None:
        for attempt in attempts:
            self.post_message(self.AttemptWanted(self.shown_task, attempt))

    @property
    def place(self) -> str:
        """`path:12`, what the cursor is on; "" without a diff."""
        if self.content is None or not self.rows:
            return ""
        older = f" of attempt {self.attempt}" if self.attempts and self.attempt != self.attempts[-1] else ""
        return self.content.place(self.cursor) + older

    def action_back(self) -> None:
        """One step back at a time: the search, then the tasks."""
        if self.needle is not None:
            self.search("")
        else:
            self.post_message(self.Left())
