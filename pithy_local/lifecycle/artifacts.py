"""Files kept with an attempt: the canonical diff, the model's replies, and what was refused with the reason."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from pithy_local.door.reports import Event
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.git.policy import Stat
from pithy_local.models import Patch
from pithy_local.paths import Home
from pithy_local.redact import Redactor
from pithy_local.text import clip, safe, safe_block

DIFF, REJECTED = "patch.diff", "rejected.json"
MAX_REPLIES = 100
MAX_REPLY_WORD = 100
MAX_REJECTED = 20
MAX_REASON = 8_000
MAX_TOLD = 5_000
"""Number of the last report whose step or verdict goes into the history."""
MAX_STEP_TEXT = 500
MAX_VERDICT = 40


class History(Protocol):
    """Where the events of an attempt are written down: its lease."""

    def record_step(self, text: str, *, report: int | None = None) -> None: ...

    def record_answer(self, round_: int, verdict: str, *, report: int | None = None) -> None: ...

    def record_report(self, number: int, result: Mapping[str, Any] | None = None) -> None: ...


class Artifacts:
    """The folder `artifacts/<task>/<attempt>/`. `resumed`: an earlier owner of the attempt has filled it so far."""

    def __init__(self, home: Home, task: str, attempt: int, redactor: Redactor, *, resumed: bool = False) -> None:
        self.folder = home.artifacts(task, attempt)
        self._replies_name = home.replies(task, attempt).name
        self._home, self._redactor = home, redactor
        self._rejected: list[dict[str, Any]] = self._kept(REJECTED) if resumed else []
        self._replies: list[dict[str, Any]] = self._kept(self._replies_name) if resumed else []

    def keep_diff(self, diff: bytes, stat: Stat, mended: int = 0) -> Patch:
        """Write `patch.diff`, whole or not at all; its metadata."""
        path = self._write(DIFF, diff)
        return Patch(
            path=str(path.relative_to(self._home.root)), bytes=len(diff), files=stat.files,
            added=stat.added, removed=stat.removed, mended=mended,
        )  # fmt: skip

    def read_diff(self, patch: Patch | None) -> bytes:
        """A stored diff, of this attempt or of the one whose work it goes on with.

        Raises PithyError (repo_analysis) where there is none.
        """
        try:
            if patch is not None:
                return (self._home.root / patch.path).read_bytes()
        except OSError:
            pass
        raise PithyError(
            ErrorCode.REPO_ANALYSIS, "the stored diff that was to be delivered is gone",
            hint='`pithy-local retry ID --feedback "…"` makes the change anew.',
        )  # fmt: skip

    def keep_job(self, spec: Mapping[str, Any]) -> None:
        """What the runner is told: an adopter tells it the same."""
        self._write("job.json", json.dumps(spec).encode())

    def read_job(self) -> dict[str, Any]:
        """What `keep_job` was given; {} where that is gone."""
        try:
            spec: dict[str, Any] = json.loads((self.folder / "job.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return spec

    def keep_round(self, diff: bytes) -> None:
        """The diff as posted after a round: what is left of the work should the sandbox be killed now."""
        self._write(DIFF, diff)

    def read_round(self) -> bytes | None:
        """The diff that was posted last; None before the first."""
        try:
            return (self.folder / DIFF).read_bytes()
        except OSError:
            return None

    def event_sink(self, history: History) -> Callable[[Event], None]:
        """Takes the runner's events but its result: steps and verdicts go into the history, replies and refusals become
        files. A repeat, of an event whose number could not be written down any more, changes nothing."""

        def take(event: Event) -> None:
            if event.kind == "step" and event.n <= MAX_TOLD:
                text = clip(safe(self._redactor.mask(str(event.data.get("text", "")))), MAX_STEP_TEXT)
                return history.record_step(text, report=event.n)
            if event.kind == "answer" and event.n <= MAX_TOLD:
                verdict = clip(safe(str(event.data["verdict"])), MAX_VERDICT)
                return history.record_answer(int(event.data["round"]), verdict, report=event.n)
            if event.kind == "reply" and _is_new(self._replies, event, MAX_REPLIES):
                self._keep_reply(event)
            elif event.kind == "rejected" and _is_new(self._rejected, event, MAX_REJECTED):
                self._keep_rejected(event)
            return history.record_report(event.n)

        return take

    def rejected_detail(self) -> dict[str, Any]:
        """For `error.detail`: what was refused, why, and where it is kept."""
        told = [{name: value for name, value in entry.items() if name != "report"} for entry in self._rejected]
        return {"rejected": told} if told else {}

    def _kept(self, name: str) -> list[dict[str, Any]]:
        try:
            kept: list[dict[str, Any]] = json.loads((self.folder / name).read_bytes())
        except (OSError, ValueError):
            return []
        return kept

    def _keep_reply(self, event: Event) -> None:
        data = event.data
        word = {name: clip(safe(str(data[name])), MAX_REPLY_WORD) for name in ("finish_reason", "provider", "model")}
        text = self._redactor.mask(str(data["text"])).encode("utf-8", "replace").decode()
        self._replies.append({"report": event.n, "round": int(data["round"]), "text": text, **word})
        self._write(self._replies_name, json.dumps(self._replies, indent=1).encode())

    def _keep_rejected(self, event: Event) -> None:
        data, number = event.data, len(self._rejected) + 1
        patch = self._redactor.mask(str(data.get("patch", "")))
        path = self._write(f"rejected-{number}.diff", patch.encode("utf-8", "replace"))
        self._rejected.append(
            {
                "report": event.n,
                "round": number,
                "code": str(data.get("code", ""))[:40],
                "reason": clip(safe_block(self._redactor.mask(str(data.get("reason", "")))), MAX_REASON),
                "path": str(path.relative_to(self._home.root)),
            }
        )
        self._write(REJECTED, json.dumps(self._rejected, indent=1).encode())

    def _write(self, name: str, content: bytes) -> Path:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path, part = self.folder / name, self.folder / f".{name}.part"
        with open(part, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        return path


def _is_new(kept: Sequence[Mapping[str, Any]], event: Event, most: int) -> bool:
    """Whether it is to be kept: not yet here, and there is room."""
    return len(kept) < most and not any(entry.get("report") == event.n for entry in kept)
