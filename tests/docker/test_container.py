"""The container's name is the gate: one container for an attempt, whatever answers are lost."""

from __future__ import annotations

import io
import tarfile
import uuid
from collections.abc import Iterator

import pytest

from pithy_local.errors import LeaseLost, PithyError
from pithy_local.executors import container
from pithy_local.executors.container import Labels
from pithy_local.executors.engine import Engine
from tests.docker.support import Host, make_job, run_in, state
from tests.fakes.engine_proxy import EngineProxy

pytestmark = pytest.mark.docker


@pytest.fixture
def cleared(engine: Engine, instance: str) -> Iterator[None]:
    """Whatever the test started is removed."""
    yield
    for left in ids(engine, instance):
        container.remove(engine, left)


@pytest.fixture
def proxy() -> Iterator[EngineProxy]:
    between = EngineProxy.of_this_machine()
    yield between
    between.cut()


@pytest.fixture
def proxied(proxy: EngineProxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The engine behind the proxy."""
    monkeypatch.setenv("DOCKER_HOST", proxy.url)
    with Engine.connect() as connected:
        yield connected


def ids(engine: Engine, instance: str) -> list[str]:
    """Of all containers that the instance has."""
    found = engine.api.containers(all=True, filters={"label": f"pithy.instance={instance}"})
    return [entry["Id"] for entry in found]


def test_effects_are_recorded_around_each_change(engine: Engine, sandbox_image: str, instance: str) -> None:
    host = Host()
    job = make_job(instance)
    started = container.launch(engine, sandbox_image, job, host)
    container.remove(engine, started)
    name = Labels.of(job).name
    assert host.effects == [
        ("intend", "create", name), ("done", "create", started),
        ("intend", "start", started), ("done", "start", started),
    ]  # fmt: skip


def test_the_runner_is_the_main_process_and_waits(engine: Engine, waiting: str) -> None:
    assert "runner" in run_in(engine, waiting, ["cat", "/proc/1/cmdline", "/proc/7/cmdline"]).out
    assert state(engine, waiting)["Running"]


@pytest.mark.usefixtures("cleared")
def test_what_a_lost_answer_created_is_found(
    proxy: EngineProxy, proxied: Engine, sandbox_image: str, instance: str
) -> None:
    proxy.lose_answer("POST containers/create")
    started = container.launch(proxied, sandbox_image, make_job(instance), Host())
    assert ids(proxied, instance) == [started]


@pytest.mark.usefixtures("cleared")
def test_what_its_own_owner_could_not_remove_is_never_used_again(
    engine: Engine, sandbox_image: str, instance: str
) -> None:
    job = make_job(instance, fence=3)
    dirty = container.launch(engine, sandbox_image, job, Host())
    fresh = container.launch(engine, sandbox_image, job, Host())
    assert ids(engine, instance) == [fresh] != [dirty]


@pytest.mark.usefixtures("cleared")
def test_while_its_leftover_cannot_be_removed_nothing_starts(
    engine: Engine, proxy: EngineProxy, proxied: Engine, sandbox_image: str, instance: str
) -> None:
    job = make_job(instance)
    dirty = container.launch(engine, sandbox_image, job, Host())
    proxy.fail_next("DELETE containers")
    with pytest.raises(PithyError, match="could not remove the sandbox"):
        container.launch(proxied, sandbox_image, job, Host())
    assert ids(engine, instance) == [dirty]


@pytest.mark.usefixtures("cleared")
def test_a_leftover_of_an_older_fence_gives_way(engine: Engine, sandbox_image: str, instance: str) -> None:
    old = container.launch(engine, sandbox_image, make_job(instance, fence=1), Host())
    new = container.launch(engine, sandbox_image, make_job(instance, fence=2), Host())
    assert ids(engine, instance) == [new] != [old]


@pytest.mark.usefixtures("cleared")
def test_a_newer_owners_container_is_left_alone(engine: Engine, sandbox_image: str, instance: str) -> None:
    theirs = container.launch(engine, sandbox_image, make_job(instance, fence=2), Host())
    with pytest.raises(LeaseLost):
        container.launch(engine, sandbox_image, make_job(instance, fence=1), Host())
    assert state(engine, theirs)["Running"]


@pytest.mark.usefixtures("cleared")
def test_a_strangers_container_of_our_name_is_no_gate_to_open(
    engine: Engine, sandbox_image: str, instance: str
) -> None:
    job = make_job(instance)
    engine.client.containers.create(
        sandbox_image, ["true"], name=Labels.of(job).name, labels={"pithy.instance": instance}
    )
    with pytest.raises(PithyError, match="not ours"):
        container.launch(engine, sandbox_image, job, Host())


def test_removing_twice_is_fine(engine: Engine, sandbox_image: str, instance: str) -> None:
    started = container.launch(engine, sandbox_image, make_job(instance), Host())
    container.remove(engine, started)
    container.remove(engine, started)
    container.kill(engine, started)


@pytest.fixture
def image_with_volume(engine: Engine, sandbox_image: str) -> Iterator[str]:
    tag = f"pithy-test-volume:{uuid.uuid4().hex[:12]}"
    dockerfile = f'FROM {sandbox_image}\nVOLUME /data\nENTRYPOINT ["false"]\n'.encode()
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(dockerfile)
        tar.addfile(entry, io.BytesIO(dockerfile))
    context.seek(0)
    engine.client.images.build(fileobj=context, custom_context=True, tag=tag, rm=True, forcerm=True)
    yield tag
    engine.api.remove_image(tag)


def test_an_images_volume_and_entrypoint_are_masked(
    engine: Engine, image_with_volume: str, instance: str, cleared: None
) -> None:
    """Docker would make an anonymous volume: a directory without a limit on the host's disk."""
    started = container.launch(engine, image_with_volume, make_job(instance), Host())
    assert state(engine, started)["Running"]
    assert [mount for mount in engine.api.inspect_container(started)["Mounts"] if mount["Type"] == "volume"] == []
    full = run_in(engine, started, ["dd", "if=/dev/zero", "of=/data/fill", "bs=1M"], user="0")
    assert "8+0 records out" in full.err
