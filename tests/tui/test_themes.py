"""Every theme that is offered can be read: measured on what is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from rich.color import Color
from textual.color import Color as Shade
from textual.theme import BUILTIN_THEMES
from textual.widget import Widget

from pithy_local.config import Settings
from pithy_local.errors import UsageError
from pithy_local.tui.board import Board
from pithy_local.tui.themes import HUES, Palette
from tests.tui.driving import User, Watched, dashboard
from tests.tui.every_state import every_state
from tests.tui.seeding import Seed

LEAST = 4.5
"""WCAG's AA for text."""
LINES = frozenset("╭╮╰╯─│▁▂▃▄▅▆▇█▔▎▏▊▌▍▋▉▕╱ ")
HARDEST = ["textual-light", "nord", "catppuccin-frappe", "solarized-dark", "rose-pine-dawn"]
"""Those with the least contrast of their own, dark and light ones."""
OFFERED = [name for name, theme in BUILTIN_THEMES.items() if not theme.ansi]


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """As https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio defines it."""

    def luminance(colour: tuple[int, int, int]) -> float:
        parts = (part / 255 for part in colour)
        red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def hard_to_read(user: User, part: Widget) -> Iterator[tuple[str, str]]:
    """The words in this part of the screen that do not stand out, each with its style."""
    region = part.region
    for strip in user.app.screen._compositor.render_strips()[region.y : region.bottom]:
        for text, style, _ in strip.crop(region.x, region.right):
            if {*text} <= LINES or style is None:
                continue
            assert style.color is not None
            assert style.bgcolor is not None
            if contrast(rgb(style.color), rgb(style.bgcolor)) < LEAST:
                yield text, str(style)


def rgb(colour: Color) -> tuple[int, int, int]:
    assert colour.triplet is not None, "a colour of the terminal's own: nobody knows what it is"
    return tuple(colour.triplet)  # type: ignore[return-value]


async def test_all_that_is_drawn_can_be_read(tmp_path: Path) -> None:
    seed = every_state(tmp_path)
    async with dashboard(seed, size=(100, 24)) as user:
        await user.sees("● running")
        assert {*user.app.available_themes} == {*OFFERED}
        await user.presses("j", "j", "2")
        await user.sees("▾ M src/app.py")
        assert await hard_in(HARDEST, user, "#status, #panes, #hints") == {}
        for keys, words in ((["A"], "is pushed to"), (["escape", "n"], "What should change?")):
            await user.presses(*keys)
            await user.sees(words)
            assert await hard_in(HARDEST[:2], user, ".dialog") == {}
        await user.is_told("To keep it: theme =")
    seed.close()


async def hard_in(themes: Sequence[str], user: User, parts: str) -> dict[str, list[tuple[str, str]]]:
    """By theme what cannot be read there."""
    found = {}
    for name in themes:
        user.app.theme = name
        await user.pilot.pause()
        hard = [each for part in user.app.screen.query(parts) for each in hard_to_read(user, part)]
        if hard:
            found[name] = hard
    return found


@pytest.mark.parametrize("name", OFFERED)
def test_every_colour_can_be_read_on_every_surface_in_shades_of_grey_as_well(name: str) -> None:
    theme = BUILTIN_THEMES[name]
    own = {**theme.to_color_system().generate(), **theme.variables}
    palette = Palette(own, dark=theme.dark)
    shown = {**own, **palette.variables()}
    words = [palette.foreground, palette.muted, *map(palette.hue, HUES)]
    assert len({*words}) == len(words)
    assert {colour.rgb for colour in words} <= {palette.terminal().ansi_colors[number] for number in range(16)}
    words += [Shade.parse(shown[name]) for name in ("text-accent", "text-muted", "text-disabled", "text-error")]
    for name in ("background", "surface", "panel", "primary-muted", "added", "removed-words", "added-words", "removed"):
        surface = Shade.parse(shown[name])
        for colour in words:
            assert contrast(colour.rgb, surface.rgb) >= LEAST, name
            assert contrast(colour.monochrome.rgb, surface.monochrome.rgb) >= LEAST, name
    assert contrast(palette.cursor.rgb, Shade.parse(shown["background"]).rgb) > 1.4, "the cursor's row must be seen"


def test_the_configured_theme_is_taken_and_a_wrong_one_refused(tmp_path: Path) -> None:
    seed = Seed(tmp_path, Settings(theme="nord"))
    assert Watched(Board(seed.app, worker=False)).theme == "nord"
    seed.close()
    wrong = Seed(tmp_path, Settings(theme="ansi-dark"))
    with pytest.raises(UsageError, match="no theme `ansi-dark`"):
        Watched(Board(wrong.app, worker=False))
    wrong.close()
