"""The source trees: fetched once with the ordinary clients, unpacked, and committed as they are."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

from benchmarks.survey.tasks import Package

_GIT = ("git", "-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.org", "-c", "core.hooksPath=/dev/null")


def repository(package: Package, data: Path) -> Path:
    """The package's source tree under `data` as a git repository of one commit; fetched if it is not there yet."""
    root = data / package.name
    if (root / ".git").is_dir():
        return root
    archive = _fetched(package, data)
    root.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            member.name = member.name.partition("/")[2]  # the archive's one top folder
            if member.name:
                tar.extract(member, root, filter="data")
    for command in (("init", "-q", "-b", "main"), ("add", "--all", "--force"), ("commit", "-q", "-m", package.spec)):
        subprocess.run([*_GIT, *command], cwd=root, check=True)
    return root


def _fetched(package: Package, data: Path) -> Path:
    """The source archive of a package, in a folder of its own."""
    folder = data / f"{package.name}.archive"
    folder.mkdir(parents=True, exist_ok=True)
    if package.tool == "pip":
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", package.spec]
    else:
        command = ["npm", "pack", "--silent", package.spec]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (archive,) = folder.iterdir()
    return archive
