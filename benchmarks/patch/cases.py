"""Case sets on disk, the trees they speak of, and the verdict on what an applier made of one."""

from __future__ import annotations

import json
import lzma
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Case = dict[str, Any]
Files = dict[str, tuple[str, bytes]]
"""Mode and content (a link's target) by path."""

Verdict = Literal["applied", "refused", "wrong"]


@dataclass(frozen=True)
class CaseSet:
    """The changes by id and the cases."""

    commits: dict[str, Any]
    cases: list[Case]

    @classmethod
    def load(cls, folder: Path) -> CaseSet:
        """Read `commits.jsonl.xz` and `cases.jsonl.xz`."""
        commits = {row["id"]: row for row in _rows(folder / "commits.jsonl.xz")}
        return cls(commits, _rows(folder / "cases.jsonl.xz"))

    def trees(self, case: Case) -> tuple[Files, Files]:
        """The files before and after."""
        commit = self.commits[case["commit"]]
        both: Files = {row["path"]: ("100644", row["before"].encode()) for row in commit.get("decoys", ())}
        both |= {path: ("100644", text.encode()) for path, text in (case.get("extra_files") or {}).items()}
        both |= {path: ("120000", target.encode()) for path, target in (case.get("extra_symlinks") or {}).items()}
        before, after = dict(both), dict(both)
        for row in commit["files"]:
            if row["before"] is not None:
                before[row.get("old_path") or row["path"]] = (row["mode_before"], row["before"].encode())
            if row["after"] is not None:
                after[row["path"]] = (row["mode_after"], row["after"].encode())
        return (dict(after) if case.get("before_is_after") else before), after


class Sandbox:
    """A git work tree in a folder of its own, put back between cases; what happens outside it is seen."""

    def __init__(self, folder: Path) -> None:
        self.box = folder / "box"
        self.repo = self.box / "a" / "b" / "repo"
        self._build()

    def _build(self) -> None:
        shutil.rmtree(self.box, ignore_errors=True)
        self.repo.mkdir(parents=True)
        subprocess.run(["git", "init", "-q", str(self.repo)], check=True, timeout=60)
        self._outside = self._around()

    def reset(self, files: Files) -> None:
        """Make the work tree hold exactly `files`."""
        if snapshot(self.repo) != files:
            for child in self.repo.iterdir():
                if child.name != ".git":
                    shutil.rmtree(child) if child.is_dir() and not child.is_symlink() else child.unlink()
            put(self.repo, files)

    def judge(self, case: Case, applied: bool, before: Files, after: Files) -> Verdict:
        """`wrong`: not as intended, applied what must be refused, refused and changed, or touched what is outside."""
        got = snapshot(self.repo)
        if self._around() != self._outside:
            self._build()
            return "wrong"
        if not applied:
            return "refused" if got == before else "wrong"
        right = case["expect"] != "reject" and _same(got, after, case)
        return "applied" if right else "wrong"

    def _around(self) -> list[tuple[str, int]]:
        """Everything but the work tree: names and sizes, git's own files included."""
        found = [(str(path.relative_to(self.box)), 0) for path in self.box.glob("*")]
        found += [(str(path.relative_to(self.box)), 0) for path in self.box.glob("a/*")]
        found += [(str(path.relative_to(self.box)), 0) for path in self.box.glob("a/b/*")]
        return sorted(
            found + [(str(path), path.lstat().st_size) for path in (self.repo / ".git").rglob("*") if path.is_file()]
        )


def put(root: Path, files: Files) -> None:
    """Write `files` below `root`."""
    for path, (mode, data) in files.items():
        full = root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        if mode == "120000":
            full.symlink_to(os.fsdecode(data))
        else:
            full.write_bytes(data)
            full.chmod(0o755 if mode == "100755" else 0o644)


def snapshot(root: Path) -> Files:
    """Every file below `root` but git's own."""
    found: Files = {}
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        if here == root and ".git" in folders:
            folders.remove(".git")
        links = [name for name in folders if (here / name).is_symlink()]
        for name in names + links:
            full = here / name
            if full.is_symlink():
                found[full.relative_to(root).as_posix()] = ("120000", os.fsencode(full.readlink()))
            elif full.is_file():
                mode = "100755" if full.stat().st_mode & 0o100 else "100644"
                found[full.relative_to(root).as_posix()] = (mode, full.read_bytes())
    return found


def _same(got: Files, want: Files, case: Case) -> bool:
    if case.get("alt_empty"):
        got = {path: file for path, file in got.items() if file[1] or path in want}
    if case.get("eof_any"):
        got, want = ({path: (mode, _without_end(data)) for path, (mode, data) in side.items()} for side in (got, want))
    return got == want


def _without_end(data: bytes) -> bytes:
    return data.removesuffix(b"\n").removesuffix(b"\r")


def _rows(path: Path) -> list[dict[str, Any]]:
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
