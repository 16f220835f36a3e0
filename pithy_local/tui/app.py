"""The Textual application, and the function that opens it: the supervisor starts with it and ends with it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.actions import SkipAction
from textual.driver import Driver
from textual.message import Message
from textual.notifications import SeverityLevel

from pithy_local import service
from pithy_local.errors import ErrorCode, ExitCode, PithyError, UsageError
from pithy_local.models import Stop
from pithy_local.text import safe_line
from pithy_local.tui import actions, clipboard, outside, pauses
from pithy_local.tui.actions import Place
from pithy_local.tui.board import Board
from pithy_local.tui.keymap import Keymap
from pithy_local.tui.leaving import leaving_signals
from pithy_local.tui.models.hints import told
from pithy_local.tui.screens.main import MainScreen
from pithy_local.tui.terminal import driver_for, has_job_control, is_monochrome
from pithy_local.tui.typed import TypedApp

if TYPE_CHECKING:
    from textual.command import Provider


def _commands() -> type[Provider]:
    from pithy_local.tui.commands import DashboardCommands  # nothing that waits for a key delays the first frame

    return DashboardCommands


class Dashboard(TypedApp, inherit_bindings=False):
    """One board on one screen. Returns an exit code, None when it was closed by a crash."""

    TITLE = "pithy-local"
    CSS_PATH = Path(__file__).with_name("dashboard.tcss")
    BINDINGS = actions.bindings(Place.APP)
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_commands}

    class StartFailed(Message):
        """The queue is not worked here; watching still works."""

        def __init__(self, error: PithyError) -> None:
            super().__init__()
            self.error = error

    class Copied(Message):
        """`told` says what became of it; the terminal still has to take `text`, unless it is empty."""

        def __init__(self, told: str, *, text: str = "", severity: SeverityLevel = "information") -> None:
            super().__init__()
            self.told, self.text, self.severity = told, text, severity

    def __init__(self, board: Board) -> None:
        """Raises UsageError(config) for keys and a theme of the user's that cannot be."""
        # Textual's ansi themes are black on black under NO_COLOR: colours are made true ones, then grey
        super().__init__(ansi_color=False if "NO_COLOR" in os.environ else None)
        self.set_class(self.no_color or is_monochrome(os.environ), "-monochrome")
        self.set_theme(board.app.settings.theme)
        self.animation_level = "none"  # a key takes effect at once, also while lines pour in
        self.leaving = Stop.LEAVE
        """What becomes of the attempts in here when the dashboard ends without having asked."""
        self._board = board
        self._keymap_of_user = Keymap(board.app.settings.keys)
        self.set_keymap(self._keymap_of_user.changed)
        self.told_to_leave = False
        """By a signal, the last one at whatever time."""

    def get_driver_class(self) -> type[Driver]:
        return driver_for(super().get_driver_class())

    def on_mount(self) -> None:
        main = MainScreen(self._board, self._keymap_of_user)
        self.push_screen(main)
        self.call_after_refresh(self._start_board, main)  # what it imports must not delay the first frame
        if self.told_to_leave:
            self.exit(int(ExitCode.INTERRUPTED))

    @work(thread=True, group="start")
    def _start_board(self, main: MainScreen) -> None:
        try:
            with self._board.in_words():
                self._board.start(main.hear)
        except PithyError as error:
            self.post_message(self.StartFailed(error))
        finally:
            pauses.settled()

    def on_dashboard_start_failed(self, event: StartFailed) -> None:
        text = told(event.error, self._keymap_of_user)
        self.notify(safe_line(text), title="The queue is not worked here", severity="error", markup=False, timeout=30)

    def leave(self) -> None:
        """A signal: end in order. Safe to call from a signal handler at any time."""
        self.told_to_leave = True
        outside.take_back()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.exit, int(ExitCode.INTERRUPTED))

    @property
    def main(self) -> MainScreen | None:
        """The screen below all dialogs, once it is there."""
        return next((screen for screen in self.screen_stack if isinstance(screen, MainScreen)), None)

    def action_help(self) -> None:
        from pithy_local.tui.screens.help import HelpScreen

        main = self.main
        if main is not None and self.screen is main:
            self.push_screen(HelpScreen(main.place, self._keymap_of_user, main.why_not))

    def action_suspend_process(self) -> None:
        """Stop until the shell brings it back, with whatever else the shell started it through."""
        if self._board.running_here():
            self.notify("Attempts run in this dashboard: they would stand still, too", severity="warning", markup=False)
        elif self._driver is None or not self._driver.can_suspend or not has_job_control():
            self.notify("No shell is there that would bring the dashboard back", severity="warning", markup=False)
        else:
            os.killpg(0, signal.SIGTSTP)

    # ---- copying

    def action_copy_selected(self) -> None:
        """What the mouse has selected; many press ctrl+c to quit."""
        try:
            self.screen.action_copy_text()
        except SkipAction:
            self.notify(f"Nothing is selected. {self._keymap_of_user.key('dashboard.quit')} quits", markup=False)

    def copy_to_clipboard(self, text: str) -> None:
        """What Textual calls for a selection (ctrl+c)."""
        self._copy(text, "the selection")

    def on_doing_screen_copy_wanted(self, event: MainScreen.CopyWanted) -> None:
        self._copy(event.text, event.what)

    def _copy(self, text: str, what: str) -> None:
        """To the desktop's clipboard, else through the terminal, else into a file."""
        outside.apart("copy", lambda: self.post_message(self._copied(text, what)))

    def _copied(self, text: str, what: str) -> Copied:
        if clipboard.by_tool(text, self._board.app.env):
            return self.Copied(f"Copied {what}")
        if clipboard.by_terminal(text):
            return self.Copied(f"Copied {what}, through the terminal", text=text)
        try:
            return self.Copied(f"Too long for the terminal's clipboard: it is in {clipboard.by_file(text)}")
        except OSError as error:
            return self.Copied(f"Too long for the terminal's clipboard, and for a file: {error}", severity="error")

    def on_dashboard_copied(self, event: Copied) -> None:
        if event.text:
            super().copy_to_clipboard(event.text)
        self.notify(safe_line(event.told), severity=event.severity, markup=False)

    # ---- ending

    async def action_quit(self) -> None:
        """Also what ctrl+q and the palette call."""
        from pithy_local.tui.screens.dialog import Dialog
        from pithy_local.tui.screens.quit import HOW, QuitScreen

        def answered(answer: int | None) -> None:
            leaving = HOW[answer or 0]
            if leaving is not None:
                self.leaving = leaving
                self.exit(int(ExitCode.OK))

        running = self._board.running_here()
        unsent = any(screen.unsent for screen in self.screen_stack if isinstance(screen, (MainScreen, Dialog)))
        if not running and not unsent:
            self.exit(int(ExitCode.OK))
        elif not isinstance(self.screen, QuitScreen):
            self.push_screen(QuitScreen(running, unsent=unsent, under_way=self._board.under_way.names), answered)

    def _handle_exception(self, error: Exception) -> None:
        """A bug: end. What is said of it is not for Textual to say, which shows what is in memory (`mishap`)."""
        self._return_code = int(ErrorCode.INTERNAL.exit_code)
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()

    @property
    def crash(self) -> Exception | None:
        """The bug that ended it."""
        return self._exception


