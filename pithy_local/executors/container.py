"""The sealed containers of an attempt: what they are made of, a name as the exactly-once gate (docs/security.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import requests
from docker.errors import APIError, NotFound
from docker.types import LogConfig, Ulimit

from pithy_local import crash
from pithy_local.door.relay import GATEWAY_PORT
from pithy_local.errors import ErrorCode, LeaseLost, PithyError
from pithy_local.executors.base import Journal, Limits, SandboxJob
from pithy_local.executors.dialect import is_name_taken, reworded, security
from pithy_local.executors.engine import Engine, engine_errors

AGENT_USER = "1000:1000"
DOOR_USER = "65532:65532"
WORK = "/pithy"
"""The tmpfs that holds everything of the attempt: bundle, repository, home, job."""
BUNDLE, REPO, JOB_FILE = f"{WORK}/repo.git", f"{WORK}/repo", f"{WORK}/job.json"
COMMAND = ["python3", "-m", "runner"]
NETWORKS = {"sealed": "none", "open": "bridge"}
MiB = 1 << 20
TRIES = 3
"""For one request to the engine."""
NEVER = "0001-"
"""How engines write the time of what has not happened."""


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Whose container it is; the engine keeps these, so they are found again after any crash."""

    instance: str
    task: str
    attempt: int
    fence: int
    role: str = "agent"

    @classmethod
    def of(cls, job: SandboxJob) -> Labels:
        return cls(instance=job.instance, task=job.task, attempt=job.attempt, fence=job.fence, role=job.role)

    @classmethod
    def read(cls, labels: Mapping[str, str]) -> Labels | None:
        """None for a container that is not ours, or whose labels somebody else wrote."""
        try:
            return cls(
                instance=labels["pithy.instance"], task=labels["pithy.task"], role=labels["pithy.role"],
                attempt=int(labels["pithy.attempt"]), fence=int(labels["pithy.fence"]),
            )  # fmt: skip
        except (KeyError, ValueError):
            return None

    @property
    def name(self) -> str:
        return f"pithy-{self.instance[:6]}-{self.task}-a{self.attempt}-{self.role}"

    def as_dict(self) -> dict[str, str]:
        return {
            "pithy.instance": self.instance, "pithy.task": self.task, "pithy.attempt": str(self.attempt),
            "pithy.fence": str(self.fence), "pithy.role": self.role,
        }  # fmt: skip

    def same_attempt(self, other: Labels) -> bool:
        return (self.instance, self.task, self.attempt, self.role) == (
            other.instance, other.task, other.attempt, other.role,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A container that has the name of one of ours, and whether it was ever started."""

    id: str
    labels: Labels
    started: bool


def environment() -> dict[str, str]:
    """What the runner sees. The keys are words without value: the door's stream is the identity."""
    door = f"http://127.0.0.1:{GATEWAY_PORT}"
    return tool_environment() | {
        "PITHY_JOB": JOB_FILE,
        "PITHY_HOST_URL": f"{door}/host",
        "PITHY_HOST_TOKEN": "sandbox",
        "OPENAI_BASE_URL": f"{door}/openai/v1",
        "OPENAI_API_KEY": "sandbox",
        "ANTHROPIC_BASE_URL": f"{door}/anthropic",
        "ANTHROPIC_API_KEY": "sandbox",
        "PYTHONPATH": "/opt/pithy",
    }


def tool_environment() -> dict[str, str]:
    """What every program of the repository sees: where it may write, and nothing of the product."""
    return {
        "HOME": f"{WORK}/home",
        "TMPDIR": "/tmp",
        "XDG_CACHE_HOME": f"{WORK}/cache",
        "PIP_CACHE_DIR": f"{WORK}/cache/pip",
        "UV_CACHE_DIR": f"{WORK}/cache/uv",
        "npm_config_cache": f"{WORK}/cache/npm",
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def tmpfs(limits: Limits, volumes: Mapping[str, Any]) -> dict[str, str]:
    """The writable places, each with a hard size. Docker's tmpfs is noexec unless told otherwise.

    `volumes`: the image's VOLUMEs, masked: each would be an unbounded directory on the host's disk.
    """
    masks = dict.fromkeys(volumes, "rw,nosuid,nodev,size=8m")
    return masks | {
        WORK: f"rw,exec,nosuid,nodev,size={limits.disk},mode=1777",
        "/tmp": f"rw,exec,nosuid,nodev,size={max(limits.disk // 4, 16 * MiB)},mode=1777",
        "/var/tmp": f"rw,exec,nosuid,nodev,size={16 * MiB},mode=1777",
        "/run": f"rw,noexec,nosuid,nodev,size={16 * MiB},mode=755",
    }


def options(
    image: str, labels: Labels, limits: Limits, volumes: Mapping[str, Any], network: str = "sealed"
) -> dict[str, Any]:
    """The keyword arguments of docker-py's `containers.create`. `network`: sealed | open."""
    return {
        "image": image, "command": COMMAND, "name": labels.name, "labels": labels.as_dict(),
        "environment": environment(), "hostname": "sandbox", "user": AGENT_USER,
        "network_mode": NETWORKS[network], "read_only": True, "cap_drop": ["ALL"], "init": True, "ipc_mode": "private",
        "security_opt": security(),
        "mem_limit": limits.memory, "memswap_limit": limits.memory, "nano_cpus": int(limits.cpus * 1e9),
        "pids_limit": limits.pids, "shm_size": 64 * MiB, "oom_score_adj": 500,
        "ulimits": [
            Ulimit(name="nofile", soft=4096, hard=4096),
            Ulimit(name="core", soft=0, hard=0),
            Ulimit(name="fsize", soft=2048 * MiB, hard=2048 * MiB),
        ],
        "tmpfs": tmpfs(limits, volumes),
        # rotation would end a followed log silently: the limit lies far above what the store keeps
        "log_config": LogConfig(type="json-file", config={"max-size": "2g", "max-file": "1"}),
        "auto_remove": False,
        "healthcheck": {"test": ["NONE"]},
    }  # fmt: skip


def launch(
    engine: Engine, image: str, job: SandboxJob, host: Journal, changes: Mapping[str, Any] = MappingProxyType({})
) -> str:
    """Create and start the job's container, once whatever answers are lost. Returns its id.

    `changes`: options of `containers.create` that differ from an agent's. Raises PithyError (image_missing,
    docker_unreachable, internal, …), and LeaseLost when a newer owner's container has the name.
    """
    labels = Labels.of(job)
    with engine_errors("look at the sandbox image"):
        volumes = engine.api.inspect_image(image)["Config"].get("Volumes") or {}
    wanted = {**options(image, labels, job.limits, volumes, job.network), **changes}
    # as the entry point: an empty one beside a command would mean the image's own to Podman
    wanted |= {"entrypoint": wanted["command"], "command": []}
    while True:
        try:
            return _launch(engine, wanted, labels, host)
        except PithyError as error:
            otherwise = reworded(wanted, error)
            if otherwise is None:
                raise
            wanted = otherwise


def find(engine: Engine, labels: Labels) -> str | None:
    """The id of the container that was made for this very attempt and role, by whichever owner; None: it is gone.

    Raises PithyError (docker_unreachable, internal: somebody else's container has the name).
    """
    with engine_errors("look for the sandbox"):
        found = _inspect(engine, labels)
    return None if found is None else found.id


def _launch(engine: Engine, wanted: dict[str, Any], labels: Labels, host: Journal) -> str:
    host.intend("create", labels.name)
    crash.point("create.intended")
    with engine_errors("create the sandbox"):
        container = _create(engine, wanted, labels)
    try:
        crash.point("created")
        host.done("create", container)
        host.intend("start", container)
        with engine_errors("start the sandbox"):
            _asked(lambda: engine.api.start(container))  # 304 where a lost answer had started it
        crash.point("started")
        host.done("start", container)
    except BaseException:
        remove(engine, container)
        raise
    return container


def _create(engine: Engine, wanted: dict[str, Any], labels: Labels) -> str:
    """Create, or find what a request whose answer was lost has created; every leftover gives way."""
    for _ in range(TRIES):
        try:
            return str(engine.client.containers.create(**wanted).id)
        except APIError as error:
            if not is_name_taken(error):
                raise
            found = _take_over(engine, labels)
        except requests.exceptions.RequestException:
            found = _take_over(engine, labels)
            if found is None:
                raise
        if found:
            return found
    raise PithyError(ErrorCode.INTERNAL, f"the name {labels.name} stays taken")


def _take_over(engine: Engine, labels: Labels) -> str | None:
    """The id of the container that has our name if it is ours and new; None when the name is free (again).

    One that was started before is a leftover, also of this very owner, who could not remove it: what ran in it may have
    changed everything. Raises PithyError where it cannot be removed now either.
    """
    found = _inspect(engine, labels)
    if found is None:
        return None
    if found.labels.fence > labels.fence:
        raise LeaseLost
    if found.labels.fence == labels.fence and not found.started:
        return found.id
    remove(engine, found.id)
    return None


def _inspect(engine: Engine, labels: Labels) -> _Found | None:
    """The container that has our name; None when there is none."""
    try:
        existing = engine.api.inspect_container(labels.name)
    except NotFound:
        return None
    theirs = Labels.read(existing["Config"].get("Labels") or {})
    if theirs is None or not labels.same_attempt(theirs):
        raise PithyError(ErrorCode.INTERNAL, f"a container that is not ours has the name {labels.name}")
    started = not str(existing["State"].get("StartedAt", "")).startswith(NEVER)
    return _Found(id=str(existing["Id"]), labels=theirs, started=started)


def _asked(request: Callable[[], object]) -> None:
    """Make a request that may be repeated, and repeat it where its answer was lost: the engine may have done it."""
    for _ in range(TRIES - 1):
        try:
            request()
            return
        except requests.exceptions.ConnectionError:
            continue
    request()


def remove(engine: Engine, container: str) -> None:
    """End every process of a container and remove it with its anonymous volumes; one that is gone is fine."""
    with engine_errors("remove the sandbox"):
        try:
            _asked(lambda: engine.api.remove_container(container, v=True, force=True))
        except NotFound:
            return
        except APIError as error:
            if error.status_code != 409:  # 409: its removal is under way
                raise


def kill(engine: Engine, container: str) -> None:
    """SIGKILL to every process of it; one that has ended or is gone is fine."""
    with engine_errors("kill the sandbox"):
        try:
            _asked(lambda: engine.api.kill(container))
        except APIError as error:
            if error.status_code not in (404, 409):
                raise
