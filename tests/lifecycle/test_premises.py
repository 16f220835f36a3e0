"""What a worker says of its home before it begins."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from pithy_local.lifecycle.premises import on_network, settle_in
from pithy_local.paths import Home, file_system, network_file_system
from pithy_local.store import Store


def settled(root: Path) -> list[str]:
    store = Store(Home(root=root))
    try:
        return settle_in(store)
    finally:
        store.close()


def test_an_ordinary_home_is_not_worth_a_word(tmp_path: Path) -> None:
    assert (settled(tmp_path / "home"), settled(tmp_path / "home")) == ([], [])


def test_a_copy_is_said_once_and_begins_without_the_originals_directories(tmp_path: Path) -> None:
    settled(tmp_path / "home")
    room = tmp_path / "home" / "tmp" / "0123456789-a1"
    room.mkdir()
    shutil.copytree(tmp_path / "home", tmp_path / "copy")

    (words,) = settled(tmp_path / "copy")

    assert str(tmp_path / "home") in words
    assert (room.exists(), list((tmp_path / "copy" / "tmp").iterdir())) == (True, [])
    assert settled(tmp_path / "copy") == []


def test_a_home_on_a_network_is_said_with_what_to_do(tmp_path: Path) -> None:
    (words,) = on_network(tmp_path, "nfs4")
    assert (str(tmp_path) in words, "nfs4" in words, "PITHY_HOME" in words) == (True, True, True)


def test_the_kind_of_a_file_system_is_that_of_the_mount_above(tmp_path: Path) -> None:
    assert file_system(tmp_path) == file_system(tmp_path / "not" / "there" / "yet") != ""
    assert network_file_system(tmp_path) == ""


@pytest.mark.skipif(sys.platform != "linux", reason="looks for a mount that only Linux has")
def test_every_mount_of_this_machine_is_read(tmp_path: Path) -> None:
    kinds = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    assert file_system(Path("/proc/self")) == kinds[Path("/proc")] == "proc"


def test_a_worker_may_open_many_files_where_the_system_lets_it() -> None:
    """In a process of its own: what is lowered here would stay so."""
    code = """
import resource
from pithy_local.lifecycle.premises import allow_descriptors
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (256, min(hard, 5000)))
allow_descriptors()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 300))
allow_descriptors()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ["4096 5000", "300 300"]
