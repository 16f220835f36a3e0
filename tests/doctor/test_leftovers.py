"""What is left on the engine and what clones take: said with what to do about it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pithy_local.doctor.leftovers import check_leftovers, check_mirrors
from pithy_local.executors.engine import Engine
from pithy_local.executors.labelled import sandboxes, sweep
from pithy_local.models import Phase
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.tasks import Tasks
from tests.doctor.conftest import MakeApp
from tests.store.conftest import clock, lease, owner, store, tasks

__all__ = ["clock", "lease", "owner", "store", "tasks"]


def test_no_clone_and_a_clone_are_counted(make_app: MakeApp) -> None:
    app = make_app()
    (none,) = check_mirrors(app)
    folder = app.home.mirrors / "octo-sample-0123456789ab"
    folder.mkdir()
    (folder / "pack").write_bytes(b"x" * 5_000_000)
    (one,) = check_mirrors(app)

    assert (none.ok, none.message) == (True, "0 clones, 0.00 of 5.4 GB")
    assert (one.ok, one.message) == (True, "1 clone, 0.01 of 5.4 GB")


def test_clones_that_are_too_large_are_a_warning(make_app: MakeApp) -> None:
    app = make_app('[git]\nmirror_limit = "1k"\n')
    folder = app.home.mirrors / "octo-sample-0123456789ab"
    folder.mkdir()
    (folder / "pack").write_bytes(b"x" * 2_000)

    (found,) = check_mirrors(app)

    assert (found.ok, "git.mirror_limit" in found.fix) == (None, True)


@pytest.fixture
def base_image(engine: Engine) -> str:
    """An image that is there; nothing of it is started."""
    name = os.environ.get("PITHY_BASE_IMAGE", "")
    if not name:
        pytest.skip("PITHY_BASE_IMAGE names no image")
    return name


@pytest.fixture
def made(engine: Engine, base_image: str) -> Iterator[list[str]]:
    """Ids of containers to be removed."""
    ids: list[str] = []
    yield ids
    for container in ids:
        engine.api.remove_container(container, v=True, force=True)


def create(engine: Engine, image: str, ids: list[str], instance: str, of: Lease, **changes: str) -> None:
    """A container with an attempt's labels that is never started."""
    labels = {
        "pithy.instance": instance, "pithy.task": of.task.id, "pithy.attempt": "1", "pithy.fence": str(of.fence),
        "pithy.role": "agent", **changes,
    }  # fmt: skip
    ids.append(engine.api.create_container(image, command=["true"], labels=labels)["Id"])


@pytest.mark.docker
def test_containers_of_this_home_alone_are_counted_by_whether_they_are_needed(
    engine: Engine, base_image: str, made: list[str], store: Store, lease: Lease
) -> None:
    tasks = Tasks(store)
    (clean,) = check_leftovers(engine, tasks)
    lease.enter(Phase.AGENT)
    create(engine, base_image, made, tasks.instance, lease)
    create(engine, base_image, made, "0ther0", lease)
    (used,) = check_leftovers(engine, tasks)
    create(engine, base_image, made, tasks.instance, lease, **{"pithy.task": "zzzzzzzzzz"})
    create(engine, base_image, made, tasks.instance, lease, **{"pithy.role": "doctor"})
    (left,) = check_leftovers(engine, tasks)

    assert (clean.ok, clean.message) == (True, "none of this home")
    assert (used.ok, used.message) == (True, "1 in use, 0 left over")
    assert (left.ok, left.message, "run --until-idle" in left.fix) == (None, "1 in use, 1 left over", True)


@pytest.mark.docker
def test_volumes_and_networks_go_with_their_label_unless_they_are_young_used_or_anothers(
    engine: Engine, base_image: str, made: list[str], store: Store, lease: Lease, tmp_path: Path
) -> None:
    instance = Tasks(store).instance
    kept = {}
    for whose in (instance, "0ther0"):
        for use in ("used", "free"):
            name = f"pithy-{whose}-{use}-{tmp_path.name[-8:]}{os.getpid()}"
            engine.api.create_volume(name, labels={"pithy.instance": whose})
            kept[whose, use] = name
    network = engine.api.create_network(f"pithy-{instance}", labels={"pithy.instance": instance})["Id"]
    bound = engine.api.create_host_config(binds=[f"{kept[instance, 'used']}:/x"])
    made.append(engine.api.create_container(base_image, command=["true"], host_config=bound)["Id"])
    try:
        assert sweep(engine, instance, 1_000_000_000_000) == []
        removed = sweep(engine, instance, 4_000_000_000_000)

        assert sorted(removed) == [f"network pithy-{instance}", f"volume {kept[instance, 'free']}"]
        left = {volume["Name"] for volume in engine.api.volumes()["Volumes"]}
        assert left & set(kept.values()) == set(kept.values()) - {kept[instance, "free"]}
        assert sandboxes(engine, instance) == []
    finally:
        engine.api.remove_container(made.pop(), v=True, force=True)
        for name in set(kept.values()) - {kept[instance, "free"]}:
            engine.api.remove_volume(name, force=True)
        for found in engine.api.networks(ids=[network]):
            engine.api.remove_network(found["Id"])
