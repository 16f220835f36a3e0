"""What engines say of themselves, and what follows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pithy_local.config import SandboxSettings
from pithy_local.doctor import engine
from pithy_local.doctor.check import GB

VERSION = {
    "Platform": {"Name": "Docker Engine - Community"}, "Version": "28.2.2", "ApiVersion": "1.50",
    "Components": [{"Name": "Engine", "Version": "28.2.2"}, {"Name": "runc", "Version": "1.3.3"}],
}  # fmt: skip
INFO: dict[str, Any] = {
    "SecurityOptions": ["name=apparmor", "name=seccomp,profile=builtin", "name=cgroupns"],
    "DefaultRuntime": "runc", "Runtimes": {"runc": {"path": "runc"}, "io.containerd.runc.v2": {"path": "runc"}},
    "OperatingSystem": "Ubuntu 24.04.3 LTS", "Name": "build-1", "CgroupVersion": "2", "CgroupDriver": "systemd",
    "MemoryLimit": True, "SwapLimit": True, "PidsLimit": True, "CpuCfsQuota": True,
    "MemTotal": 16 * GB, "NCPU": 4, "Driver": "overlay2", "DockerRootDir": "/var/lib/docker",
}  # fmt: skip

RUNC_OF_PODMAN = "runc version 1.1.5+ds1\ncommit: 1.1.5+ds1-1+deb12u1\nspec: 1.0.2-dev\ngo: go1.19.8"
PODMAN = [{"Name": "Podman Engine", "Version": "4.3.1"}, {"Name": "OCI Runtime (runc)", "Version": RUNC_OF_PODMAN}]


def test_version_api_and_level_are_said() -> None:
    found = engine.check_engine(VERSION, INFO)
    assert found.ok is True
    assert found.message == "Docker Engine - Community 28.2.2, API 1.50; isolation: container, shared kernel"


def test_the_address_is_said_and_podman_is_called_by_its_name() -> None:
    version = {"Platform": {"Name": "linux/amd64/debian-12"}, "Components": PODMAN, "Version": "4.3.1"}
    found = engine.check_engine(version | {"ApiVersion": "1.41"}, INFO, " at unix:///run/podman.sock (context pod)")
    assert found.message.startswith("Podman 4.3.1, API 1.41 at unix:///run/podman.sock (context pod); isolation: ")


@pytest.mark.parametrize(("option", "words"), [("name=rootless", ", rootless"), ("name=userns", ", user namespace")])
def test_an_engine_that_maps_users_says_so(option: str, words: str) -> None:
    options = ["name=seccomp,profile=builtin", option]
    assert engine.check_engine(VERSION, INFO | {"SecurityOptions": options}).message.endswith(words)


def test_an_engine_without_seccomp_is_a_warning() -> None:
    found = engine.check_engine(VERSION, INFO | {"SecurityOptions": None})
    assert (found.ok, "no seccomp" in found.message, "seccomp" in found.fix) == (None, True, True)


@pytest.mark.parametrize(("api", "ok"), [("1.40", None), ("1.41", True), ("2.0", True)])
def test_an_old_api_is_a_warning(api: str, ok: bool | None) -> None:
    assert engine.check_engine(VERSION | {"ApiVersion": api}, INFO).ok is ok


@pytest.mark.parametrize(
    ("changes", "kernel", "level"),
    [
        ({}, "", "container, shared kernel"),
        ({}, "[    0.000000] Starting gVisor...\n", "gVisor"),
        ({"DefaultRuntime": "runsc"}, "", "gVisor"),
        ({"DefaultRuntime": "safe", "Runtimes": {"safe": {"path": "/usr/local/bin/runsc"}}}, "", "gVisor"),
        ({"DefaultRuntime": "io.containerd.kata.v2"}, "", "virtual machine for each container (Kata)"),
        ({"OperatingSystem": "Docker Desktop"}, "",
         "container, shared kernel, in a virtual machine (Docker Desktop)"),
        ({"Name": "colima"}, "", "container, shared kernel, in a virtual machine (Colima)"),
        ({"Name": "orbstack", "OperatingSystem": "OrbStack"}, "",
         "container, shared kernel, in a virtual machine (OrbStack)"),
    ],
)  # fmt: skip
def test_the_isolation_level_is_said_in_words(changes: dict[str, Any], kernel: str, level: str) -> None:
    assert engine.isolation(INFO | changes, kernel) == level


@pytest.mark.parametrize(
    ("version", "warned"),
    [("1.1.5+ds1", True), ("1.2.7", True), ("1.2.8", False), ("1.3.2", True), ("1.3.3", False), ("1.4.0", False)],
)
def test_a_runc_with_known_ways_out_is_a_warning(version: str, warned: bool) -> None:
    components = [{"Name": "containerd", "Version": "1.0.0"}, {"Name": "runc", "Version": version}]
    assert [check.ok for check in engine.check_runc({"Components": components})] == [None] * warned


def test_podmans_runc_is_looked_at_too() -> None:
    (found,) = engine.check_runc({"Components": PODMAN})
    assert found.message.startswith("runc 1.1.5+ds1 has known ways out")


def test_an_engine_that_does_not_name_its_runc_is_no_finding() -> None:
    assert list(engine.check_runc({"Components": None})) == []


@pytest.mark.parametrize(
    ("changes", "ok", "words"),
    [
        ({}, True, "version 2"),
        ({"CgroupVersion": "1", "CgroupDriver": "cgroupfs"}, None, "version 1"),
        ({"CgroupDriver": "none"}, False, "cannot limit anything"),
        ({"SwapLimit": False, "PidsLimit": False}, False, "cannot limit swap, processes"),
    ],
)
def test_limits_that_the_kernel_does_not_keep_fail(changes: dict[str, Any], ok: bool | None, words: str) -> None:
    found = engine.check_limits(INFO | changes)
    assert (found.ok, words in found.message, bool(found.fix)) == (ok, True, ok is not True)


@pytest.mark.parametrize(("memory", "concurrency", "ok"), [("4g", 2, True), ("4g", 3, True), ("4g", 4, None)])
def test_memory_is_counted_for_all_that_run_at_once(memory: str, concurrency: int, ok: bool | None) -> None:
    found = engine.check_memory(INFO, SandboxSettings(memory=memory), concurrency)
    assert found.ok is ok
    assert f"16.0 GB for {concurrency} at once of 4.3 GB each" in found.message


@pytest.mark.parametrize(("cpus", "ok"), [(4.0, True), (4.5, False)])
def test_more_processors_than_there_are_fail(cpus: float, ok: bool) -> None:
    found = engine.check_processors(INFO, SandboxSettings(cpus=cpus))
    assert (found.ok, "`sandbox.cpus`" in found.fix) == (ok, not ok)


@pytest.mark.parametrize(("driver", "ok"), [("overlay2", True), ("vfs", None)])
def test_slow_storage_is_a_warning(driver: str, ok: bool | None) -> None:
    assert engine.check_storage(INFO | {"Driver": driver}).ok is ok


def test_the_engines_disk_is_measured_where_it_can_be_seen(tmp_path: Path) -> None:
    (found,) = engine.check_disk(str(tmp_path))
    assert found.name == "engine-disk"
    assert list(engine.check_disk(str(tmp_path / "elsewhere"))) == []
