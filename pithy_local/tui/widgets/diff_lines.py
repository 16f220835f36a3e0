"""The lines of a diff on the screen: a file's head that stays on top, numbers that stay at the left, what changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.geometry import Region
from textual.selection import Selection
from textual.strip import Strip

from pithy_local.service import Needle
from pithy_local.text import safe
from pithy_local.tui import look
from pithy_local.tui.models import words
from pithy_local.tui.models.diffrows import NONE, DiffRows
from pithy_local.tui.models.diffs import LEAST_DIGITS
from pithy_local.tui.widgets.lines import MOST_COPIED, LineView

HEAD_MARKS = 4
"""Columns before the path in a file's head."""
STYLES = {"+": "green", "-": look.RED, "@": "cyan", "\\": look.MUTED, "h": look.MUTED}
TINTS = {"+": "diff--added", "-": "diff--removed"}
CHANGED = {"+": "diff--added-words", "-": "diff--removed-words"}
"""The words of a changed line that the line it replaces has not."""
NOTHING = "diff--nothing"
"""Beside a line that the other side has not."""
TRAILING = "on yellow"
"""Space at the end of an added line: nobody would see it."""
CHANGES = {"A": "green", "D": look.RED, "M": "yellow", "R": "cyan"}


class DiffLines(LineView):
    """Draws `DiffRows`; without any, `nothing` says why. `needle` is marked wherever it stands."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*TINTS.values(), *CHANGED.values(), NOTHING}

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.content: DiffRows | None = None
        self.nothing = ""
        self.needle: Needle | None = None

    @property
    def rows(self) -> int:
        return len(self.content) if self.content is not None else 0

    @property
    def number_width(self) -> int:
        """Columns of a line's number in one file, and of the space behind it."""
        return 1 + (self.content.diff.digits if self.content is not None else LEAST_DIGITS)

    # ---- the head of the file that is in view

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        if self.content is None or not self.rows:
            lines = self.nothing.split("\n")
            return self.paint(-1, look.indented(2, lines[y] if y < len(lines) else "", look.MUTED), width)
        head = self._head_on_top() if y == 0 else None
        return super().render_line(y) if head is None else self.paint(head, self.draw(head, width), width)

    def _head_on_top(self) -> int | None:
        """The head that stands over the first row in view, which is one of its file; None where that is a head."""
        top = self.scroll_offset.y
        if self.content is None or not top < self.rows or self.content.head(top) is not None:
            return None
        return self.content.row_of_file(self.content.file_at(top))

    def row_at(self, y: int) -> int | None:
        head = self._head_on_top() if y == 0 else None
        return super().row_at(y) if head is None else head

    def show_row(self, row: int, *, center: bool = False) -> None:
        super().show_row(row, center=center)
        if row == self.scroll_offset.y and self._head_on_top() is not None and self.view_height > 1:
            self.jump(row - 1)

    def refresh_row(self, row: int) -> None:
        super().refresh_row(row)
        if row == self._head_on_top():
            self.refresh(Region(0, 0, self.outer_size.width, 1))

    # ---- drawing

    def draw(self, row: int, width: int) -> Text | None:
        content = self.content
        assert content is not None
        head = content.head(row)
        if head is not None:
            return self._head(head, width)
        left, right = content.lines(row)
        if not content.split:
            return self._numbers(left).append_text(self._line(left, content.diff.partner(left)))
        if left == right and content.diff.kind(left) != " ":
            return self._line(left, None)
        half = (width - 1) // 2
        shown = self._side(row, left, right, half, content.diff.old)
        shown.append("│", look.MUTED)
        return shown.append_text(self._side(row, right, left, width - half - 1, content.diff.new))

    def fixed(self, row: int) -> int:
        """Heads stay, and numbers; of two columns each scrolls for itself."""
        if row < 0 or self.content is None or self.content.split or self.content.head(row) is not None:
            return self.size.width
        return 2 * self.number_width if self.content.diff.kind(self.content.line_at(row)) != "@" else self.size.width

    def _head(self, index: int, width: int) -> Text:
        assert self.content is not None
        file, viewed = self.content.diff.files[index], index in self.content.viewed
        shown = look.piece("▸ " if index in self.content.folded else "▾ ", "bold")
        shown.append(file.change, CHANGES.get(file.change, "")).append(" ")
        what = look.piece("")
        if file.counts:
            what.append(f"  +{file.added}", "green").append(f" −{file.removed}", look.RED)
        if file.about:
            what.append_text(look.indented(2, file.about, look.MUTED))
        if viewed:
            what.append("  ✓ viewed", "green")
        room = max(width // 2, width - shown.cell_len - what.cell_len)
        path = look.short_path(look.line(file.path or "(no name)").plain, room)
        found = look.piece(path, look.MUTED if viewed else "bold")
        self._mark_found(found)
        shown.append_text(found).append_text(what)
        shown.truncate(width, overflow="ellipsis", pad=True)
        return shown

    def _numbers(self, line: int) -> Text:
        assert self.content is not None
        diff = self.content.diff
        if diff.kind(line) == "@":
            return look.piece("")
        return look.piece(
            "".join(f"{numbers[line] or '':>{diff.digits}} " for numbers in (diff.old, diff.new)), look.MUTED
        )

    def _side(self, row: int, line: int, other: int, width: int, numbers: Sequence[int]) -> Text:
        """One half of a row of two columns."""
        assert self.content is not None
        diff = self.content.diff
        if line == NONE:
            return look.piece("╱" * width, self._tint(NOTHING))
        kind = diff.kind(line)
        shown = look.piece(f"{numbers[line] or '':>{diff.digits}} ", look.MUTED)
        shown.append_text(self._scrolled(self._line(line, other if other not in (NONE, line) else None)))
        shown.truncate(width, overflow="ellipsis", pad=True)
        if kind in TINTS and not self._has_cursor(row):
            shown.stylize_before(self._tint(TINTS[kind]))
        return shown

    def _scrolled(self, text: Text) -> Text:
        """What is left of it when so many columns at its start are out of view."""
        left = self.scroll_offset.x
        if not left:
            return text
        at = min(left, len(text)) if text.plain.isascii() else _characters(text.plain, left)
        cut = text[at:]
        cut.end = ""
        return cut

    def _line(self, line: int, partner: int | None) -> Text:
        """One line of the diff; against its `partner`, the words that changed stand out."""
        assert self.content is not None
        kind, text = self.content.diff.kind(line), self._text(line)
        sign = "" if kind in "@h" else kind
        shown = look.piece(f"{sign}{text}", STYLES.get(kind, ""))
        if partner is not None and kind in CHANGED:
            for start, end in words.changed(text, self._text(partner)):
                shown.stylize(self._tint(CHANGED[kind]), len(sign) + start, len(sign) + end)
        body = text.rstrip("␍")
        shown.stylize(look.MUTED, len(sign) + len(body))
        if kind == "+":
            shown.stylize(TRAILING, len(sign) + len(body.rstrip()), len(sign) + len(body))
        self._mark_found(shown, len(sign))
        return shown

    def show_found(self, line: int) -> None:
        """Scroll sideways as far as it takes to have the first match of this line in view."""
        content, needle = self.content, self.needle
        if content is None or needle is None or content.diff.kind(line) in "@h":
            return
        text, width = self._text(line), self.scrollable_content_region.width
        start = (text if needle.exact else text.lower()).find(needle.text)
        at = cell_len(text[: max(0, start)]) + 1
        room = max(1, (width - 1) // 2 - self.number_width if content.split else width - 2 * self.number_width - 1)
        if not self.scroll_offset.x <= at <= self.scroll_offset.x + room - cell_len(needle.text):
            self.scroll_to(x=max(0, at - room // 2) if at >= room else 0, animate=False, force=True)

    def _text(self, line: int) -> str:
        assert self.content is not None
        return look.steady(safe(self.content.diff.text(line)))

    def _mark_found(self, text: Text, start: int = 0) -> None:
        if self.needle is not None:
            look.highlight(text, self.needle, start)

    def background_of(self, row: int) -> Style:
        """The cursor's, a head's, or that of an added or removed line from edge to edge."""
        style = super().background_of(row)
        if style or row < 0 or self.content is None:
            return style
        if self.content.head(row) is not None:
            return self.get_component_rich_style("lines--marked", partial=True)
        kind = "" if self.content.split else self.content.diff.kind(self.content.line_at(row))
        return self._tint(TINTS[kind]) if kind in TINTS else style

    def _tint(self, name: str) -> Style:
        """A colour of the theme, as the style sheet gives it."""
        return self.get_component_rich_style(name, partial=True)

    def _has_cursor(self, row: int) -> bool:
        return row == self.cursor and self.has_focus

    # ---- copying

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """What ctrl+c copies: in one column the lines without their numbers and signs."""
        if self.content is None or self.content.split or not self.rows:
            return super().get_selection(selection)
        first = selection.start.y if selection.start is not None else 0
        last = min(selection.end.y if selection.end is not None else self.rows - 1, self.rows - 1, first + MOST_COPIED)
        lines = []
        for row in range(first, last + 1):
            span = selection.get_span(row)
            if span is not None:
                before, text = self._copied(row)
                lines.append(text[max(0, span[0] - before) : None if span[1] == -1 else max(0, span[1] - before)])
        return "\n".join(lines), "\n"

    def _copied(self, row: int) -> tuple[int, str]:
        """What of a row is its text, and how many columns stand before it."""
        assert self.content is not None
        head, line = self.content.head(row), self.content.line_at(row)
        if head is not None:
            return HEAD_MARKS, look.line(self.content.diff.files[head].path).plain
        return 0 if self.content.diff.kind(line) == "@" else 2 * self.number_width + 1, self._text(line)


def _characters(text: str, columns: int) -> int:
    """How many characters at the start of a text take at least so many columns."""
    at = width = 0
    while at < len(text) and width < columns:
        width += cell_len(text[at])
        at += 1
    return at
