"""`S`: what was done and what it cost, today, in 7 and in 30 days."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from pithy_local.clock import day_bounds_ms
from pithy_local.errors import PithyError
from pithy_local.store.stats import By
from pithy_local.tui import look
from pithy_local.tui.actions import Place
from pithy_local.tui.board import Board
from pithy_local.tui.models import figures
from pithy_local.tui.models.figures import StatsPage
from pithy_local.tui.models.hints import told
from pithy_local.tui.screens.dialog import Dialog
from pithy_local.tui.widgets.bars import TabBar
from pithy_local.tui.widgets.page import Page

DAY = 86_400.0
GROUPINGS: tuple[By, ...] = ("repo", "model", "day")
SPANS = (("today", "Today"), ("7d", "7 days"), ("30d", "30 days"))


class StatsScreen(Dialog[None]):
    """Read anew each time a span is chosen."""

    PLACE = Place.STATS
    PROSE: ClassVar[str] = (
        "What the tasks of this home came to and what they cost, deleted ones as well: the same numbers as "
        "`pithy-local stats`. Costs are estimates by the price list; a model that is not in it counts as `?`."
    )

    class Read(Message):
        """The figures of one span; None with the reason."""

        def __init__(self, span: int, page: StatsPage | None, problem: str) -> None:
            super().__init__()
            self.span, self.page, self.problem = span, page, problem

    def __init__(self, board: Board) -> None:
        super().__init__()
        self._board = board
        self._span = 0
        self._last: StatsScreen.Read | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog full") as dialog:
            dialog.border_title = Content("Statistics")
            yield TabBar("spans")
            yield Page("figures")
            yield from self.foot()

    def on_mount(self) -> None:
        self.query_one(Page).focus()
        self._show_span(0)

    def action_span(self, step: int) -> None:
        self._show_span((self._span + step) % len(SPANS))

    def action_tab(self, name: str) -> None:
        self._show_span([span for span, _ in SPANS].index(name))

    def _show_span(self, span: int) -> None:
        self._span = span
        self.query_one(TabBar).show(SPANS, SPANS[span][0])
        self._read(span)

    @work(thread=True, exclusive=True)
    def _read(self, span: int) -> None:
        now = self._board.app.clock.now_ms()
        since = ((now - day_bounds_ms(now)[0]) / 1000, 7 * DAY, 30 * DAY)[span]
        try:
            with self._board.in_words():
                repos, models, days = (self._board.stats(since, by) for by in GROUPINGS)
        except PithyError as error:
            self.post_message(self.Read(span, None, told(error, self.keymap)))
        else:
            page = StatsPage(repos=repos, models=models, days=days, now_ms=now)
            self.post_message(self.Read(span, page, ""))

    def on_stats_screen_read(self, event: Read) -> None:
        if event.span == self._span:
            self._last = event
            self._lay_out()

    def on_page_resized(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        """As wide as there is room."""
        if self._last is not None:
            shown, last = self.query_one(Page), self._last
            problem = look.line(last.problem, f"bold {look.RED}")
            shown.show(figures.page(last.page, shown.room) if last.page else problem)
