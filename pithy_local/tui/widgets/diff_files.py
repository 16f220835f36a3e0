"""The files of a diff: a list beside it where there is room, else in its place while one chooses."""

from __future__ import annotations

from collections.abc import Callable

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message

from pithy_local.text import safe_line
from pithy_local.tui import actions, look
from pithy_local.tui.models.diffrows import DiffRows
from pithy_local.tui.widgets.diff import DiffView
from pithy_local.tui.widgets.diff_lines import CHANGES
from pithy_local.tui.widgets.lines import LineView

BESIDE_FROM = 100
"""Columns of the pane from which on the list stands beside the diff."""


class DiffFiles(LineView):
    """One row a file: viewed or not, what became of it, its path, lines added and removed."""

    BINDINGS = actions.bindings(actions.Place.FILES)

    class Chosen(Message):
        """The user goes to the file under the cursor."""

    class ViewedWanted(Message):
        """The file under the cursor is viewed, or it is not after all."""

    class Left(Message):
        """The user goes back to where the diff was."""

    def __init__(self) -> None:
        super().__init__(id="diff-files")
        self.content: DiffRows | None = None
        self._viewed = 0

    @property
    def rows(self) -> int:
        return len(self.content.diff.files) if self.content is not None else 0

    def show(self, content: DiffRows | None, index: int) -> None:
        """These files, with the cursor on the one the diff is at. Cheap when nothing has changed."""
        changed, self.content = content is not self.content, content
        viewed = len(content.viewed) if content is not None else 0
        if changed:
            self.resize_to(0)
        if changed or (index, viewed) != (self.cursor, self._viewed):
            self.cursor, self._viewed = index, viewed
            self.show_row(index)
            self.refresh()

    def draw(self, row: int, width: int) -> Text | None:
        assert self.content is not None
        file, viewed = self.content.diff.files[row], row in self.content.viewed
        shown = look.piece("✓ " if viewed else "  ", "green")
        shown.append(file.change, CHANGES.get(file.change, "")).append(" ")
        numbers = file.size
        room = max(0, width - 4 - len(numbers) - 2)
        path = look.short_path(look.steady(safe_line(file.path or "(no name)")), room)
        folder, slash, name = path.rpartition("/")
        shown.append_text(look.piece(folder + slash, look.MUTED))
        shown.append_text(look.piece(name, look.MUTED if viewed else ""))
        shown.append(" " * max(1, width - 1 - shown.cell_len - len(numbers)))
        added, space, removed = numbers.partition(" ")
        shown.append(added, "green" if space else look.MUTED).append(space).append(removed, look.RED)
        return shown

    def background_of(self, row: int) -> Style:
        """The diff's file is marked, also while the keys go to the diff."""
        style = super().background_of(row)
        if style or row != self.cursor or row < 0:
            return style
        return self.get_component_rich_style("lines--marked", partial=True)

    def on_click(self, event: events.Click) -> None:
        row = self.row_at(event.get_content_offset_capture(self).y)
        if row is not None:
            self.go(row)
            self.post_message(self.Chosen())

    def action_open(self) -> None:
        self.post_message(self.Chosen())

    def action_viewed(self) -> None:
        self.post_message(self.ViewedWanted())

    def action_back(self) -> None:
        self.post_message(self.Left())


class DiffPane(Horizontal):
    """The diff and its files. The list follows the diff; while it has the focus, the diff follows the list."""

    def __init__(self) -> None:
        super().__init__(id="diff-pane")
        self._before = 0
        """The line that the cursor of the diff was on when the user went to the list."""

    def compose(self) -> ComposeResult:
        yield DiffView()

    @property
    def files(self) -> DiffFiles:
        """The list: there from the first diff on, the first frame of the dashboard goes without."""
        return self.query_one(DiffFiles)

    @property
    def diff(self) -> DiffView:
        return self.query_one(DiffView)

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= BESIDE_FROM, "-beside")

    async def on_diff_view_files_changed(self) -> None:
        content = self.diff.content
        if not self.query(DiffFiles):
            if content is None:
                return
            await self.mount(DiffFiles(), before=self.diff)
        self.set_class(content is not None and len(content.diff.files) > 1, "-several")
        at = content.file_at(self.diff.cursor) if content is not None and len(content) else 0
        # fast keys: the diff may not yet be where the list is
        stays = self.files.has_focus and self.files.content is content
        self.files.show(content, self.files.cursor if stays else at)
        if content is None and self.has_class("-choosing"):
            self._close(0)

    # ---- choosing

    def on_diff_view_files_wanted(self) -> None:
        content = self.diff.content
        if content is not None:
            self._before = content.line_at(self.diff.cursor)
            self.add_class("-choosing")
            self.files.focus()

    def on_line_view_cursor_moved(self, event: LineView.CursorMoved) -> None:
        event.stop()
        if event.view is self.files and self.has_class("-beside"):
            self._tell(self.diff.go_to_file, self.files.cursor)

    def on_diff_files_viewed_wanted(self) -> None:
        self._tell(self.diff.view_file, self.files.cursor)

    def on_diff_files_chosen(self) -> None:
        content = self.diff.content
        known = content is not None and self.files.cursor < len(content.diff.files)
        self._close(content.row_of_file(self.files.cursor) if content is not None and known else 0)

    def on_diff_files_left(self) -> None:
        content = self.diff.content
        known = content is not None and self._before < len(content.diff)
        self._close(content.row_of(self._before) if content is not None and known else 0)

    def _close(self, row: int) -> None:
        """Back to the diff, at this row: once it has its place on the screen again."""
        self.remove_class("-choosing")
        self.diff.focus()
        self.call_after_refresh(self._tell, self.diff.go_on_top, row)

    def _tell(self, what: Callable[[int], object], number: int) -> None:
        """In the diff's own turn: what it posts in ours would not go beyond this pane."""
        self.diff.call_later(what, number)

    def on_descendant_blur(self) -> None:
        """The keys went elsewhere without a choice; another window of the desktop is not elsewhere."""
        self.call_after_refresh(self._closed_unless_here)

    def _closed_unless_here(self) -> None:
        if self.app.app_focus and self.has_class("-choosing") and not self.files.has_focus:
            self.remove_class("-choosing")
