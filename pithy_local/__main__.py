"""`pithy-local` and `python -m pithy_local`: the command line, given the dashboard and the server beside it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pithy_local.cli.main import main as run_command_line

if TYPE_CHECKING:
    from pithy_local.config import Settings
    from pithy_local.service import App


def _dashboard(app: App, worker: bool) -> int:
    from pithy_local.tui import pauses

    with pauses.kept_short():
        from pithy_local.tui.app import run_dashboard  # textual: 0.2 s that no other verb should pay

        return run_dashboard(app, worker=worker)


def _check(settings: Settings) -> None:
    """What the dashboard alone understands of the configuration. Raises UsageError(config)."""
    from pithy_local.tui import themes
    from pithy_local.tui.keymap import Keymap

    Keymap(settings.keys)
    themes.check(settings.theme)


def _server(app: App, *args: Any, **named: Any) -> None:
    from pithy_local.http.serving import serve  # starlette and uvicorn: 0.2 s

    serve(app, *args, **named)


def main() -> int:
    """The console script's entry; returns the exit code."""
    return run_command_line(dashboard=_dashboard, server=_server, check=_check)


if __name__ == "__main__":
    sys.exit(main())
