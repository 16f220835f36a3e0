"""An attempt's host side that only remembers, and jobs over real bundles, for tests of `local`."""

from __future__ import annotations

import secrets
import tarfile
import threading
from pathlib import Path
from typing import Any

from pithy_local.door.reports import Event, Reports
from pithy_local.errors import Cancelled, LeaseLost
from pithy_local.executors.base import Job, Limits
from pithy_local.models import Phase, Stream
from tests.door.stand_ins import make_gateway
from tests.support import branch_sha, make_bare, make_repo

TASK = "0abc123def"
REPLY = """Greets the world.

```diff
diff --git a/hello.txt b/hello.txt
--- a/hello.txt
+++ b/hello.txt
@@ -1,3 +1,3 @@
 one
-hello
+hello, world
 three
```
"""


class RecordingHost:
    """Implements `AttemptHost`. `stop(error)` lets the attempt end with `error`, as a user or a lost lease would."""

    def __init__(self, max_diff_bytes: int = 1_000_000) -> None:
        self.events: list[Event] = []
        self.diffs: list[bytes] = []
        self.phases: list[Phase] = []
        self.said: list[str] = []
        self.effects: list[tuple[str, str, str]] = []
        self.written = {stream: bytearray() for stream in Stream}
        self.stopping = threading.Event()
        self._stop_with: Cancelled | LeaseLost | None = None
        reports = Reports(
            on_event=self.events.append, on_diff=lambda _, diff: self.diffs.append(diff), max_diff_bytes=max_diff_bytes
        )
        self.gateway = make_gateway(reports=reports, token=secrets.token_urlsafe())

    def stop(self, error: Cancelled | LeaseLost) -> None:
        self._stop_with = error
        self.stopping.set()

    def checkpoint(self) -> None:
        if self._stop_with is not None:
            raise self._stop_with

    def enter(self, phase: Phase) -> None:
        self.checkpoint()
        self.phases.append(phase)

    def say(self, text: str) -> None:
        self.said.append(text)

    def output(self, stream: Stream, data: bytes, frame: int | None = None) -> bool:
        self.written[stream] += data
        return True

    def frames(self, container: str) -> int:
        return 0

    def still_ours(self) -> bool:
        return not self.stopping.is_set() or not isinstance(self._stop_with, LeaseLost)

    def time_left(self, seconds: float) -> float:
        return seconds

    def keep_time(self, left: float) -> None:
        """Nobody adopts it."""

    def intend(self, effect: str, key: str) -> None:
        self.effects.append(("intend", effect, key))

    def done(self, effect: str, result: str = "") -> None:
        self.effects.append(("done", effect, result))


def make_job(folder: Path, *, seconds: float = 30.0, max_diff_bytes: int = 1_000_000, **spec: Any) -> Job:
    """A job over a repository with one file, its bundle in `folder`; `spec` changes the runner's part."""
    bare = make_bare(folder / "repo.git", make_repo(folder / "work", {"hello.txt": "one\nhello\nthree\n"}))
    bundle = folder / "bundle.tar"
    with tarfile.open(bundle, "w") as tar:
        tar.add(bare, "repo.git")
    limits = Limits(cpus=1, memory=1 << 30, pids=64, disk=1 << 30, seconds=seconds)
    return Job(
        instance="instance", task=TASK, attempt=1, fence=3, bundle=bundle, limits=limits, max_diff_bytes=max_diff_bytes,
        spec=runner_spec(bare, task=TASK, max_diff_bytes=max_diff_bytes) | spec,
    )  # fmt: skip


def scripted(*texts: str) -> list[dict[str, str]]:
    """Replies as the job has them."""
    return [{"text": text, "finish_reason": "stop"} for text in texts]


def runner_spec(bare: Path, **changes: Any) -> dict[str, Any]:
    """The runner's part of a job on branch `main` of `bare`; the scripted model greets the world."""
    spec = {
        "version": 3, "task": TASK, "attempt": 1, "title": "Greet", "prompt": "Greet the world", "base": "main",
        "base_sha": branch_sha(bare, "main"), "provider": "scripted", "model": "scripted", "temperature": None,
        "fallback": None, "fallback_max_output_tokens": None, "reasoning": "", "replies": scripted(REPLY),
        "context_tokens": 24_000, "max_output_tokens": 8192, "call_timeout": 30.0, "repair_rounds": 0,
        "max_diff_bytes": 10_000_000, "verify": [], "verify_timeout": 60.0, "history": [], "findings": [],
    }  # fmt: skip
    return spec | changes
