"""`pithy-local` and `python -m pithy_local`: the command line, given the dashboard that lies beside it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pithy_local.cli.main import main as run_command_line

if TYPE_CHECKING:
    from pithy_local.service import App


def _dashboard(app: App, worker: bool) -> int:
    from pithy_local.tui.app import run_dashboard  # textual: 0.2 s that no other verb should pay

    return run_dashboard(app, worker=worker)


def main() -> int:
    """The console script's entry; returns the exit code."""
    return run_command_line(dashboard=_dashboard)


if __name__ == "__main__":
    sys.exit(main())
