"""Records as the views get them, for tests that need no store."""

from __future__ import annotations

from typing import Any

from pithy_local.models import LogLine, Status, Stream, Task


def a_task(task_id: str = "0dx0tnz3ef", **fields: Any) -> Task:
    """A completed task of acme/api unless `fields` say otherwise."""
    values: dict[str, Any] = {
        "title": "Fix it", "prompt": "Fix it", "repo": "acme/api", "base": "main", "status": Status.COMPLETED,
        "phase": None, "executor": "docker", "provider": "openai", "model": "gpt-4o", "priority": 0,
        "branch": f"pj/{task_id}", "attempts": 1, "max_tokens": None, "unisolated": False, "fence": 1,
        "cancel_requested": False, "created_at": 1_000, "started_at": 2_000, "finished_at": 3_000,
    }  # fmt: skip
    return Task(id=task_id, **(values | fields))


def a_line(seq: int = 1, text: str = "", stream: Stream = Stream.OUT) -> LogLine:
    return LogLine(seq=seq, attempt=1, at=0, stream=stream, text=text or f"line {seq}")
