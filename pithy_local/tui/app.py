"""The Textual application, and the function that opens it: the supervisor starts with it and ends with it."""

from __future__ import annotations

import os
import sys

from textual import work
from textual.app import App
from textual.driver import Driver
from textual.message import Message

from pithy_local import service
from pithy_local.clock import Clock
from pithy_local.errors import ExitCode, PithyError, UsageError
from pithy_local.text import safe_line
from pithy_local.tui.board import Board, ServiceBoard
from pithy_local.tui.screens.confirm import ConfirmScreen, Question
from pithy_local.tui.screens.help import HelpScreen
from pithy_local.tui.screens.main import MainScreen
from pithy_local.tui.terminal import driver_for, leaving_signals


class Dashboard(App[int]):
    """One board on one screen. Returns an exit code, None when it was closed by a crash."""

    TITLE = "pithy-local"
    CSS_PATH = "dashboard.tcss"

    class StartFailed(Message):
        """The queue is not worked here; watching still works."""

        def __init__(self, error: PithyError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, board: Board, clock: Clock) -> None:
        # Textual's ansi themes are black on black under NO_COLOR: colours are made true ones, then grey
        super().__init__(ansi_color=False if "NO_COLOR" in os.environ else None)
        self.animation_level = "none"  # a key takes effect at once, also while lines pour in
        self._board, self._clock = board, clock
        self._told_to_leave = False

    def get_driver_class(self) -> type[Driver]:
        return driver_for(super().get_driver_class())

    def on_mount(self) -> None:
        self.push_screen(MainScreen(self._board, self._clock))
        self._start_board()
        if self._told_to_leave:
            self.exit(int(ExitCode.INTERRUPTED))

    @work(thread=True, group="start")
    def _start_board(self) -> None:
        try:
            self._board.start()
        except PithyError as error:
            self.post_message(self.StartFailed(error))

    def on_dashboard_start_failed(self, event: StartFailed) -> None:
        text = f"{event.error.message}. {event.error.hint}"
        self.notify(safe_line(text), title="The queue is not worked here", severity="error", markup=False, timeout=30)

    def leave(self) -> None:
        """A signal: end in order. Safe to call from a signal handler at any time."""
        self._told_to_leave = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.exit, int(ExitCode.INTERRUPTED))

    def action_help(self) -> None:
        self.push_screen(HelpScreen())

    async def action_quit(self) -> None:
        """Also what ctrl+q and the palette call."""
        running = self._board.running_here()
        if not running:
            self.exit(int(ExitCode.OK))
        elif not isinstance(self.screen, ConfirmScreen):
            self.push_screen(ConfirmScreen(quit_question(running)), self._quit_if)

    def _quit_if(self, yes: bool | None) -> None:
        if yes:
            self.exit(int(ExitCode.OK))


def quit_question(running: int) -> Question:
    """What quitting does to the attempts of this process."""
    attempts = "1 attempt runs" if running == 1 else f"{running} attempts run"
    return Question(
        title=f"Quit? {attempts} in this dashboard",
        what_happens="Quitting cancels what runs here: sandboxes are stopped and removed, logs are kept, nothing more "
        "is pushed. Queued tasks stay queued.",
        yes="Cancel and quit",
        no="Stay",
    )


def run_dashboard(app: service.App, *, worker: bool) -> int:
    """Open the dashboard on this terminal and return the exit code; with `worker` it works the queue as well.

    However it ends, what ran in this process is cancelled and gone when this returns.
    Raises UsageError where there is no terminal, PithyError(store).
    """
    return run_board(ServiceBoard(app, worker=worker), app.clock)


def run_board(board: Board, clock: Clock) -> int:
    """`run_dashboard` over any board."""
    if sys.__stdin__ is None or sys.__stderr__ is None or not (sys.__stdin__.isatty() and sys.__stderr__.isatty()):
        raise UsageError("the dashboard needs a terminal", hint="`pithy-local list` and `run` work without one.")
    dashboard = Dashboard(board, clock)
    with leaving_signals(dashboard.leave):
        try:
            dashboard.run()
        finally:
            _stop(board)
    return int(dashboard.return_code or 0) if dashboard.return_value is None else dashboard.return_value


def _stop(board: Board) -> None:
    """After the terminal was given back: says what it waits for."""
    board.say = _narrate
    running = board.running_here()
    if running:
        _narrate(f"cancelling {running} running attempt{'s' * (running > 1)} …")
    board.stop()


def _narrate(text: str) -> None:
    try:
        sys.stderr.write(f"pithy-local: {safe_line(text)}\n")
    except OSError:
        pass  # the terminal is gone
