"""The themes that are offered, made readable: every colour of a word stands out from whatever it may stand on.

Our texts name the terminal's sixteen colours and nothing else; here these become colours of the theme.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.terminal_theme import TerminalTheme
from textual.app import App
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from pithy_local.errors import ErrorCode, UsageError

CONTRAST = 4.6
"""WCAG asks for 4.5 between a text and what it stands on; roundings take some."""
PLAIN = 6.5
"""The same for words that are not muted: the difference must be seen."""
STEPS = 25
NEAR = 8
"""Steps that a theme's own colour may be away from one that can be read, before another one is taken."""
MUTED = 0.3
"""How far muted text is on the way from the foreground to the background."""
SURFACES = ("background", "surface", "panel")
"""What text stands on: the screen, dialogs and bars. Rows have a cursor's colour besides."""
CURSOR, LINE = 1.5, 1.2
"""Contrast of a cursor's row, and of a changed line in a diff, with the rows around it."""
HUES = {
    "red": (range(330, 375), "#ff5f6e", "#c4243a"),
    "green": (range(61, 170), "#5fd787", "#1f7a34"),
    "yellow": (range(30, 61), "#ffc45e", "#8f6400"),
    "blue": (range(205, 265), "#6cb1ff", "#2459c4"),
    "magenta": (range(265, 330), "#ff8ad8", "#a3269b"),
    "cyan": (range(170, 205), "#4fd0e7", "#00758c"),
}
"""By name: the hues it may have in degrees, and what it is in a dark and in a light theme without such a colour."""
COLOURFUL = 0.25
"""The saturation from which on a hue is seen."""
OF_THEME = ("error", "success", "warning", "accent", "primary", "secondary")
WHITE, BLACK = Color(255, 255, 255), Color(0, 0, 0)


