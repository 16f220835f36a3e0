"""The diff of a task: its own line view, in one column or two, file by file."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text
from textual import events
from textual.content import Content
from textual.message import Message
from textual.strip import Strip

from pithy_local.text import safe
from pithy_local.tui import actions, look
from pithy_local.tui.models.diffs import LINE_SHOWN, NONE, Diff, DiffRows, common
from pithy_local.tui.widgets.lines import LineView

SPLIT_FROM = 120
"""Columns from which on old and new stand side by side, unless the user says otherwise."""
NUMBERS = 12
"""Columns of the line numbers of both sides."""
STYLES = {"+": "#b5e8b0", "-": "#ffb3b3", "@": "cyan", "\\": "dim", " ": ""}
CHANGED = {"+": "bold on #1e5128", "-": "bold on #6b1f1f"}
"""The characters of a changed line that differ from the line it replaces."""
TINTS = {"+": "on #10301a", "-": "on #381616"}


class DiffView(LineView):
    """Shows what `take` was given, or why there is nothing."""

    BINDINGS = actions.bindings(actions.Place.DIFF)

    class Left(Message):
        """The user goes back to the tasks."""

    class SendBackWanted(Message):
        """The user has something to say about this place of the diff."""

        def __init__(self, place: str) -> None:
            super().__init__()
            self.place = place

    class FilesChanged(Message):
        """Another file is under the cursor, or one was viewed: `badge` says something else now."""

    def __init__(self) -> None:
        super().__init__(id="diff")
        self.content: DiffRows | None = None
        self.nothing = ""
        self._asked_split: bool | None = None
        self._viewed: dict[str, set[str]] = {}
        self._shown_task = ""

    @property
    def rows(self) -> int:
        return len(self.content) if self.content is not None else 0

    def take(self, task: str, diff: Diff | None, nothing: str = "") -> None:
        """Show this diff from its beginning; of the same task as before, what was viewed stays folded."""
        self.nothing, self._shown_task = nothing, task
        self.content = DiffRows(diff) if diff is not None else None
        self.cursor = 0
        if self.content is not None:
            known = self._viewed.setdefault(task, set())
            self.content.viewed = {index for index, file in enumerate(self.content.diff.files) if file.path in known}
        self._arrange()
        self.jump(0)

    @property
    def badge(self) -> Content:
        """`file 2 of 5 · 1 viewed · split`"""
        if self.content is None or not self.rows:
            return Content("")
        files = len(self.content.diff.files)
        words = [f"file {self.content.file_at(self.cursor) + 1} of {files}"]
        if self.content.viewed:
            words.append(f"{len(self.content.viewed)} viewed")
        words.append("split" if self.content.split else "unified")
        return Content.styled(f" {' · '.join(words)} ", "bold")

    def on_resize(self, event: events.Resize) -> None:
        self._arrange()

    def _arrange(self) -> None:
        if self.content is not None:
            width = self.scrollable_content_region.width
            split = self._asked_split if self._asked_split is not None else width >= SPLIT_FROM
            at = self.content.file_at(self.cursor) if self.rows and self.cursor < self.rows else 0
            if split != self.content.split:
                self.content.set_split(split)
                self.cursor = self.content.row_of_file(at) if self.rows else 0
            else:
                self.content.arrange()
        one_column = self.content is not None and not self.content.split
        self.resize_to(NUMBERS + min(self.content.diff.widest, LINE_SHOWN) if self.content and one_column else 0)
        self.post_message(self.FilesChanged())

    def go(self, row: int, *, center: bool = False) -> None:
        super().go(row, center=center)
        self.post_message(self.FilesChanged())

    # ---- drawing

    def draw(self, row: int, width: int) -> Text | None:
        content = self.content
        assert content is not None
        left, right = content.left[row], content.right[row]
        if left <= -2:
            return self._head(-2 - left, width)
        if not content.split:
            return self._numbers(left).append_text(self._line(left, self._partner(row)))
        if left == right and content.diff.kind(left) in "@\\":
            return self._line(left, None)
        half = (width - 1) // 2
        shown = self._side(left, right, half, new=False)
        shown.append("│", "dim")
        return shown.append_text(self._side(right, left, width - half - 1, new=True))

    def _head(self, index: int, width: int) -> Text:
        assert self.content is not None
        file = self.content.diff.files[index]
        viewed = index in self.content.viewed
        shown = look.piece("▸ " if viewed else "▾ ", "bold")
        shown.append_text(look.line(file.path or "(no name)", "dim" if viewed else "bold"))
        shown.append(f"  +{file.added}", "green").append(f" −{file.removed}", look.RED)
        for note in file.notes:
            shown.append_text(look.indented(2, note, look.MUTED))
        if viewed:
            shown.append("  ✓ viewed", "green")
        shown.append(" " * max(0, width - shown.cell_len))
        return shown

    def _numbers(self, line: int) -> Text:
        assert self.content is not None
        if self.content.diff.kind(line) in "@\\":
            return Text(no_wrap=True, end="")
        old, new = self.content.diff.old[line], self.content.diff.new[line]
        return look.piece(f"{old or '':>5} {new or '':>5} ", look.MUTED)

    def _side(self, line: int, other: int, width: int, *, new: bool) -> Text:
        """One half of a row of two columns."""
        assert self.content is not None
        if line == NONE:
            return look.piece("╱" * width, "#444444")
        numbers = self.content.diff.new if new else self.content.diff.old
        shown = look.piece(f"{numbers[line] or '':>5} ", look.MUTED)
        shown.append_text(self._line(line, other if other not in (NONE, line) else None))
        shown.truncate(width, overflow="ellipsis", pad=True)
        return shown

    def _line(self, line: int, partner: int | None) -> Text:
        """One line of the diff; against its `partner`, the characters that changed stand out."""
        assert self.content is not None
        kind = self.content.diff.kind(line)
        text = look.steady(safe(self.content.diff.text(line)))
        if kind == "@":
            return look.piece(text, STYLES["@"])
        shown = look.piece(f"{kind}{text}", f"{STYLES.get(kind, '')} {TINTS.get(kind, '')}".strip())
        if partner is not None:
            start, end = common(text, look.steady(safe(self.content.diff.text(partner))))
            if start + end > 0 and start < len(text) - end:
                shown.stylize(CHANGED[kind], 1 + start, 1 + len(text) - end)
        return shown

    def _partner(self, row: int) -> int | None:
        """In one column: the removed line that this added one took the place of, or the other way round."""
        assert self.content is not None
        diff, line = self.content.diff, self.content.left[row]
        kind = diff.kind(line)
        if kind not in "+-":
            return None
        first = line
        while first > 0 and diff.kind(first - 1) == kind and line - first < 200:
            first -= 1
        if kind == "+":
            other = first - 1
            while other > 0 and diff.kind(other - 1) == "-" and first - other < 200:
                other -= 1
            partner = other + (line - first)
            return partner if 0 <= partner < first and diff.kind(partner) == "-" else None
        last = line
        while last + 1 < len(diff) and diff.kind(last + 1) == "-" and last - first < 400:
            last += 1
        partner = last + 1 + (line - first)
        same = partner < len(diff) and all(diff.kind(between) == "+" for between in range(last + 1, partner + 1))
        return partner if same else None

    def render_line(self, y: int) -> Strip:
        if self.content is None or not self.rows:
            words = self.nothing.split("\n")
            text = look.indented(2, words[y] if y < len(words) else "", look.MUTED)
            return self.paint(-1, text, self.scrollable_content_region.width)
        return super().render_line(y)

    def background_of(self, row: int) -> Style:
        style = super().background_of(row)
        if style or row < 0 or self.content is None or self.content.left[row] > -2:
            return style
        return self.get_component_rich_style("lines--marked", partial=True)

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
            self.go(row)
            self.jump(min(row, self.max_scroll_y))

    def action_viewed(self) -> None:
        if self.content is None or not self.rows:
            return
        index = self.content.file_at(self.cursor)
        self._viewed[self._shown_task] ^= {self.content.diff.files[index].path}
        self.content.toggle_viewed(index)
        self._arrange()
        row = self.content.row_of_file(index)
        self.go(row)
        if index in self.content.viewed and index + 1 < len(self.content.diff.files):
            self.action_next_file()

    def action_split(self) -> None:
        if self.content is not None:
            self._asked_split = not self.content.split
            self._arrange()

    def action_send_back(self) -> None:
        place = self.content.place(self.cursor) if self.content is not None and self.rows else ""
        self.post_message(self.SendBackWanted(place))

    def action_back(self) -> None:
        self.post_message(self.Left())
