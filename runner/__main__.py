"""`python3 -m runner`: the sandbox's main process. Waits for its job, does it, reports, and stays.

It does not exit by itself, because a container that stops takes its tmpfs, and the work tree with it; the host
collects first and ends it with SIGTERM. Environment: PITHY_JOB (path of the job file, written last), PITHY_HOST_URL
and PITHY_HOST_TOKEN (the report service), OPENAI_BASE_URL and OPENAI_API_KEY, ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY
(the gateway, read by the SDKs).
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import NoReturn

from runner import agent, providers
from runner.errors import Question, RunnerError, WireError
from runner.job import Job
from runner.narrate import Narrator, say
from runner.wire import Host

_POLL = 0.02
"""Seconds between two looks for the job file: its arrival is the start of the attempt."""


def main() -> NoReturn:
    """Run one job and wait to be ended."""
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a name from a model must not end the runner
            stream.reconfigure(errors="backslashreplace")
    try:
        job_path = Path(os.environ["PITHY_JOB"])
        host = Host(os.environ["PITHY_HOST_URL"], os.environ["PITHY_HOST_TOKEN"], say=say)
    except (KeyError, WireError) as error:
        sys.exit(f"runner: cannot start, the environment is incomplete: {error}")
    while not job_path.exists():
        time.sleep(_POLL)
    try:
        report(job_path, Narrator(host), host.was_away)
    except WireError as error:
        sys.stderr.write(f"runner: {error.message}\n")
        sys.stderr.flush()
    while True:
        signal.pause()


def report(job_path: Path, tell: Narrator, host_was_away: Callable[[], bool]) -> None:
    """Do the job and tell the host how it ended, whatever happens. Raises WireError when the host does not listen."""
    try:
        job = Job.load(job_path)
        done = agent.run(job, providers.for_job(job, say, host_was_away), tell)
    except WireError:
        raise
    except Question as question:
        tell.asked(question)
    except RunnerError as error:
        tell.failed(error)
    except Exception as error:
        traceback.print_exc()
        tell.failed(RunnerError(f"the runner failed: {type(error).__name__}: {error}"))
    else:
        tell.ready(done)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    main()
