"""Limits hold whatever twenty calls at once do: the real gateway and ledger, the real store, a model server that
answers whole, in streams without usage, in streams that break off, and to clients that leave."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from pithy_local.config import BudgetSettings, Price
from pithy_local.door.serving import Loopback
from pithy_local.errors import Parked
from pithy_local.lifecycle import services
from pithy_local.lifecycle.artifacts import Artifacts
from pithy_local.lifecycle.host import Host
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.store.calls import spent_today
from pithy_local.store.holds import Holds
from pithy_local.store.tasks import Tasks
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import Reply
from tests.lifecycle.bench import SECRET, StandIn, hosted, opened_bench, queue

AT_ONCE = 20
OUTPUT = 100
PRICED, UNPRICED = "gpt-4o", "house-model-1"
CHAT = "/openai/v1/chat/completions"
TEXT = "word " * 40

KINDS: tuple[tuple[Reply, dict[str, Any]], ...] = (
    (Reply(text=TEXT, prompt_tokens=30, completion_tokens=60), {"model": PRICED}),
    (Reply(text=TEXT, prompt_tokens=30, completion_tokens=60, reports_usage=False), {"model": PRICED, "stream": True}),
    (Reply(text=TEXT, cut_after=3), {"model": PRICED, "stream": True}),
    (Reply(text=TEXT, stall_after=2, delay=5.0), {"model": PRICED, "stream": True, "leave": True}),
    (Reply(text=TEXT, prompt_tokens=30, completion_tokens=60), {"model": UNPRICED}),
    (Reply(text=TEXT, reports_usage=False), {"model": UNPRICED, "stream": True}),
)
"""What the server answers, and to which request."""


def answer(data: dict[str, Any]) -> Reply:
    """The reply that the request's message names."""
    return KINDS[int(data["messages"][0]["content"])][0]


@pytest.fixture
def model() -> Iterator[FakeModel]:
    with FakeModel(answer, key=SECRET, models=(PRICED, UNPRICED)) as server:
        yield server


@pytest.fixture
def bench(tmp_path: Path, model: FakeModel) -> Iterator[Workbench]:
    with opened_bench(tmp_path, StandIn(), model=model.base_url) as opened:
        chosen = msgspec.structs.replace(opened.settings.model, fallback=f"openai:{UNPRICED}")
        opened.settings = msgspec.structs.replace(
            opened.settings, model=chosen, prices={PRICED: Price(input=1_000.0, output=1_000.0)}
        )
        opened.loop.start()
        try:
            yield opened
        finally:
            opened.loop.stop()


def limit(bench: Workbench, usd: float) -> None:
    bench.settings = msgspec.structs.replace(bench.settings, budget=BudgetSettings(usd_per_day=usd))


@contextmanager
def door(bench: Workbench, **changes: Any) -> Iterator[tuple[Host, httpx2.Client]]:
    """The gateway of one attempt on loopback, and a client that has its token."""
    task = queue(bench, Path("/no/such/repository"), provider="openai", model=PRICED, **changes)
    loopback = Loopback()
    with hosted(bench, task) as host:
        artifacts = Artifacts(bench.home, task.id, 1, bench.redactor)
        with services.serve(bench, host, artifacts, isolated=False):
            port = bench.loop.call(loopback.start(host.gateway.app))
            headers = {"Authorization": f"Bearer {host.gateway.token}"}
            bounds = httpx2.Limits(max_connections=AT_ONCE)
            with httpx2.Client(
                base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60, limits=bounds, trust_env=False
            ) as client:
                yield host, client
            bench.loop.call(loopback.close(), 20)


def body(kind: int) -> dict[str, Any]:
    asked = {name: value for name, value in KINDS[kind][1].items() if name != "leave"}
    return {**asked, "max_tokens": OUTPUT, "messages": [{"role": "user", "content": str(kind)}]}