def run_dashboard(app: service.App, *, worker: bool) -> int:
    """Open the dashboard on this terminal and return the exit code; with `worker` it works the queue as well.

    However it ends, nothing of it works in this process when this returns.
    Raises UsageError where there is no terminal or the user's keys are wrong, PithyError(store).
    """
    return run_board(Board(app, worker=worker))


def run_board(board: Board) -> int:
    """`run_dashboard` over any board."""
    _check_terminal()
    dashboard = Dashboard(board)
    with leaving_signals(dashboard.leave) as given_back:
        try:
            dashboard.run()
        finally:
            given_back()
            if dashboard.crash is not None:
                from pithy_local.tui import mishap

                _write(mishap.report(dashboard.crash, board.app.secrets.in_memory()))
            _stop(board, dashboard.leaving)
            done = board.under_way.finish(_narrate, lambda: dashboard.told_to_leave)
    if not done:
        return int(ExitCode.INTERRUPTED)
    return int(dashboard.return_code or 0) if dashboard.return_value is None else dashboard.return_value


def _check_terminal() -> None:
    """Raises UsageError where the dashboard cannot be drawn."""
    hint = "`pithy-local list`, `run` and `serve` work without one."
    if sys.__stdin__ is None or sys.__stderr__ is None or not (sys.__stdin__.isatty() and sys.__stderr__.isatty()):
        raise UsageError("the dashboard needs a terminal", hint=hint)
    if os.environ.get("TERM") == "dumb":
        raise UsageError("this terminal cannot show the dashboard (TERM is dumb)", hint=hint)
    if os.environ.get("NO_COLOR") == "":  # as good as not there, says no-color.org; Textual asks only whether it is
        del os.environ["NO_COLOR"]


def _stop(board: Board, leaving: Stop) -> None:
    """After the terminal was given back: says what it waits for."""
    running = board.running_here()
    if running:
        attempts = f"{running} running attempt{'s' * (running > 1)}"
        _narrate(f"cancelling {attempts} …" if leaving is Stop.CANCEL else f"leaving {attempts} to be taken up …")
    board.stop(leaving, _narrate)


def _narrate(text: str) -> None:
    _write(f"pithy-local: {safe_line(text)}")


def _write(text: str) -> None:
    try:
        sys.stderr.write(f"{text}\n")
    except OSError:
        pass  # the terminal is gone
