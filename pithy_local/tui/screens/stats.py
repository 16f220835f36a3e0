"""`S`: what was done and what it cost, today, in 7 and in 30 days."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

from pithy_local.clock import day_bounds_ms
from pithy_local.errors import PithyError
from pithy_local.text import safe_line
from pithy_local.tui import actions
from pithy_local.tui.board import Board
from pithy_local.tui.models import figures
from pithy_local.tui.models.figures import StatsPage
from pithy_local.tui.widgets.bars import HintBar, TabBar

DAY = 86_400.0
SPANS = (("today", "Today"), ("7d", "7 days"), ("30d", "30 days"))


class StatsScreen(ModalScreen[None]):
    """Read anew each time a span is chosen."""

    BINDINGS = actions.bindings(actions.Place.STATS)

    class Read(Message):
        """The figures of one span; None with the reason."""

        def __init__(self, span: int, page: StatsPage | None, problem: str) -> None:
            super().__init__()
            self.span, self.page, self.problem = span, page, problem

    def __init__(self, board: Board) -> None:
        super().__init__()
        self._board = board
        self._span = 0

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog full") as dialog:
            dialog.border_title = Content("Statistics")
            yield TabBar("spans")
            with VerticalScroll(id="figures"):
                yield Static("")
            yield HintBar("text-hints")

    def on_mount(self) -> None:
        self.query_one(HintBar).show([action for action in actions.at(actions.Place.STATS) if action.hint])
        self._show_span(0)

    def action_span(self, step: int) -> None:
        self._show_span((self._span + step) % len(SPANS))

    def action_tab(self, name: str) -> None:
        self._show_span([span for span, _ in SPANS].index(name))

    def action_scroll_down(self) -> None:
        self.query_one("#figures").scroll_down(animate=False)

    def action_scroll_up(self) -> None:
        self.query_one("#figures").scroll_up(animate=False)

    def action_back(self) -> None:
        self.dismiss(None)

    async def action_press(self, action_id: str) -> None:
        await self.app.run_action(actions.BY_ID[action_id].run, self)

    def _show_span(self, span: int) -> None:
        self._span = span
        self.query_one(TabBar).show(SPANS, SPANS[span][0], numbered=False)
        self._read(span)

    @work(thread=True, exclusive=True)
    def _read(self, span: int) -> None:
        now = self._board.app.clock.now_ms()
        since = ((now - day_bounds_ms(now)[0]) / 1000, 7 * DAY, 30 * DAY)[span]
        try:
            page = StatsPage(
                repos=self._board.stats(since, "repo"), models=self._board.stats(since, "model"),
                days=self._board.stats(since, "day"),
            )  # fmt: skip
        except PithyError as error:
            self.post_message(self.Read(span, None, f"{error.message}. {error.hint}"))
        else:
            self.post_message(self.Read(span, page, ""))

    def on_stats_screen_read(self, event: Read) -> None:
        if event.span == self._span:
            shown = self.query_one("#figures Static", Static)
            width = self.query_one("#figures").size.width
            shown.update(figures.page(event.page, width) if event.page else Content(safe_line(event.problem)))
