"""Files of the host's half: what a killed process left of them goes, what a task still needs stays."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from pithy_local.git.mirror import Mirror
from pithy_local.git.remote import parse_repo
from pithy_local.git.upkeep import StoredMirror
from pithy_local.lifecycle.housekeeping import UNKNOWN, Housekeeping
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Status
from pithy_local.paths import try_lock
from pithy_local.store.lease import Lease
from pithy_local.store.processes import Processes
from pithy_local.store.tasks import Tasks
from tests.lifecycle.bench import StandIn, opened_bench, queue
from tests.store.conftest import HandClock


@pytest.fixture
def bench(tmp_path: Path, executor: StandIn, clock: HandClock) -> Iterator[Workbench]:
    """With a clock that the test moves."""
    with opened_bench(tmp_path, executor, clock=clock) as opened:
        yield opened


def claimed(bench: Workbench, repo: Path) -> Lease:
    owner = Processes(bench.store).register("test")
    task = queue(bench, repo)
    found = Tasks(bench.store).claim(owner, executors=["local"], concurrency=99, ids=[task.id])
    assert found is not None
    return Lease(bench.store, found, owner)


def clear_up(bench: Workbench) -> list[str]:
    said: list[str] = []
    Housekeeping(bench, said.append).tick()
    return said


def fetched(bench: Workbench, repo: Path) -> Mirror:
    mirror = Mirror(bench.home.mirrors, parse_repo(str(repo)))
    mirror.fetch("", lambda words: None)
    return mirror


def test_packed_repositories_and_indexes_go_unless_their_very_owner_runs(bench: Workbench, repo: Path) -> None:
    lease, done = claimed(bench, repo), claimed(bench, repo)
    done.settle(Status.CANCELLED)
    mirror = bench.home.mirrors / "some-mirror"
    folders = [
        bench.home.scratch / f"bundle-{lease.task.id}-f{lease.fence}",
        bench.home.scratch / f"bundle-{lease.task.id}-f{lease.fence - 1}",
        bench.home.scratch / f"bundle-{done.task.id}-f{done.fence}",
        bench.home.scratch / "bundle-zzzzzzzzzz-f1",
        mirror / f"index-{lease.task.id}",
        mirror / f"index-{done.task.id}",
        mirror / "repo.git",
    ]
    for folder in folders:
        folder.mkdir(parents=True)

    clear_up(bench)

    assert [folder for folder in folders if folder.exists()] == [folders[0], folders[4], folders[6]]


def test_the_copies_of_a_killed_backup_go_and_those_of_a_living_one_stay(bench: Workbench) -> None:
    copies = bench.home.scratch / "backup"
    copies.mkdir()
    with try_lock(bench.home.lock("backup")) as held:
        clear_up(bench)
        assert (held, copies.exists()) == (True, True)

    clear_up(bench)

    assert not copies.exists()


def test_pins_of_settled_and_unknown_tasks_go_and_a_running_ones_stay(bench: Workbench, repo: Path) -> None:
    lease, done, mirror = claimed(bench, repo), claimed(bench, repo), fetched(bench, repo)
    for task in (lease.task.id, done.task.id, "zzzzzzzzzz"):
        mirror.pin(task, mirror.resolve_base(None)[1])
    done.settle(Status.CANCELLED)

    clear_up(bench)

    assert StoredMirror(mirror.folder).pinned(packed=True) == {lease.task.id}


@pytest.mark.parametrize(
    ("status", "stays"), [(Status.NEEDS_REVIEW, True), (None, True), (Status.CANCELLED, False)],
    ids=["waits for a person", "running", "settled"],
)  # fmt: skip
def test_a_mirror_over_the_limit_goes_once_no_task_needs_it(
    bench: Workbench, repo: Path, status: Status | None, stays: bool
) -> None:
    git = msgspec.structs.replace(bench.settings.git, mirror_limit="1k")
    bench.settings = msgspec.structs.replace(bench.settings, git=git)
    mirror, lease = fetched(bench, repo), claimed(bench, repo)
    os.utime(mirror.folder / "lock", (1, 1))
    if status is not None:
        lease.settle(status)

    said = clear_up(bench)

    assert (mirror.repo.exists(), len(said)) == (stays, 0 if stays else 1)


def test_a_mirror_within_the_limit_stays(bench: Workbench, repo: Path) -> None:
    mirror = fetched(bench, repo)
    os.utime(mirror.folder / "lock", (1, 1))

    assert (clear_up(bench), mirror.repo.exists()) == ([], True)


def test_half_written_artifacts_go_unless_they_are_being_written(bench: Workbench, repo: Path) -> None:
    lease, done = claimed(bench, repo), claimed(bench, repo)
    parts = []
    for task in (lease.task.id, done.task.id):
        folder = bench.home.artifacts(task, 1)
        folder.mkdir(parents=True)
        (folder / "patch.diff").write_bytes(b"whole")
        parts.append(folder / ".patch.diff.part")
        parts[-1].write_bytes(b"ha")
    done.settle(Status.FAILED)

    clear_up(bench)

    assert [part.exists() for part in parts] == [True, False]
    assert (bench.home.artifacts(done.task.id, 1) / "patch.diff").read_bytes() == b"whole"


def test_artifacts_of_an_unknown_task_are_told_once_and_kept_for_a_day(bench: Workbench, clock: HandClock) -> None:
    """Whatever their age: an older backup may have been restored a minute ago."""
    folder = bench.home.artifacts("zzzzzzzzzz", 1)
    folder.mkdir(parents=True)
    (folder / "patch.diff").write_bytes(b"whole")
    os.utime(folder.parent, (1, 1))

    said = clear_up(bench) + clear_up(bench)
    assert (len(said), "zzzzzzzzzz" in said[0]) == (1, True)
    clock.sleep(24 * 3600 - 60)
    clear_up(bench)
    assert folder.exists()
    clock.sleep(120)
    clear_up(bench)

    assert not folder.parent.exists()


def test_artifacts_of_a_task_that_is_known_again_are_kept(bench: Workbench, repo: Path, clock: HandClock) -> None:
    lease = claimed(bench, repo)
    folder = bench.home.artifacts(lease.task.id, 1)
    folder.mkdir(parents=True)
    (folder.parent / UNKNOWN).touch()
    clock.now += 48 * 3_600_000

    clear_up(bench)

    assert (folder.exists(), (folder.parent / UNKNOWN).exists()) == (True, False)


def test_what_is_large_is_looked_at_once_an_hour(bench: Workbench, clock: HandClock) -> None:
    said: list[str] = []
    keeping = Housekeeping(bench, said.append)
    keeping.tick()
    folder = bench.home.artifacts("zzzzzzzzzz", 1)
    folder.mkdir(parents=True)

    clock.sleep(3599)
    keeping.tick()
    assert said == []
    clock.sleep(1)
    keeping.tick()

    assert len(said) == 1
