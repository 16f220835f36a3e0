"""What stands behind one attempt's door: the models it may ask, its ledger, the rate limits, its reports."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from pithy_local.clock import iso
from pithy_local.config import seconds
from pithy_local.door.gateway import Gateway, Upstream
from pithy_local.door.ledger import Ask, Call, Ledger
from pithy_local.door.reports import Reports
from pithy_local.lifecycle.artifacts import Artifacts
from pithy_local.lifecycle.host import Host
from pithy_local.lifecycle.ledger import StoreLedger, base_urls
from pithy_local.lifecycle.reporting import ReportTaker, ending, seen_before, told_before
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.store import Store
from pithy_local.store.calls import Calls
from pithy_local.store.holds import Holds

MAX_DIFF_BYTES = 10_000_000
"""A diff beyond this is refused at the sandbox's border; no reviewer reads one."""


@contextmanager
def serve(bench: Workbench, host: Host, artifacts: Artifacts, *, isolated: bool) -> Iterator[None]:
    """The attempt's gateway, from here to the end of its sandbox; `host.gateway` is it."""
    lease, task, standing = host.lease, host.lease.task, host.lease.standing
    ledger = StoreLedger(bench.settings, task, Calls(bench.store, lease.n, task.attempts), host.say)
    taker = ReportTaker(host, artifacts, bench.redactor)
    gateway = Gateway(
        upstreams=upstreams(bench, task.provider, task.model), call_timeout=seconds(bench.settings.model.timeout),
        ledger=GuardedLedger(ledger, host), gate=StoreGate(bench.store, host),
        on_wait=lambda provider, until: host.say(f"{provider} limits the rate: waiting until {iso(until)}"),
        on_park=host.fail,
        reports=Reports(
            on_event=taker.take_event, on_diff=taker.take_diff, max_diff_bytes=MAX_DIFF_BYTES,
            taken=told_before(standing, artifacts),
        ),
        token=None if isolated else secrets.token_urlsafe(32), clock=bench.clock, secrets=bench.secrets.known(),
        failure=seen_before(standing), leaked=standing.leaked,
    )  # fmt: skip
    host.attach(gateway=gateway)
    try:
        yield
    finally:
        bench.loop.call(gateway.aclose())


def upstreams(bench: Workbench, provider: str, model: str) -> list[Upstream]:
    """Where the task's model and the fallback's are, and their keys; none for `scripted`, which asks nobody."""
    if provider == "scripted":
        return []
    models: dict[str, set[str]] = {provider: {model}}
    second = fallback(bench, provider)
    if second is not None:
        models.setdefault(second[0], set()).add(second[1])
    addresses = base_urls(bench.settings.model)
    return [
        Upstream(name=name, base_url=addresses[name], api_key=bench.secrets.api_key(name), models=frozenset(allowed))
        for name, allowed in models.items()
    ]


def fallback(bench: Workbench, provider: str) -> tuple[str, str] | None:
    """Provider and model that are asked when the service of the task's `provider` fails.

    None where there is no such model, and where nobody could ask it: it would be refused for its missing key, and that
    would hide why the first one failed.
    """
    name, _, model = bench.settings.model.fallback.partition(":")
    if not name or provider == "scripted":
        return None
    return (name, model) if bench.secrets.api_key(name) or base_urls(bench.settings.model)[name] else None


class StoreGate:
    """Implements `door.rate_limit.RateGate`: one gate a provider for all processes of the home."""

    def __init__(self, store: Store, host: Host) -> None:
        self._holds, self._host = Holds(store), host

    def closed_until(self, provider: str) -> int:
        with ending(self._host):
            return self._holds.closed_until(provider)

    def close(self, provider: str, until_ms: int) -> None:
        with ending(self._host):
            self._holds.close_gate(provider, until_ms)


class GuardedLedger:
    """Implements `door.ledger.Ledger`: where nothing can be written down, nothing may be spent."""

    def __init__(self, ledger: Ledger, host: Host) -> None:
        self._ledger, self._host = ledger, host
        self._leaked = False

    def reserve(self, ask: Ask) -> int | Literal["wait", "token_limit", "budget"]:
        with ending(self._host):
            return self._ledger.reserve(ask)

    def settle(self, ticket: int, call: Call) -> None:
        with ending(self._host):
            if self._host.gateway.leaked and not self._leaked:
                self._host.lease.record_leak()  # before the sandbox has the whole answer
                self._leaked = True
            self._ledger.settle(ticket, call)
