"""The ledger of model calls: what a call may take is reserved before it is made, and settled afterwards.

Nothing is free by accident: a call that was never settled, because its process died, is charged by its reservation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pithy_local.clock import day_bounds_ms
from pithy_local.store.database import Store
from pithy_local.store.holds import Holds

ABANDONED = 499
"""The status of a call whose process died (nginx's word for a client that left)."""


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """The most that a call can take: tokens, and what they cost in USD (an assumption where the price is unknown)."""

    provider: str
    model: str
    input_tokens: int
    output_tokens: int
    usd: float = 0.0


@dataclass(frozen=True, kw_only=True)
class CallRecord:
    """One settled model call. `seconds` is wall-clock; `cost_usd` None = price unknown, `charged_usd` what counts
    against the day's budget all the same."""

    http_status: int
    input_tokens: int
    output_tokens: int
    estimated: bool
    seconds: float
    cost_usd: float | None = None
    charged_usd: float = 0.0


class Calls:
    """The calls of one attempt; `task` is its row number."""

    def __init__(self, store: Store, task: int, attempt: int) -> None:
        self._store, self._task, self._attempt = store, task, attempt

    def reserve(
        self, wanted: Reservation, *, token_limit: int, usd_per_day: float = 0.0
    ) -> int | Literal["wait", "token_limit", "budget"]:
        """A ticket for one call, or why there is none.

        `token_limit`: of the task, over all attempts. `usd_per_day`: of the home, 0 = no limit; when it is spent the
        queue is paused in the same transaction. "wait": calls under way may still leave room. What is spent passes a
        limit by one call's reservation at most.
        """
        with self._store.queue.transaction():
            settled, under_way = self._tokens()
            if settled >= token_limit:
                return "token_limit"
            if settled + under_way >= token_limit:
                return "wait"
            if usd_per_day:
                verdict = self._judge_budget(usd_per_day)
                if verdict is not None:
                    return verdict
            [row] = self._store.queue.rows(
                """INSERT INTO call(task, attempt, at, provider, model, reserved_input, reserved_output, charged_usd)
                   VALUES (?,?,?,?,?,?,?,?) RETURNING id""",
                (self._task, self._attempt, self._store.clock.now_ms(), wanted.provider, wanted.model,
                 wanted.input_tokens, wanted.output_tokens, wanted.usd),
            )  # fmt: skip
            return int(row["id"])

    def settle(self, ticket: int, call: CallRecord) -> None:
        """What the call did take. Not fenced: tokens that were spent are counted whoever owns the task now."""
        self._store.queue.write(
            """UPDATE call SET http_status = ?, input_tokens = ?, output_tokens = ?, estimated = ?, settled_at = ?,
                 seconds = ?, cost_usd = ?, charged_usd = ? WHERE id = ? AND settled_at IS NULL""",
            (call.http_status, call.input_tokens, call.output_tokens, int(call.estimated),
             self._store.clock.now_ms(), call.seconds, call.cost_usd, call.charged_usd, ticket),
        )  # fmt: skip

    def abandon(self) -> None:
        """Charge calls of the attempt that nobody will settle any more by what was reserved: their process died, or
        could not write down how they ended."""
        self._store.queue.write(
            """UPDATE call SET http_status = ?, input_tokens = reserved_input, output_tokens = reserved_output,
                 estimated = 1, settled_at = ? WHERE task = ? AND attempt = ? AND settled_at IS NULL""",
            (ABANDONED, self._store.clock.now_ms(), self._task, self._attempt),
        )

    def tokens_used(self) -> int:
        """Of the task, over all attempts."""
        return self._tokens()[0]

    def _tokens(self) -> tuple[int, int]:
        """The task's settled tokens, and those that open calls may still take."""
        [row] = self._store.queue.rows(
            """SELECT coalesce(sum(input_tokens + output_tokens), 0) AS settled,
                 coalesce(sum(CASE WHEN settled_at IS NULL THEN reserved_input + reserved_output END), 0) AS under_way
               FROM call WHERE task = ?""",
            (self._task,),
        )
        return int(row["settled"]), int(row["under_way"])

    def _judge_budget(self, usd_per_day: float) -> Literal["wait", "budget"] | None:
        holds = Holds(self._store)
        allowed = usd_per_day * (1 + holds.budget_raised())
        spent, under_way = spent_today(self._store)
        if spent >= allowed:
            holds.pause_for_budget()
            return "budget"
        return "wait" if spent + under_way >= allowed else None


def spent_today(store: Store) -> tuple[float, float]:
    """USD since midnight: of settled calls, and what open ones may still cost."""
    midnight, _ = day_bounds_ms(store.clock.now_ms())
    [row] = store.queue.rows(
        """SELECT coalesce(sum(CASE WHEN settled_at IS NOT NULL THEN charged_usd END), 0) AS settled,
             coalesce(sum(CASE WHEN settled_at IS NULL THEN charged_usd END), 0) AS under_way
           FROM call WHERE at >= ?""",
        (midnight,),
    )
    return float(row["settled"]), float(row["under_way"])
