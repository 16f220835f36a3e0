"""Mirrors on a disk: what they keep for tasks, and which go when they are too many."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from pithy_local.git.mirror import Mirror
from pithy_local.git.remote import Remote, parse_repo
from pithy_local.git.upkeep import StoredMirror, shrink, stored
from tests.git.conftest import TASK, fetched
from tests.support import git, make_bare

HOUR = 3600


def made(tmp_path: Path, work: Path, name: str, *, unused: float = 0) -> tuple[StoredMirror, Remote]:
    """A fetched mirror of a repository of its own, last used so many seconds ago."""
    remote = parse_repo(str(make_bare(tmp_path / f"{name}.git", work)))
    mirror = StoredMirror(fetched(tmp_path, remote).folder)
    at = time.time() - unused
    os.utime(mirror.folder / "lock", (at, at))
    return mirror, remote


def none() -> list[Remote]:
    """No task needs a mirror."""
    return []


def test_the_least_recently_used_go_until_the_rest_fits(tmp_path: Path, work: Path) -> None:
    (older, _), (oldest, _), (newest, _) = (
        made(tmp_path, work, name, unused=age * HOUR) for name, age in (("a", 3), ("b", 4), ("c", 2))
    )
    limit = newest.size + older.size

    removed = shrink(older.folder.parent, limit, none)

    assert [mirror for mirror, _ in removed] == [oldest]
    assert stored(older.folder.parent) == [older, newest]


def test_below_the_limit_nobody_is_asked_and_nothing_goes(tmp_path: Path, work: Path) -> None:
    mirror, _ = made(tmp_path, work, "a", unused=9 * HOUR)

    def ask() -> list[Remote]:
        raise AssertionError("every task is read for this")

    assert shrink(mirror.folder.parent, mirror.size, ask) == []


def test_what_a_task_needs_or_was_just_used_stays_though_it_is_too_much(tmp_path: Path, work: Path) -> None:
    needed, remote = made(tmp_path, work, "a", unused=9 * HOUR)
    fresh, _ = made(tmp_path, work, "b", unused=60)

    assert shrink(needed.folder.parent, 0, lambda: [remote]) == []
    assert (needed.repo.is_dir(), fresh.repo.is_dir()) == (True, True)


def test_a_github_mirror_is_known_by_its_name_wherever_it_is_cloned_from(tmp_path: Path) -> None:
    remote = parse_repo("octo/sample")
    mirror = StoredMirror(Mirror(tmp_path, remote.at("https://elsewhere.example/octo/sample.git")).folder)
    assert (mirror.is_of(remote), mirror.is_of(parse_repo("octo/sample-2"))) == (True, False)


def test_one_that_is_being_fetched_stays(tmp_path: Path, work: Path) -> None:
    mirror, _ = made(tmp_path, work, "a", unused=9 * HOUR)
    with open(mirror.folder / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert shrink(mirror.folder.parent, 0, none) == []
    assert [found for found, _ in shrink(mirror.folder.parent, 0, none)] == [mirror]


def test_a_removal_that_was_cut_off_is_ended_and_is_no_mirror(tmp_path: Path, work: Path) -> None:
    mirror, _ = made(tmp_path, work, "a")
    half = mirror.folder.with_name(".gone-b-123456789abc")
    half.mkdir()

    assert stored(half.parent) == [mirror]
    shrink(half.parent, 1 << 40, none)

    assert not half.exists()


def test_a_removed_mirror_is_fetched_anew(mirror: Mirror) -> None:
    os.utime(mirror.folder / "lock", (1, 1))
    assert StoredMirror(mirror.folder).remove()

    again = Mirror(mirror.folder.parent, mirror.remote)
    again.fetch("", lambda words: None)

    assert again.branches() == ["main"]


def test_using_a_mirror_is_seen_by_its_lock(mirror: Mirror) -> None:
    os.utime(mirror.folder / "lock", (1, 1))
    assert Mirror(mirror.folder.parent, mirror.remote).branches() == ["main"]
    assert time.time() - StoredMirror(mirror.folder).last_used < 60


def test_pins_are_found_loose_and_packed_and_let_go(mirror: Mirror, base: str) -> None:
    kept = StoredMirror(mirror.folder)
    mirror.pin(TASK, base)
    mirror.pin("0abc0def02", base, "head")
    assert kept.pinned(packed=False) == {TASK, "0abc0def02"}
    git("pack-refs", "--all", cwd=mirror.repo)
    assert kept.pinned(packed=False) == set()
    assert kept.pinned(packed=True) == {TASK, "0abc0def02"}

    kept.release(TASK)

    assert kept.pinned(packed=True) == {"0abc0def02"}
    assert mirror.branches() == ["main"]
