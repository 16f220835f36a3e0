"""A page of text: wrapped for its width, followed at its end."""

from __future__ import annotations

from rich.text import Text
from textual.app import App, ComposeResult

from pithy_local.tui.models.rows import Row
from pithy_local.tui.widgets.page import Page


class OnePage(App[None]):
    def compose(self) -> ComposeResult:
        yield Page("page")


def numbered(count: int) -> tuple[Row, ...]:
    return tuple(Row(Text(f"line {number}")) for number in range(count))


async def test_a_page_is_read_from_its_top_and_followed_at_its_end() -> None:
    app = OnePage()
    async with app.run_test(size=(40, 10)) as pilot:
        page = app.query_one(Page)
        for count in (50, 60):
            page.show(numbered(count))
            await pilot.pause()
            assert page.scroll_offset.y == 0
        page.focus()
        await pilot.press("G")
        page.show(numbered(70))
        await pilot.pause()
        assert page.scroll_offset.y == page.max_scroll_y == 60
        page.clear()
        page.show(numbered(80))
        await pilot.pause()
        assert page.scroll_offset.y == 0


async def test_what_is_shown_in_quick_succession_is_as_high_as_the_last_of_it() -> None:
    app = OnePage()
    async with app.run_test(size=(40, 10)) as pilot:
        page = app.query_one(Page)
        page.show(numbered(3))
        await pilot.pause()
        page.show(numbered(5))
        page._clear_arrangement_cache()
        app.screen._refresh_layout()  # as it happens when something else asks for one
        page.show(numbered(40))
        await pilot.pause()
        assert page.max_scroll_y == 30


async def test_a_page_is_wrapped_anew_for_another_width() -> None:
    app = OnePage()
    async with app.run_test(size=(60, 10)) as pilot:
        page = app.query_one(Page)
        page.show(Text("  one line that hangs below its own beginning"))
        for width, lines in ((60, 1), (30, 2)):
            await pilot.resize_terminal(width, 10)
            await pilot.pause()
            shown = [strip.text.rstrip() for strip in app.screen._compositor.render_strips() if strip.text.strip()]
            assert len(shown) == lines
            assert all(line.startswith("  ") and len(line) <= width for line in shown)
