"""What stands behind an attempt's door: which models may be asked where; a failure in there ends the attempt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from pithy_local.config import Secrets
from pithy_local.door.ledger import Ask
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors.base import AttemptHost, Job
from pithy_local.lifecycle import services
from pithy_local.lifecycle.artifacts import Artifacts
from pithy_local.lifecycle.host import Host
from pithy_local.lifecycle.services import GuardedLedger, StoreGate
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.store.holds import Holds
from tests.lifecycle.bench import SECRET, StandIn, code_of, hosted, locked, opened_bench, queue, work

BOTH = Secrets(openai_api_key=SECRET, anthropic_api_key="sk-ant-another-0d9c8b7a")


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[Workbench]:
    """Waits for a locked store no longer than a moment."""
    with opened_bench(tmp_path, StandIn(), patience=0.05) as opened:
        yield opened


@pytest.fixture
def host(impatient: Workbench, repo: Path) -> Iterator[Host]:
    with hosted(impatient, queue(impatient, repo)) as made:
        yield made


def with_fallback(bench: Workbench, fallback: str) -> None:
    model = msgspec.structs.replace(bench.settings.model, fallback=fallback)
    bench.settings = msgspec.structs.replace(bench.settings, model=model)


def allowed(bench: Workbench, provider: str = "openai", model: str = "gpt-4o") -> dict[str, frozenset[str]]:
    return {upstream.name: upstream.models for upstream in services.upstreams(bench, provider, model)}


def test_the_tasks_model_alone_may_be_asked(bench: Workbench) -> None:
    assert allowed(bench) == {"openai": {"gpt-4o"}}


def test_the_fallback_may_be_asked_at_its_own_provider(bench: Workbench) -> None:
    bench.secrets = BOTH
    with_fallback(bench, "anthropic:claude-sonnet-5-5")

    assert allowed(bench) == {"openai": {"gpt-4o"}, "anthropic": {"claude-sonnet-5-5"}}
    assert [upstream.api_key for upstream in services.upstreams(bench, "openai", "gpt-4o")] == list(BOTH.known()[:2])


def test_a_fallback_of_the_same_provider_shares_it(bench: Workbench) -> None:
    with_fallback(bench, "openai:gpt-4o-mini")

    assert allowed(bench) == {"openai": {"gpt-4o", "gpt-4o-mini"}}


def test_a_fallback_without_a_key_is_not_asked(bench: Workbench) -> None:
    with_fallback(bench, "anthropic:claude-sonnet-5-5")

    assert allowed(bench) == {"openai": {"gpt-4o"}}


def test_replies_written_in_advance_need_no_model(bench: Workbench) -> None:
    with_fallback(bench, "openai:gpt-4o")

    assert allowed(bench, "scripted", "scripted") == {}


def test_the_gate_is_the_homes(impatient: Workbench, host: Host) -> None:
    gate = StoreGate(impatient.store, host)
    gate.close("openai", impatient.clock.now_ms() + 60_000)

    assert gate.closed_until("openai") == Holds(impatient.store).closed_until("openai") > 0
    assert gate.closed_until("anthropic") == 0


class Full:
    """A ledger whose disk is full."""

    def reserve(self, ask: Ask) -> int:
        raise PithyError(ErrorCode.DISK_FULL, "no space left for queue.db")

    def settle(self, ticket: int, call: object) -> None:
        raise PithyError(ErrorCode.DISK_FULL, "no space left for queue.db")


def test_where_nothing_can_be_written_down_nothing_is_spent_and_the_attempt_ends(host: Host) -> None:
    ledger = GuardedLedger(Full(), host)

    with pytest.raises(PithyError):
        ledger.reserve(Ask(provider="openai", model="m", input_tokens=1, output_tokens=1))

    with pytest.raises(PithyError, match="no space left"):
        host.checkpoint()


def test_a_gate_that_cannot_be_closed_ends_the_attempt(impatient: Workbench, host: Host) -> None:
    """Else every process of the home would go on asking."""
    with locked(impatient.store), pytest.raises(PithyError):
        StoreGate(impatient.store, host).close("openai", 1 << 60)

    with pytest.raises(PithyError) as caught:
        host.checkpoint()
    assert caught.value.code is ErrorCode.INTERNAL  # a task fails with no `store`


def test_the_gateway_is_the_attempts_from_here_to_its_end(impatient: Workbench, host: Host) -> None:
    impatient.loop.start()
    artifacts = Artifacts(impatient.home, host.lease.task.id, 1, impatient.redactor)
    try:
        with services.serve(impatient, host, artifacts, isolated=False):
            assert len(host.gateway.token or "") > 40
        with services.serve(impatient, host, artifacts, isolated=True):
            assert host.gateway.token is None
    finally:
        impatient.loop.stop()


def test_an_event_that_cannot_be_kept_ends_the_attempt(tmp_path: Path, repo: Path) -> None:
    def post(job: Job, host: AttemptHost) -> bytes:
        host.gateway.reports._on_event(None)  # type: ignore[arg-type]  # what no sandbox can send
        return b""

    with opened_bench(tmp_path, StandIn(post)) as bench:
        task = work(bench, queue(bench, repo).id)

    assert code_of(task) == "internal"
