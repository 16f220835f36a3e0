"""Files kept with an attempt: the canonical diff, the model's replies, and what was refused with the reason."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from pithy_local.door.reports import Event
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.git.policy import Stat
from pithy_local.models import Patch
from pithy_local.paths import Home
from pithy_local.redact import Redactor
from pithy_local.text import clip, safe, safe_block

MAX_REPLIES = 100
MAX_REPLY_WORD = 100
MAX_REJECTED = 20
MAX_REASON = 8_000
MAX_STEPS = 1_000
MAX_STEP_TEXT = 500
MAX_VERDICT = 40


class History(Protocol):
    """Where the events of an attempt are written down: its lease."""

    def record_step(self, text: str) -> None: ...

    def record_answer(self, round_: int, verdict: str) -> None: ...


class Artifacts:
    """The folder `artifacts/<task>/<attempt>/`."""

    def __init__(self, home: Home, task: str, attempt: int, redactor: Redactor) -> None:
        self.folder = home.artifacts(task, attempt)
        self._replies_name = home.replies(task, attempt).name
        self._home, self._redactor = home, redactor
        self._rejected: list[dict[str, Any]] = []
        self._replies: list[dict[str, Any]] = []

    def keep_diff(self, diff: bytes, stat: Stat, mended: int = 0) -> Patch:
        """Write `patch.diff`, whole or not at all; its metadata."""
        path = self._write("patch.diff", diff)
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

    def keep_round(self, diff: bytes) -> None:
        """The diff as posted after a round: what is left of the work should the sandbox be killed now."""
        self._write("patch.diff", diff)

    def event_sink(self, history: History) -> Callable[[Event], None]:
        """Takes the runner's events: steps and verdicts go into the history, replies and refusals become files."""

        told = count(1)

        def take(event: Event) -> None:
            if event.kind in ("step", "answer") and next(told) > MAX_STEPS:
                return
            if event.kind == "step":
                history.record_step(clip(safe(self._redactor.mask(str(event.data.get("text", "")))), MAX_STEP_TEXT))
            elif event.kind == "answer":
                history.record_answer(int(event.data["round"]), clip(safe(str(event.data["verdict"])), MAX_VERDICT))
            elif event.kind == "reply" and len(self._replies) < MAX_REPLIES:
                self._keep_reply(event.data)
            elif event.kind == "rejected" and len(self._rejected) < MAX_REJECTED:
                self._keep_rejected(event.data)

        return take

    def rejected_detail(self) -> dict[str, Any]:
        """For `error.detail`: what was refused, why, and where it is kept."""
        return {"rejected": self._rejected} if self._rejected else {}

    def _keep_reply(self, data: dict[str, Any]) -> None:
        word = {name: clip(safe(str(data[name])), MAX_REPLY_WORD) for name in ("finish_reason", "provider", "model")}
        text = self._redactor.mask(str(data["text"])).encode("utf-8", "replace").decode()
        self._replies.append({"round": int(data["round"]), "text": text, **word})
        self._write(self._replies_name, json.dumps(self._replies, indent=1).encode())

    def _keep_rejected(self, data: dict[str, Any]) -> None:
        number = len(self._rejected) + 1
        patch = self._redactor.mask(str(data.get("patch", "")))
        path = self._write(f"rejected-{number}.diff", patch.encode("utf-8", "replace"))
        self._rejected.append(
            {
                "round": number,
                "code": str(data.get("code", ""))[:40],
                "reason": clip(safe_block(self._redactor.mask(str(data.get("reason", "")))), MAX_REASON),
                "path": str(path.relative_to(self._home.root)),
            }
        )

    def _write(self, name: str, content: bytes) -> Path:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path, part = self.folder / name, self.folder / f".{name}.part"
        with open(part, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        return path
