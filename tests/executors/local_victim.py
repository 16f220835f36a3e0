"""A process that runs one local attempt and is killed by a test: `python -m tests.executors.local_victim FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from pithy_local.door.loop import EventLoop
from pithy_local.executors.local import LocalExecutor
from pithy_local.paths import Home
from tests.executors.local_host import RecordingHost, make_job
from tests.executors.stand_ins import DAEMON, STAY, python


def main(folder: Path) -> None:
    home = Home(root=folder / "home").prepare()
    with EventLoop() as loop:
        LocalExecutor(home, loop, runner=python(DAEMON + STAY)).run(make_job(folder), RecordingHost())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
