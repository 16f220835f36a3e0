"""Python, git, the data directory, SQLite, the clock."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pithy_local.doctor import host
from pithy_local.doctor.check import TimeSample
from tests.doctor.conftest import MakeApp


@pytest.mark.parametrize(("version", "ok"), [((3, 11, 3), None), ((3, 11, 4), True), ((3, 14, 0), True)])
def test_a_python_without_the_filter_is_a_warning(version: tuple[int, ...], ok: bool | None) -> None:
    assert host.check_python(version).ok is ok


def test_the_version_of_git_is_said() -> None:
    found = host.check_git()
    assert (found.ok, found.message.startswith("git ")) == (True, True)


@pytest.mark.parametrize(("version", "ok"), [("3.40.1", None), ("3.51.2", None), ("3.51.3", True), ("3.60.0", True)])
def test_an_old_sqlite_is_a_warning(version: str, ok: bool | None) -> None:
    assert host.check_sqlite(version).ok is ok


def test_a_prepared_home_is_ones_own(make_app: MakeApp) -> None:
    app = make_app()
    disk, found = host.check_home(app)
    assert str(app.home.root) in disk.message
    assert (found.ok, "yours alone" in found.message) == (True, True)


def test_a_home_that_others_can_enter_is_a_warning(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    found = host.judged_home(tmp_path, tmp_path.stat(), "ext4")
    assert (found.ok, "mode 0755" in found.message, "PITHY_HOME" in found.fix) == (None, True, True)


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "9p"])
def test_a_home_on_a_network_file_system_is_a_warning(tmp_path: Path, kind: str) -> None:
    tmp_path.chmod(0o700)
    found = host.judged_home(tmp_path, tmp_path.stat(), kind)
    assert (found.ok, kind in found.message, "local disk" in found.fix) == (None, True, True)


def test_a_home_of_somebody_else_is_a_warning(tmp_path: Path) -> None:
    found = tmp_path.stat()
    theirs = os.stat_result((found.st_mode, 0, 0, 1, os.geteuid() + 1, 0, 0, 0, 0, 0))
    assert "belongs to somebody else" in host.judged_home(tmp_path, theirs, "").message


def test_without_anybody_who_tells_the_time_there_is_no_check() -> None:
    assert list(host.check_clock([])) == []


@pytest.mark.parametrize(
    ("ahead_ms", "ok", "words"),
    [(29_000, True, "within 29 s of B"), (31_000, None, "31 s ahead of B"), (-45_000, None, "45 s behind B")],
)
def test_the_worst_of_several_clocks_counts(ahead_ms: int, ok: bool | None, words: str) -> None:
    (found,) = host.check_clock([TimeSample(whose="A", ahead_ms=500), TimeSample(whose="B", ahead_ms=ahead_ms)])
    assert (found.ok, found.message) == (ok, words)
