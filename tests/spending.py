"""Model calls written into a store, as a gateway's ledger does."""

from __future__ import annotations

from pithy_local.store import Store
from pithy_local.store.calls import CallRecord, Calls, Reservation
from pithy_local.store.lease import Lease


def spend(
    store: Store, lease: Lease, input_tokens: int, output_tokens: int, *, model: str = "gpt-4o",
    cost_usd: float | None = None, seconds: float = 1.0,
) -> None:  # fmt: skip
    """One settled call of the lease's attempt."""
    calls = Calls(store, lease.n, lease.task.attempts)
    asked = Reservation(
        provider="openai", model=model, input_tokens=input_tokens, output_tokens=output_tokens, usd=cost_usd or 0.0
    )
    ticket = calls.reserve(asked, token_limit=1 << 60)
    assert isinstance(ticket, int)
    calls.settle(ticket, CallRecord(
        http_status=200, input_tokens=input_tokens, output_tokens=output_tokens, estimated=False, seconds=seconds,
        cost_usd=cost_usd, charged_usd=cost_usd or 0.0,
    ))  # fmt: skip
