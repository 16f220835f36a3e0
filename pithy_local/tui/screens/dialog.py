"""What every dialog has: its keys as the user has them, help on them, and a line that shows them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widget import Widget

from pithy_local.tui import actions
from pithy_local.tui.actions import HEARD, Action, Place
from pithy_local.tui.keymap import Keymap
from pithy_local.tui.widgets.bars import HintBar
from pithy_local.tui.widgets.page import Page

if TYPE_CHECKING:
    from pithy_local.tui.app import Dashboard
    from pithy_local.tui.screens.main import MainScreen

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """Subclasses say which `PLACE` of the table of actions is theirs, and in `PROSE` what the dialog is for."""

    CSS_PATH = Path(__file__).with_name("dialogs.tcss")
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = [(0, "-thin"), (64, "-wide")]  # noqa: RUF012 (Textual's type)
    VERTICAL_BREAKPOINTS: list[tuple[int, str]] | None = [(0, "-tiny"), (20, "-low"), (30, "-high")]  # noqa: RUF012
    PLACE: ClassVar[Place]
    PROSE: ClassVar[str] = ""

    def __init_subclass__(cls, **options: Any) -> None:
        if "PLACE" in vars(cls):
            cls.BINDINGS = actions.bindings(
                *(place for place in HEARD[cls.PLACE] if place in (cls.PLACE, Place.DIALOG))
            )
        super().__init_subclass__(**options)

    def __init__(self) -> None:
        super().__init__()
        self._dismissed = False

    @property
    def main(self) -> MainScreen:
        """What the dialog lies over."""
        main = cast("Dashboard", self.app).main
        assert main is not None
        return main

    @property
    def unsent(self) -> bool:
        """Whether it holds something written that is lost with the dashboard."""
        return False

    @property
    def keymap(self) -> Keymap:
        return self.main.keymap

    @property
    def actions(self) -> list[Action]:
        """What can be done in here."""
        return [action for place in HEARD[self.PLACE] for action in self.keymap.at(place)]

    def foot(self, *above: Widget) -> ComposeResult:
        """What is always in sight at the end of a dialog: what its keys do."""
        with Vertical(classes="foot"):
            yield from above
            bar = HintBar("text-hints")
            bar.show([action for action in self.actions if action.hint], self._at_the_end())
            yield bar

    def _at_the_end(self) -> list[Action]:
        return [action for action in self.actions if action.id == "dialog.help"]

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Once: a second answer in the same moment would close what lies below."""
        if self._dismissed:
            return AwaitComplete()
        self._dismissed = True
        return super().dismiss(result)

    async def action_press(self, action_id: str) -> None:
        """What the key of this action does: for hints that are clicked and for the palette."""
        action = self.keymap.action(action_id)
        namespace = self.focused if action.place is Place.PAGE and self.focused is not None else self
        await self.app.run_action(action.run, namespace)

    def on_page_left(self, event: Page.Left) -> None:
        event.stop()
        self.action_back()

    def action_back(self) -> None:
        self.dismiss(None)

    def action_help(self) -> None:
        from pithy_local.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self.PLACE, self.keymap, prose=self.PROSE, heard=self.actions))


class Parts(Page):
    """A page of widgets, as high as they are."""

    def __init__(self, id: str, *parts: Widget) -> None:  # noqa: A002
        super().__init__(id)
        self._parts = parts

    def compose(self) -> ComposeResult:
        yield from self._parts