class Palette:
    """A theme's colours as they are used here. `variables`: Textual's own of that theme."""

    def __init__(self, variables: Mapping[str, str], *, dark: bool) -> None:
        self._dark = dark
        self._of = {name: Color.parse(variables[name]) for name in (*SURFACES, *OF_THEME, "boost", "foreground")}
        self.cursor = self._cursor()
        surfaces = [self.cursor, *(self._of[name] for name in SURFACES)]
        surfaces += [self._of[name] + self._of["boost"] for name in ("background", "surface")]
        self._worst = self._hardest(surfaces), self._hardest(each.monochrome for each in surfaces)
        self.foreground = self.readable(self._of["foreground"], PLAIN)
        self.muted = self.readable(self.foreground.blend(self._of["background"], MUTED))

    def _cursor(self) -> Color:
        """So much of the theme's main colour that the row is seen, and no more: words stand on it."""
        background, primary = self._of["background"], self._of["primary"]
        blends = (background.blend(primary, step / STEPS) for step in range(STEPS // 4, STEPS))
        return next((each for each in blends if ratio(luminance(each), luminance(background)) >= CURSOR), primary)

    def _hardest(self, surfaces: Iterable[Color]) -> float:
        """How bright the surface is on which it is hardest to read."""
        return (max if self._dark else min)(map(luminance, surfaces))

    def readable(self, colour: Color, least: float = CONTRAST) -> Color:
        """As far towards white or black as it takes to be read on every surface."""
        return self._towards(colour, self._steps(colour, least))

    def _towards(self, colour: Color, step: int) -> Color:
        return colour.blend(WHITE if self._dark else BLACK, step / STEPS)

    def _steps(self, colour: Color, least: float = CONTRAST) -> int:
        """How many it takes. Shades of grey (NO_COLOR) count as well."""
        for step in range(STEPS):
            found = self._towards(colour, step)
            in_colour, in_grey = luminance(found), luminance(found.monochrome)
            if min(ratio(in_colour, self._worst[0]), ratio(in_grey, self._worst[1])) >= least:
                return step
        return STEPS

    def hue(self, name: str) -> Color:
        """The theme's own colour of this name where it has one that can be read, else one that goes with it."""
        return self.readable(min(self._known(name), key=lambda colour: max(NEAR, self._steps(colour))))

    def tint(self, name: str, most: float) -> Color:
        """The background with as much of this colour as keeps their contrast at `most`: words can be read on it as
        long as that is no more than a cursor's."""
        background, colour = self._of["background"], self._known(name)[0]
        blends = (background.blend(colour, step / STEPS) for step in range(STEPS, 0, -1))
        return next((each for each in blends if ratio(luminance(each), luminance(background)) <= most), background)

    def _known(self, name: str) -> list[Color]:
        """The theme's own colours of this name, as they are, and ours."""
        hues, in_dark, in_light = HUES[name]
        own = [colour for colour in map(self._of.__getitem__, OF_THEME) if _is_one_of(hues, colour)]
        return [*own, Color.parse(in_dark if self._dark else in_light)]

    def variables(self) -> dict[str, str]:
        """What the style sheets name, in place of Textual's."""
        return {
            "foreground": self.foreground.hex, "text-muted": self.muted.hex, "text-disabled": self.muted.hex,
            "primary-muted": self.cursor.hex,
            "text-accent": self.readable(self._of["accent"]).hex, "text-error": self.hue("red").hex,
            "text-warning": self.hue("yellow").hex, "text-success": self.hue("green").hex,
            "added": self.tint("green", LINE).hex, "added-words": self.tint("green", CURSOR).hex,
            "removed": self.tint("red", LINE).hex, "removed-words": self.tint("red", CURSOR).hex,
        }  # fmt: skip

    def terminal(self) -> TerminalTheme:
        """The sixteen colours that our texts and the programs in a log name."""
        black = self._of["background"].darken(0.05) if self._dark else BLACK
        coloured = [self.hue(name) for name in ("red", "green", "yellow", "blue", "magenta", "cyan")]
        normal = [each.rgb for each in (black, *coloured, self.foreground)]
        bright = [each.rgb for each in (self.muted, *coloured, self.foreground)]
        return TerminalTheme(self._of["background"].rgb, self.foreground.rgb, normal, bright)


def _is_one_of(hues: range, colour: Color) -> bool:
    hue, saturation, _ = colour.hsl
    degrees = round(hue * 360)
    return saturation >= COLOURFUL and (degrees in hues or degrees + 360 in hues)


def luminance(colour: Color) -> float:
    """WCAG's relative luminance of an opaque colour: 0 (black) to 1."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(one: float, other: float) -> float:
    """WCAG's contrast of two luminances: 1 (none) to 21."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def check(name: str) -> None:
    """Raises UsageError(config) for a theme that is not offered."""
    offered = _offered(BUILTIN_THEMES)
    if name not in offered:
        hint = f"There are {', '.join(offered)}."
        raise UsageError(f"there is no theme `{name}`", code=ErrorCode.CONFIG, hint=hint)


def _offered(themes: Mapping[str, Theme]) -> dict[str, Theme]:
    return {name: theme for name, theme in themes.items() if not theme.ansi}


class ThemedApp(App[int]):
    """An application whose themes can all be read."""

    def __init__(self, *, ansi_color: bool | None = None) -> None:
        """`ansi_color`: as Textual takes it."""
        super().__init__(ansi_color=ansi_color)
        self._refresh_truecolor_filter(self.ansi_theme)  # Textual does so when the theme changes
        self._configured = self.theme

    def get_css_variables(self) -> dict[str, str]:
        found = super().get_css_variables()
        palette = Palette(found, dark=self.current_theme.dark)
        self.theme_variables = {**found, **palette.variables()}
        self._terminal = self.theme, palette.terminal()
        return self.theme_variables

    @property
    def ansi_theme(self) -> TerminalTheme:
        """Asked for at each line that is drawn."""
        if self._terminal[0] != self.theme:  # Textual asks before it asks for the variables
            self.get_css_variables()
        return self._terminal[1]

    @property
    def available_themes(self) -> dict[str, Theme]:
        """Textual's, but those that leave the colours to the terminal: nobody knows what can be read there."""
        return _offered(super().available_themes)

    def set_theme(self, name: str) -> None:
        """Begin with the configured theme. Raises UsageError(config) for one that is not offered."""
        check(name)
        self._configured = name
        self.theme = name

    def watch_theme(self, name: str) -> None:
        """Another one was chosen: it holds until the dashboard ends."""
        if name != self._configured:
            self.notify(f'To keep it: theme = "{name}" in the configuration', markup=False)
