"""Where a sandbox of the local executor lives: a temporary directory."""

from __future__ import annotations

import json
import os
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pithy_local.executors.base import RepositoryJob, Sandbox, SandboxJob

HANDLE = re.compile(r"(?P<task>[0-9a-z]+)-a(?P<attempt>[0-9]+)(-(?P<role>[a-z]+))?")


@dataclass(frozen=True)
class Room:
    """The temporary directory of one sandbox. Its name is also its handle: `<task>-a<n>`, `<task>-a<n>-vbase`, …"""

    path: Path

    @classmethod
    def of(cls, scratch: Path, job: SandboxJob) -> Room:
        suffix = "" if job.role == "agent" else f"-{job.role}"
        return cls(scratch / f"{job.task}-a{job.attempt}{suffix}")

    @property
    def handle(self) -> str:
        return self.path.name

    @property
    def home(self) -> Path:
        return self.path / "home"

    @property
    def job(self) -> Path:
        return self.path / "job.json"

    @property
    def meta(self) -> Path:
        return self.path / "owner.json"

    def make(self, job: RepositoryJob) -> None:
        """Make it and put the repository in. Raises OSError."""
        self.path.mkdir(mode=0o700, parents=True)
        self.meta.write_text(json.dumps({"instance": job.instance, "fence": job.fence}))
        for folder in (self.home, self.path / "tmp"):
            folder.mkdir()
        with tarfile.open(job.bundle) as bundle:
            if hasattr(tarfile, "data_filter"):  # Python 3.11.4; the bundle is our own, older ones do without
                bundle.extractall(self.path, filter="data")
            else:
                bundle.extractall(self.path)

    def environment(self) -> dict[str, str]:
        """All that programs of the repository see of this machine's environment."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.home),
            "TMPDIR": str(self.path / "tmp"),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def write_job(self, spec: dict[str, Any]) -> None:
        """The job file, complete at once: its appearance starts the runner."""
        content = spec | {"bundle": str(self.path / "repo.git"), "repo": str(self.path / "repo")}
        draft = self.path / "job.json.new"
        draft.write_text(json.dumps(content))
        draft.rename(self.job)

    def sandbox(self, instance: str) -> Sandbox | None:
        """The record of this directory, None for one of another instance."""
        name = HANDLE.fullmatch(self.handle)
        owner, fence = self._owner()
        if name is None or owner not in ("", instance):
            return None
        return Sandbox(
            task=name["task"], attempt=int(name["attempt"]), fence=fence, handle=self.handle,
            created_ms=self.path.stat().st_ctime_ns // 1_000_000, role=name["role"] or "agent",
        )  # fmt: skip

    def _owner(self) -> tuple[str, int]:
        """Instance and fence; ("", 0) where the maker died before it wrote them, or the attempt spoilt them."""
        try:
            meta = json.loads(self.meta.read_text())
            return str(meta["instance"]), int(meta["fence"])
        except (OSError, ValueError, KeyError, TypeError):
            return "", 0
