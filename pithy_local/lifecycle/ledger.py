"""The gateway's ledger: what a call may take, priced and written down in the home's store."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal

from pithy_local.config import ModelSettings, Settings
from pithy_local.door.ledger import Ask, Call
from pithy_local.models import Task
from pithy_local.pricing import Prices
from pithy_local.store.calls import CallRecord, Calls, Reservation
from pithy_local.text import clip

MOST_DESCRIPTION = 500
"""Characters of the task's text in a warning."""


class StoreLedger:
    """Implements `door.ledger.Ledger` for one attempt. `calls` are the attempt's; `say` writes to the task's log."""

    def __init__(self, settings: Settings, task: Task, calls: Calls, say: Callable[[str], None]) -> None:
        self._task, self._calls, self._say = task, calls, say
        self._prices = Prices(settings.prices, base_urls(settings.model))
        self._limit = task.max_tokens or settings.model.max_tokens_per_task
        self._warn_at = settings.model.warn_tokens_per_task
        self._usd_per_day = settings.budget.usd_per_day
        self._warned = False
        self._lock = threading.Lock()

    def reserve(self, ask: Ask) -> int | Literal["wait", "token_limit", "budget"]:
        """See `door.ledger.Ledger`. A spent budget also pauses the queue. Raises PithyError (store, disk_full)."""
        usd = self._prices.charge(
            ask.provider, ask.model, input_tokens=ask.input_tokens, output_tokens=ask.output_tokens,
            cache_write=ask.input_tokens,  # the dearest way to be read
        )  # fmt: skip
        wanted = Reservation(
            provider=ask.provider, model=ask.model, input_tokens=ask.input_tokens, output_tokens=ask.output_tokens,
            usd=usd,
        )  # fmt: skip
        return self._calls.reserve(wanted, token_limit=self._limit, usd_per_day=self._usd_per_day)

    def settle(self, ticket: int, call: Call) -> None:
        """See `door.ledger.Ledger`. Says in the log what the call took."""
        tokens = {
            "input_tokens": call.input_tokens, "output_tokens": call.output_tokens,
            "cache_read": call.cache_read, "cache_write": call.cache_write,
        }  # fmt: skip
        self._calls.settle(ticket, CallRecord(
            http_status=call.status, input_tokens=call.input_tokens, output_tokens=call.output_tokens,
            estimated=call.estimated, seconds=call.seconds,
            cost_usd=self._prices.cost(call.provider, call.model, **tokens),
            charged_usd=self._prices.charge(call.provider, call.model, **tokens),
        ))  # fmt: skip
        self._narrate(call)

    def _narrate(self, call: Call) -> None:
        mark = " (estimated)" if call.estimated else ""
        self._say(
            f"model call: {call.provider} {call.model}, {call.input_tokens} tokens in, {call.output_tokens} out{mark}, "
            f"{call.seconds:.1f} s" + ("" if call.status < 400 else f", HTTP {call.status}")
        )
        used = self._calls.tokens_used()
        with self._lock:
            warned, self._warned = self._warned, self._warned or used >= self._warn_at
        if used >= self._warn_at and not warned:
            description = clip(" ".join(self._task.prompt.split()), MOST_DESCRIPTION)
            self._say(f"warning: {used:,} tokens used by this task so far: {description}")


def base_urls(model: ModelSettings) -> dict[str, str]:
    """Where each provider's models are asked, as configured: "" = at the provider's own address."""
    return {"openai": model.openai.base_url, "anthropic": model.anthropic.base_url}
