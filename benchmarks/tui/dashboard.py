"""The dashboard over a home, without a worker."""

from __future__ import annotations

import os
import sys

from pithy_local import service
from pithy_local.tui.app import run_dashboard

if __name__ == "__main__":
    with service.open_app(home=sys.argv[1], env=dict(os.environ)) as app:
        sys.exit(run_dashboard(app, worker=False))
