"""A container that its owner left, or died over, is gone on with: its log, its reports, its time, its answer."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pithy_local.config import SandboxSettings, Settings
from pithy_local.door.gateway import Upstream
from pithy_local.door.loop import EventLoop
from pithy_local.door.reports import Reports, Result, Taken
from pithy_local.errors import ErrorCode, LeaseLost, PithyError
from pithy_local.executors.docker import DockerExecutor
from pithy_local.executors.engine import Engine
from pithy_local.models import Phase
from tests.docker.support import Attempt, Host, state, upstream_of
from tests.door.stand_ins import make_gateway
from tests.executors.local_host import REPLY
from tests.fakes.loopback import Gate
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import Reply
from tests.support import wait_until

pytestmark = pytest.mark.docker

KEY = "sk-canary-0123456789abcdefghij"
DIFF = b"diff --git a/hello.txt b/hello.txt\n"


@dataclass
class Left:
    """An attempt whose agent waits for the model, in a container that nobody has in hand."""

    executor: DockerExecutor
    engine: Engine
    attempt: Attempt
    container: str
    gate: Gate
    upstream: Upstream
    adopters: list[Host] = field(default_factory=list)

    def adopter(self, taken: Taken | None = None) -> Host:
        """The next owner's side: it knows what the first one was told (`taken`: something else)."""
        first = self.attempt
        told = taken or Taken(number=len(first.events) + len(first.diffs))
        reports = Reports(
            on_event=first.events.append, on_diff=lambda _, diff: first.diffs.append(diff), max_diff_bytes=10_000_000,
            taken=told,
        )  # fmt: skip
        gateway = make_gateway([self.upstream], ledger=first.ledger, gate=first.gate, reports=reports)
        host = Host(
            services=gateway, taken=first.host.taken, out=bytearray(first.host.out), err=bytearray(first.host.err),
            left=first.host.left,
        )  # fmt: skip
        self.adopters.append(host)
        return host

    def stored_log(self) -> bytes:
        """What the engine has of the container's stdout."""
        return bytes(self.engine.api.logs(self.container, stdout=True, stderr=False))

    def gone(self) -> bool:
        return not self.engine.api.containers(all=True, filters={"id": self.container})


@pytest.fixture
def left(
    engine: Engine, sandbox_settings: SandboxSettings, image_locks: Path, sandbox_image: str, tmp_path: Path,
    instance: str,
) -> Iterator[Left]:  # fmt: skip
    gate = Gate()
    with (
        EventLoop() as loop,
        FakeModel(lambda _: Reply(text=REPLY, gate=gate), key=KEY) as model,
        ThreadPoolExecutor() as pool,
    ):
        executor = DockerExecutor(Settings(sandbox=sandbox_settings), loop, image_locks)
        upstream = upstream_of(model, KEY)
        attempt = Attempt(tmp_path, instance, upstream=upstream)
        host = attempt.host
        running = pool.submit(executor.run, attempt.job, host)
        assert gate.reached.wait(60)
        host.stop_with = LeaseLost("somebody else has it")
        host.stopping.set()
        with pytest.raises(LeaseLost):
            running.result(60)
        loop.call(host.gateway.aclose())
        made = Left(executor, engine, attempt, host.container, gate, upstream)
        try:
            yield made
        finally:
            gate.release()
            for adopter in made.adopters:
                loop.call(adopter.gateway.aclose())
            executor.remove(host.container)


def test_an_owner_that_lost_its_lease_leaves_the_container_running(left: Left) -> None:
    assert state(left.engine, left.container)["Running"]
    assert ("intend", "remove", left.container) not in left.attempt.host.effects


def test_an_adopter_goes_on_with_the_very_container_its_log_and_its_reports(left: Left) -> None:
    host = left.adopter()
    left.gate.release()
    logs: list[bytes] = []
    host.on_collecting = lambda: logs.append(left.stored_log())

    collected = left.executor.adopt(left.attempt.job, host)

    assert b"+hello, world" in collected.diff
    assert host.phases == [Phase.COLLECTING]
    assert bytes(host.out) == logs[0]
    assert [event.n for event in left.attempt.events if event.kind == "reply"] != []
    numbers = [event.n for event in left.attempt.events]
    assert numbers == sorted(set(numbers))
    assert left.gone()


def test_a_container_that_has_ended_is_lost_its_log_complete(left: Left) -> None:
    host = left.adopter()
    left.engine.api.kill(left.container)
    wait_until(lambda: not state(left.engine, left.container)["Running"], what="its end")
    log = left.stored_log()

    with pytest.raises(PithyError) as lost:
        left.executor.adopt(left.attempt.job, host)

    assert (lost.value.code, lost.value.detail["exit_code"]) == (ErrorCode.CONTAINER_LOST, 137)
    assert (bytes(host.out), left.gone()) == (log, True)


def test_a_container_that_is_gone_is_lost(left: Left) -> None:
    left.executor.remove(left.container)

    with pytest.raises(PithyError) as lost:
        left.executor.adopt(left.attempt.job, left.adopter())

    assert lost.value.code is ErrorCode.CONTAINER_LOST


def test_what_a_container_had_handed_over_counts_although_it_is_gone(left: Left) -> None:
    left.executor.remove(left.container)
    host = left.adopter(Taken(number=9, result=Result("ready", None, "", {}), diff=DIFF))

    assert left.executor.adopt(left.attempt.job, host).diff == DIFF
    assert any("handed over" in words for words in host.said)


def test_a_diff_without_a_result_is_not_enough(left: Left) -> None:
    left.executor.remove(left.container)

    with pytest.raises(PithyError) as lost:
        left.executor.adopt(left.attempt.job, left.adopter(Taken(number=9, diff=DIFF)))

    assert lost.value.code is ErrorCode.CONTAINER_LOST


def test_a_paused_container_is_waited_for(left: Left) -> None:
    host = left.adopter()
    left.engine.api.pause(left.container)
    with ThreadPoolExecutor() as pool:
        try:
            running = pool.submit(left.executor.adopt, left.attempt.job, host)
            wait_until(lambda: any("paused" in words for words in host.said), what="it is told")
        finally:
            left.engine.api.unpause(left.container)
            left.gate.release()

        assert b"+hello, world" in running.result(60).diff


def test_a_time_that_was_over_is_over(left: Left) -> None:
    host = left.adopter()
    host.left = 0.5

    with pytest.raises(PithyError) as late:
        left.executor.adopt(left.attempt.job, host)

    assert (late.value.code, left.gone()) == (ErrorCode.TIMEOUT, True)


def test_a_cancelled_attempts_container_ends_with_its_log_complete(left: Left) -> None:
    host, log = left.adopter(), left.stored_log()

    left.executor.end(left.attempt.job, host)

    assert (bytes(host.out)[: len(log)], left.gone()) == (log, True)
    # where the way to the engine is slow, the runner has said meanwhile that it waits for the host, and nothing else
    more = bytes(host.out)[len(log) :].splitlines()
    assert [line for line in more if not line.endswith(b"the host is away: waiting for it")] == []
    left.executor.end(left.attempt.job, host)
