"""A home that was copied gets a name of its own; one that was moved keeps the one it has."""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pithy_local.paths import Home
from pithy_local.store import Store
from pithy_local.store.binding import bind
from pithy_local.store.tasks import Tasks


@contextmanager
def opened(root: Path) -> Iterator[Store]:
    store = Store(Home(root=root))
    try:
        yield store
    finally:
        store.close()


def bound(root: Path) -> tuple[Path | None, str]:
    """What `bind` returns, and the home's name after it."""
    with opened(root) as store:
        return bind(store), Tasks(store).instance


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """A home with a name that is no plain ASCII."""
    root = tmp_path / "hôme 100%"
    bound(root)
    return root


def test_a_home_in_its_place_keeps_its_name_and_nothing_is_written(original: Path) -> None:
    with opened(original) as store:
        before = store.queue.row("SELECT total_changes() AS n")
        assert (bind(store), bind(store)) == (None, None)
        after = store.queue.row("SELECT total_changes() AS n")
        assert before is not None
        assert after is not None
        assert after["n"] == before["n"]


def test_a_copy_gets_a_name_of_its_own_once(original: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(original, copy)
    name = bound(original)[1]

    source, new = bound(copy)

    assert (source, new != name, len(new)) == (original, True, 6)
    assert bound(copy) == (None, new)
    assert bound(original) == (None, name)


def test_a_copy_of_a_home_in_which_nothing_was_worked_yet_is_seen(tmp_path: Path) -> None:
    with opened(tmp_path / "new"):
        pass
    shutil.copytree(tmp_path / "new", tmp_path / "copy")

    assert bound(tmp_path / "copy")[0] == tmp_path / "new"


def test_a_copy_of_a_home_that_is_in_use_is_seen(original: Path, tmp_path: Path) -> None:
    with opened(original) as store:
        store.queue.write("INSERT INTO meta VALUES ('x', 'y')")  # its log is not empty
        shutil.copytree(original, tmp_path / "copy")
        assert bound(tmp_path / "copy")[0] == original


def test_a_moved_home_keeps_its_name(original: Path, tmp_path: Path) -> None:
    name = bound(original)[1]
    original.rename(tmp_path / "moved")

    assert bound(tmp_path / "moved") == (None, name)


def test_a_moved_home_keeps_its_name_although_another_lies_at_its_old_place(original: Path, tmp_path: Path) -> None:
    name = bound(original)[1]
    original.rename(tmp_path / "moved")
    bound(original)

    assert bound(tmp_path / "moved") == (None, name)


def test_a_home_that_is_reached_by_a_link_is_no_copy(original: Path, tmp_path: Path) -> None:
    name = bound(original)[1]
    (tmp_path / "link").symlink_to(original)

    assert bound(tmp_path / "link") == (None, name)


def test_an_original_that_cannot_be_read_may_be_one(original: Path, tmp_path: Path) -> None:
    shutil.copytree(original, tmp_path / "copy")
    (original / "queue.db").write_bytes(b"no database " * 100)

    assert bound(tmp_path / "copy")[0] == original


def test_two_processes_of_a_copy_agree_on_its_name(original: Path, tmp_path: Path) -> None:
    shutil.copytree(original, tmp_path / "copy")
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        names = {name for _, name in pool.map(bound, [tmp_path / "copy"] * 6)}

    assert len(names) == 1
