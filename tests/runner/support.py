"""What the runner's tests share: a job on a real bundle, the host's report service, diffs of known shape."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.job import Job
from tests.fakes.loopback import Exchange, LoopbackServer
from tests.support import branch_sha, make_bare, make_repo

GREETER = "def greet(name):\n    return 'Hello ' + name\n\n\ndef bye(name):\n    return 'Bye ' + name\n"
FILES: Mapping[str, str | bytes] = {
    "src/greeter.py": GREETER,
    "tests/test_greeter.py": "from src.greeter import greet\n\ndef test_greet():\n    assert greet('A') == 'Hello A'\n",
    "README.md": "# Greeter\n",
}
DIFF = """\
diff --git a/src/greeter.py b/src/greeter.py
--- a/src/greeter.py
+++ b/src/greeter.py
@@ -1,5 +1,5 @@
 def greet(name):
-    return 'Hello ' + name
+    return f'Hello {name}'
\x20
\x20
 def bye(name):
"""
AFTER = GREETER.replace("'Hello ' + name", "f'Hello {name}'")
MISFIT = DIFF.replace("'Hello ' + name", "'Goodbye ' + name")
"""A diff that git can read and that does not fit."""


def fenced(diff: str, label: str = "diff") -> str:
    """An answer as a good model writes it."""
    return f"Here is the change.\n\n```{label}\n{diff}```\n"


def raw_job(tmp_path: Path, files: Mapping[str, str | bytes] = FILES, **changes: Any) -> dict[str, Any]:
    """The content of a job file for a fresh bundle of `files` under `tmp_path`; `replies` may be plain texts."""
    bundle = make_bare(tmp_path / "repo.git", make_repo(tmp_path / "origin", files))
    replies = [
        {"text": reply, "finish_reason": "stop"} if isinstance(reply, str) else reply
        for reply in changes.pop("replies", ())
    ]
    return {
        "version": 3,
        "task": "0123456789",
        "attempt": 1,
        "title": "Use an f-string",
        "prompt": "greet() in src/greeter.py should use an f-string.",
        "bundle": str(bundle),
        "repo": str(tmp_path / "repo"),
        "base": "main",
        "base_sha": branch_sha(bundle, "main"),
        "provider": "scripted",
        "model": "gpt-4o",
        "max_output_tokens": 8192,
        "fallback": None,
        "fallback_max_output_tokens": None,
        "temperature": 0.0,
        "reasoning": "",
        "replies": replies,
        "context_tokens": 24000,
        "call_timeout": 20.0,
        "repair_rounds": 2,
        "verify": [],
        "verify_timeout": 30.0,
        "history": [],
        "findings": [],
        "max_diff_bytes": 10_000_000,
        **changes,
    }


def make_job(tmp_path: Path, files: Mapping[str, str | bytes] = FILES, **changes: Any) -> Job:
    """A checked job; see `raw_job`."""
    return Job.from_raw(raw_job(tmp_path, files, **changes))


@dataclass(frozen=True, kw_only=True)
class Report:
    """One request the host took: an event's data, or the bytes of a diff."""

    n: int
    kind: str
    data: Any


class ReportService(LoopbackServer):
    """The host's end of `runner.wire`, as the contract words it. `losing`: how many answers are lost at first."""

    def __init__(self, token: str = "sandbox", *, losing: int = 0, failing: int = 0) -> None:
        super().__init__()
        self.taken: list[Report] = []
        self.requests = 0
        self._token = token
        self._losing = losing
        self._failing = failing

    @property
    def base(self) -> str:
        """What PITHY_HOST_URL takes."""
        return f"{self.url}/host"

    def kinds(self) -> list[str]:
        """The kinds of what was taken, in order."""
        with self.lock:
            return [report.kind for report in self.taken]

    def of_kind(self, kind: str) -> list[Any]:
        """The data of everything taken of one kind."""
        with self.lock:
            return [report.data for report in self.taken if report.kind == kind]

    def serve(self, exchange: Exchange) -> None:
        request = exchange.request
        with self.lock:
            self.requests += 1
            if request.headers.get("authorization") != f"Bearer {self._token}":
                return exchange.send(401, b'{"error": "who are you?"}')
            if self._failing:
                self._failing -= 1
                return exchange.send(503, b"not yet")
            last = len(self.taken)
            report = self._report(exchange)
            if report.n > last + 1:
                return exchange.send(409, b"a number was skipped")
            if report.n == last + 1:
                self.taken.append(report)
            if self._losing:
                self._losing -= 1
                return exchange.cut()
            return exchange.send(200, json.dumps({"ack": len(self.taken)}).encode())

    def _report(self, exchange: Exchange) -> Report:
        request = exchange.request
        if request.path == "/host/diff":
            return Report(n=int(dict(request.query)["n"]), kind="diff", data=request.body)
        assert request.path == "/host/event"
        return Report(**request.json())
