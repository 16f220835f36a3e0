"""The data file, read."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).with_name("tasks.toml")


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a person asks for, and the files that it concerns."""

    text: str
    files: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Package:
    """A published source tree; `tool` (pip or npm) fetches `spec`."""

    name: str
    tool: str
    spec: str
    tasks: tuple[Task, ...]


def packages(file: Path = _FILE) -> tuple[Package, ...]:
    """All of them, in the file's order."""
    return tuple(
        Package(
            name=raw["name"],
            tool=raw["tool"],
            spec=raw["spec"],
            tasks=tuple(Task(text=task["text"], files=tuple(task["files"])) for task in raw["task"]),
        )
        for raw in tomllib.loads(file.read_text(encoding="utf-8"))["package"]
    )
