"""What lies at the top of the repository: nothing but what it is made of."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOP = {".ci", ".gitignore", "CHANGELOG.md", "Dockerfile.sandbox", "LICENSE", "README.md", "benchmarks",
       "config.example.toml", "docs", "pithy_local", "pyproject.toml", "runner", "tests"}  # fmt: skip


def test_nothing_else_lies_at_the_top_of_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {name.split("/")[0] for name in listed.split("\0") if name} == TOP
