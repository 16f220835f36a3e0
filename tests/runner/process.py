"""The runner as the sandbox starts it: a process of its own, its environment all that it has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.fakes.model import FakeModel
from tests.runner.support import ReportService
from tests.support import wait_until

ROOT = Path(__file__).parents[2]


class Runner:
    """One runner process and the host it reports to."""

    def __init__(self, box: Path, service: ReportService, process: subprocess.Popen[bytes]) -> None:
        self.box = box
        self.service = service
        self.process = process

    def give(self, job: Mapping[str, Any]) -> None:
        """Put the job file there as the host does: whole, at once."""
        part = self.box / "job.json.part"
        part.write_text(json.dumps(job), encoding="utf-8")
        part.rename(self.box / "job.json")

    def result(self) -> Any:
        """Wait for the last event."""
        return wait_until(lambda: self.service.of_kind("result"), 30, "the result")[0]

    def log(self) -> str:
        return (self.box / "log").read_text(encoding="utf-8")


@contextmanager
def started(tmp_path: Path, service: ReportService, **env: str) -> Iterator[Runner]:
    """A runner that waits for its job in `tmp_path/box`; `env` is added to its environment."""
    box = tmp_path / "box"
    box.mkdir()
    own = {
        "PATH": os.environ["PATH"],
        "HOME": str(box),
        "TMPDIR": str(box),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PITHY_JOB": str(box / "job.json"),
        "PITHY_HOST_URL": service.base,
        "PITHY_HOST_TOKEN": "sandbox",
    }
    with (
        open(box / "log", "wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "runner"], env=own | env, cwd=box, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        ) as process,
    ):
        try:
            yield Runner(box, service, process)
        finally:
            process.kill()


def reaching(model: FakeModel, key: str = "sk-test-key") -> dict[str, str]:
    """The environment that leads both SDKs to `model`."""
    return {
        "OPENAI_BASE_URL": model.base_url, "OPENAI_API_KEY": key,
        "ANTHROPIC_BASE_URL": model.anthropic_url, "ANTHROPIC_API_KEY": key,
    }  # fmt: skip
