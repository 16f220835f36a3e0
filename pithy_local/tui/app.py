"""The Textual application, and the function that opens it: the supervisor starts with it and ends with it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work
from textual.app import App
from textual.driver import Driver
from textual.message import Message

from pithy_local import service
from pithy_local.errors import ExitCode, PithyError, UsageError
from pithy_local.models import Stop
from pithy_local.text import safe_line
from pithy_local.tui import clipboard, pauses
from pithy_local.tui.actions import Place
from pithy_local.tui.board import Board
from pithy_local.tui.keymap import Keymap
from pithy_local.tui.screens.main import MainScreen
from pithy_local.tui.terminal import driver_for, is_monochrome, leaving_signals

if TYPE_CHECKING:
    from textual.command import Provider


def _commands() -> type[Provider]:
    from pithy_local.tui.commands import DashboardCommands  # nothing that waits for a key delays the first frame

    return DashboardCommands


class Dashboard(App[int]):
    """One board on one screen. Returns an exit code, None when it was closed by a crash."""

    TITLE = "pithy-local"
    CSS_PATH = Path(__file__).with_name("dashboard.tcss")
    COMMANDS = App.COMMANDS | {_commands}

    class StartFailed(Message):
        """The queue is not worked here; watching still works."""

        def __init__(self, error: PithyError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, board: Board) -> None:
        """Raises UsageError(config) for keys of the user's that cannot be."""
        # Textual's ansi themes are black on black under NO_COLOR: colours are made true ones, then grey
        super().__init__(ansi_color=False if "NO_COLOR" in os.environ else None)
        self.set_class(is_monochrome(os.environ), "-monochrome")
        self.animation_level = "none"  # a key takes effect at once, also while lines pour in
        self.leaving = Stop.LEAVE
        """What becomes of the attempts in here when the dashboard ends without having asked."""
        self._board = board
        self._keymap_of_user = Keymap(board.app.settings.keys)
        self.set_keymap(self._keymap_of_user.changed)
        self._told_to_leave = False

    def get_driver_class(self) -> type[Driver]:
        return driver_for(super().get_driver_class())

    def on_mount(self) -> None:
        main = MainScreen(self._board, self._keymap_of_user)
        self.push_screen(main)
        self.call_after_refresh(self._start_board, main)  # what it imports must not delay the first frame
        if self._told_to_leave:
            self.exit(int(ExitCode.INTERRUPTED))

    @work(thread=True, group="start")
    def _start_board(self, main: MainScreen) -> None:
        try:
            self._board.start(main.hear)
        except PithyError as error:
            self.post_message(self.StartFailed(error))
        finally:
            pauses.settled()

    def on_dashboard_start_failed(self, event: StartFailed) -> None:
        text = f"{event.error.message}. {event.error.hint}"
        self.notify(safe_line(text), title="The queue is not worked here", severity="error", markup=False, timeout=30)

    def leave(self) -> None:
        """A signal: end in order. Safe to call from a signal handler at any time."""
        self._told_to_leave = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.exit, int(ExitCode.INTERRUPTED))

    @property
    def main(self) -> MainScreen | None:
        """The screen below all dialogs, once it is there."""
        return next((screen for screen in self.screen_stack if isinstance(screen, MainScreen)), None)

    def action_help(self) -> None:
        from pithy_local.tui.screens.help import HelpScreen

        main = self.main
        if main is not None and not isinstance(self.screen, HelpScreen):
            place = main.place if self.screen is main else Place.TEXT
            self.push_screen(HelpScreen(place, self._keymap_of_user, main.why_not))

    def copy_to_clipboard(self, text: str) -> None:
        """What Textual calls for a selection (ctrl+c)."""
        self._copy(text, "the selection")

    def on_doing_screen_copy_wanted(self, event: MainScreen.CopyWanted) -> None:
        self._copy(event.text, event.what)

    @work(thread=True, group="copy")
    def _copy(self, text: str, what: str) -> None:
        """To the desktop's clipboard, else through the terminal, else into a file."""
        if clipboard.by_tool(text, self._board.app.env):
            told = f"Copied {what}"
        elif clipboard.by_terminal(text):
            self.call_from_thread(super().copy_to_clipboard, text)
            told = f"Copied {what} through the terminal"
        else:
            told = f"Too long for the terminal's clipboard: it is in {clipboard.by_file(text)}"
        self.call_from_thread(self.notify, safe_line(told), markup=False)

    async def action_quit(self) -> None:
        """Also what ctrl+q and the palette call."""
        from pithy_local.tui.screens.quit import HOW, QuitScreen

        def answered(answer: int | None) -> None:
            leaving = HOW[answer or 0]
            if leaving is not None:
                self.leaving = leaving
                self.exit(int(ExitCode.OK))

        running = self._board.running_here()
        if not running:
            self.exit(int(ExitCode.OK))
        elif not isinstance(self.screen, QuitScreen):
            self.push_screen(QuitScreen(running), answered)


def run_dashboard(app: service.App, *, worker: bool) -> int:
    """Open the dashboard on this terminal and return the exit code; with `worker` it works the queue as well.

    However it ends, nothing of it works in this process when this returns.
    Raises UsageError where there is no terminal or the user's keys are wrong, PithyError(store).
    """
    return run_board(Board(app, worker=worker))


def run_board(board: Board) -> int:
    """`run_dashboard` over any board."""
    if sys.__stdin__ is None or sys.__stderr__ is None or not (sys.__stdin__.isatty() and sys.__stderr__.isatty()):
        raise UsageError("the dashboard needs a terminal", hint="`pithy-local list` and `run` work without one.")
    dashboard = Dashboard(board)
    with leaving_signals(dashboard.leave):
        try:
            dashboard.run()
        finally:
            _stop(board, dashboard.leaving)
    return int(dashboard.return_code or 0) if dashboard.return_value is None else dashboard.return_value


def _stop(board: Board, leaving: Stop) -> None:
    """After the terminal was given back: says what it waits for."""
    running = board.running_here()
    if running:
        attempts = f"{running} running attempt{'s' * (running > 1)}"
        _narrate(f"cancelling {attempts} …" if leaving is Stop.CANCEL else f"leaving {attempts} to be taken up …")
    board.stop(leaving, _narrate)


def _narrate(text: str) -> None:
    try:
        sys.stderr.write(f"pithy-local: {safe_line(text)}\n")
    except OSError:
        pass  # the terminal is gone
