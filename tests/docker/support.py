"""The attempt's side for tests of the sandbox, and commands run in a container as the agent would."""

from __future__ import annotations

import tarfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from docker.errors import APIError

from pithy_local.door.gateway import Gateway, Upstream
from pithy_local.door.reports import Event, Reports
from pithy_local.errors import Cancelled, LeaseLost
from pithy_local.executors.base import Job, Limits
from pithy_local.executors.engine import Engine
from pithy_local.models import Phase, Stream
from tests.door.stand_ins import MemoryGate, MemoryLedger, make_gateway
from tests.executors.local_host import runner_spec, scripted
from tests.fakes.model import FakeModel
from tests.support import make_bare, make_repo

MiB = 1 << 20
TASK = "0123456789"
MODELS = {"openai": "gpt-4o", "anthropic": "claude-sonnet-5-5", "scripted": "scripted"}
LIMITS = Limits(cpus=2.0, memory=512 * MiB, pids=128, disk=128 * MiB, seconds=40.0)


@dataclass
class Host:
    """An `AttemptHost` that keeps everything in memory and stops when told to."""

    services: Gateway | None = None
    stopping: threading.Event = field(default_factory=threading.Event)
    phases: list[Phase] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)
    effects: list[tuple[str, str, str]] = field(default_factory=list)
    entered: threading.Condition = field(default_factory=threading.Condition)
    stop_with: Exception = field(default_factory=Cancelled)
    on_collecting: Callable[[], object] = lambda: None
    """Called while the container stands still, its agent's work done."""
    taken: int = 0
    """Frames of the container's log that an earlier owner has taken."""
    left: float | None = None
    """Seconds of the agent's time that are left."""

    @property
    def gateway(self) -> Gateway:
        assert self.services is not None, "this test has no gateway"
        return self.services

    @property
    def container(self) -> str:
        """The id that `create` gave."""
        return next(result for kind, effect, result in self.effects if (kind, effect) == ("done", "create"))

    def checkpoint(self) -> None:
        if self.stopping.is_set():
            raise self.stop_with

    def enter(self, phase: Phase) -> None:
        self.checkpoint()
        if phase is Phase.COLLECTING:
            self.on_collecting()
        with self.entered:
            self.phases.append(phase)
            self.entered.notify_all()

    def wait_for(self, phase: Phase, timeout: float = 60) -> None:
        with self.entered:
            assert self.entered.wait_for(lambda: phase in self.phases, timeout), f"{phase} was not entered"

    def say(self, text: str) -> None:
        self.said.append(text)

    def output(self, stream: Stream, data: bytes, frame: int | None = None) -> bool:
        (self.err if stream is Stream.ERR else self.out).extend(data)
        self.taken = frame or self.taken
        return True

    def frames(self, container: str) -> int:
        return self.taken

    def still_ours(self) -> bool:
        return not isinstance(self.stop_with, LeaseLost)

    def time_left(self, seconds: float) -> float:
        return seconds if self.left is None else self.left

    def keep_time(self, left: float) -> None:
        self.left = left

    def intend(self, effect: str, key: str) -> None:
        self.effects.append(("intend", effect, key))

    def done(self, effect: str, result: str = "") -> None:
        self.effects.append(("done", effect, result))


class Attempt:
    """A host with real services, and a job over a real repository."""

    def __init__(
        self, folder: Path, instance: str, *, upstream: Upstream | None = None,
        services: Callable[..., Gateway] = make_gateway, **limits: Any,
    ) -> None:  # fmt: skip
        self.events: list[Event] = []
        self.diffs: list[bytes] = []
        self.ledger, self.gate = MemoryLedger(), MemoryGate()
        reports = Reports(
            on_event=self.events.append, on_diff=lambda _, diff: self.diffs.append(diff), max_diff_bytes=10_000_000
        )
        upstreams = [upstream] if upstream else []
        gateway = services(upstreams, ledger=self.ledger, gate=self.gate, reports=reports)
        self.host = Host(services=gateway)
        bare = make_bare(folder / "repo.git", make_repo(folder / "work", {"hello.txt": "one\nhello\nthree\n"}))
        bundle = folder / "bundle.tar"
        with tarfile.open(bundle, "w") as tar:
            tar.add(bare, "repo.git")
        provider = upstream.name if upstream else "scripted"
        spec = runner_spec(bare, task=TASK, provider=provider, model=MODELS[provider])
        self.job = make_job(instance, bundle=bundle, spec=spec, limits=replace(LIMITS, **limits))

    def with_replies(self, *replies: str) -> Self:
        self.job = replace(self.job, spec={**self.job.spec, "replies": scripted(*replies)})
        return self


def make_job(
    instance: str, *, task: str = TASK, attempt: int = 1, fence: int = 1, bundle: Path | None = None,
    limits: Limits = LIMITS, spec: dict[str, Any] | None = None,
) -> Job:  # fmt: skip
    return Job(
        instance=instance, task=task, attempt=attempt, fence=fence, spec=spec or {}, bundle=bundle or Path("unused"),
        limits=limits, max_diff_bytes=10_000_000,
    )  # fmt: skip


@dataclass(frozen=True)
class Ran:
    """How a command in a container ended."""

    code: int
    out: str
    err: str


def run_in(engine: Engine, container: str, argv: Sequence[str], user: str = "1000:1000") -> Ran:
    """`docker exec`; output as text."""
    code, (out, err) = engine.client.containers.get(container).exec_run(list(argv), user=user, demux=True)
    return Ran(code=code, out=(out or b"").decode("utf-8", "replace"), err=(err or b"").decode("utf-8", "replace"))


def start_in(engine: Engine, container: str, argv: Sequence[str], user: str = "1000:1000") -> None:
    """`docker exec -d`."""
    engine.client.containers.get(container).exec_run(list(argv), user=user, detach=True)


def state(engine: Engine, container: str) -> dict[str, Any]:
    found: dict[str, Any] = engine.api.inspect_container(container)["State"]
    return found


def remove_leaves(engine: Engine, label: str) -> bool:
    """Remove what no other image stands on; True when nothing with this label is left."""
    built = engine.api.images(all=True, filters={"label": label})
    parents = {image["ParentId"] for image in built}
    for image in built:
        if image["Id"] not in parents:
            try:
                engine.api.remove_image(image["Id"], force=True)
            except APIError as error:
                if error.status_code not in (404, 409):  # a stopped build's container is still being removed
                    raise
    return not built


def upstream_of(model: FakeModel, key: str, provider: str = "openai") -> Upstream:
    """The fake as the attempt's one provider."""
    address = {"openai": model.base_url, "anthropic": model.anthropic_url}[provider]
    return Upstream(name=provider, base_url=address, api_key=key, models=frozenset({MODELS[provider]}))