def call(client: httpx2.Client, kind: int) -> int:
    """Make one call, and leave in the middle of the answer where the kind says so; its status."""
    with client.stream("POST", CHAT, json=body(kind)) as response:
        try:
            for _ in response.iter_bytes():
                if KINDS[kind][1].get("leave"):
                    break
        except httpx2.HTTPError:
            pass  # broken off
        return response.status_code


def spend(client: httpx2.Client) -> None:
    """Twenty at once call on and on, each kind in turn, until the gateway refuses."""
    kinds, lock = itertools.cycle(range(len(KINDS))), threading.Lock()

    def loop(_: int) -> None:
        while True:
            with lock:
                kind = next(kinds)
            if call(client, kind) == 402:
                return

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(loop, range(AT_ONCE)))


def one_call(bench: Workbench) -> int:
    """The most tokens that one call had reserved."""
    return max(int(row["reserved_input"] + row["reserved_output"]) for row in rows(bench))


def most(bench: Workbench, usd: float) -> float:
    """What may be spent of a budget: it and one call's reservation, at the dearest price here."""
    return usd + one_call(bench) * 1_000.0 / 1e6


def rows(bench: Workbench) -> list[Any]:
    return bench.store.queue.rows("SELECT * FROM call")


def test_no_more_is_spent_than_the_day_allows_and_one_call(bench: Workbench, model: FakeModel) -> None:
    limit(bench, 2.0)
    with door(bench) as (host, client):
        spend(client)

        with pytest.raises(Parked, match="budget"):
            host.checkpoint()

    spent, open_calls = spent_today(bench.store)
    assert 2.0 <= spent <= most(bench, 2.0)
    assert open_calls == 0
    assert len(rows(bench)) == len(model.completions) > AT_ONCE
    assert all(row["settled_at"] is not None and row["charged_usd"] > 0 for row in rows(bench))
    assert {row["estimated"] for row in rows(bench)} == {0, 1}
    assert {row["http_status"] for row in rows(bench)} >= {200, 499, 502}
    paused = Holds(bench.store).paused
    assert paused is not None
    assert paused.reason == "budget"
    assert model.violations == []


def test_what_was_allowed_once_more_is_kept_as_well(bench: Workbench, model: FakeModel) -> None:
    limit(bench, 1.0)
    with door(bench) as (_, client):
        spend(client)
        before = len(model.completions)
        Holds(bench.store).raise_budget()
        Holds(bench.store).resume()
        spend(client)

    assert len(model.completions) > before
    assert 2.0 <= spent_today(bench.store)[0] <= most(bench, 2.0)


def test_a_model_without_a_price_that_is_asked_on_and_on_meets_the_budget(bench: Workbench, model: FakeModel) -> None:
    limit(bench, 0.5)
    with door(bench) as (host, client):
        while call(client, 4) == 200:
            pass
        task = Tasks(bench.store).get(host.lease.task.id)

    assert 0.5 <= spent_today(bench.store)[0] <= most(bench, 0.5)
    assert task.usage.cost_usd is None
    assert task.usage.total_tokens == 90 * len(model.completions)


def test_a_task_takes_no_more_tokens_than_its_limit_and_one_call(bench: Workbench, model: FakeModel) -> None:
    with door(bench, max_tokens=3_000) as (host, client):
        spend(client)
        host.checkpoint()  # the attempt fails by its runner's word, it is not parked
        used = Tasks(bench.store).get(host.lease.task.id).usage.total_tokens

    assert 3_000 <= used <= 3_000 + one_call(bench)
    assert len(rows(bench)) == len(model.completions)
    assert Holds(bench.store).paused is None


def test_two_attempts_share_the_days_budget(bench: Workbench, model: FakeModel) -> None:
    limit(bench, 2.0)
    with door(bench) as (_, first), door(bench) as (_, second):
        other = threading.Thread(target=spend, args=(first,))
        other.start()
        spend(second)
        other.join()

    assert 2.0 <= spent_today(bench.store)[0] <= most(bench, 2.0)
    assert len(rows(bench)) == len(model.completions)
