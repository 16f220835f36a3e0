"""What holds the whole queue, or all tasks of one provider, back: a pause, a spent budget, a rate limit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from pithy_local.clock import day_bounds_ms, day_of
from pithy_local.store.database import Store

USERS, BUDGETS = "paused", "budget_spent"
"""Where `meta` keeps the two kinds of pause: each begins and ends without the other."""


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Why nothing is claimed. `at`, `until`: milliseconds since 1970; `until` None = until somebody resumes."""

    reason: Literal["user", "budget"]
    at: int
    until: int | None = None


class Holds:
    """Kept in the home: all its processes keep to them, also after a restart."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def paused(self) -> Pause | None:
        """What holds the queue; the budget's pause, which holds named tasks too, before the user's."""
        rows = self._store.queue.rows(f"SELECT value FROM meta WHERE key IN ('{USERS}', '{BUDGETS}') ORDER BY key")
        pauses = [Pause(**json.loads(row["value"])) for row in rows]
        now = self._store.clock.now_ms()
        return next((pause for pause in pauses if pause.until is None or pause.until > now), None)

    def pause(self) -> None:
        """Claim nothing more until `resume`. What runs goes on."""
        self._write(USERS, {"reason": "user", "at": self._store.clock.now_ms(), "until": None})

    def pause_for_budget(self) -> None:
        """Claim nothing more today, whatever is named; a pause of the user's goes on after that."""
        now = self._store.clock.now_ms()
        self._write(BUDGETS, {"reason": "budget", "at": now, "until": day_bounds_ms(now)[1]})

    def resume(self) -> None:
        """Go on."""
        self._store.queue.write(f"DELETE FROM meta WHERE key IN ('{USERS}', '{BUDGETS}')")

    def raise_budget(self) -> None:
        """Allow the day's budget once more, today alone."""
        today = day_of(self._store.clock.now_ms())
        with self._store.queue.transaction():
            self._write("budget", {"day": today, "raised": self.budget_raised() + 1})

    def budget_raised(self) -> int:
        """How many times the budget was allowed once more today."""
        row = self._store.queue.row("SELECT value FROM meta WHERE key = 'budget'")
        kept = json.loads(row["value"]) if row else {}
        return int(kept["raised"]) if kept.get("day") == day_of(self._store.clock.now_ms()) else 0

    def lift(self) -> None:
        """End a pause whose time has come."""
        self._store.queue.write(
            f"DELETE FROM meta WHERE key = '{BUDGETS}' AND json_extract(value, '$.until') <= ?",
            (self._store.clock.now_ms(),),
        )

    def close_gate(self, provider: str, until: int) -> None:
        """Nobody asks this provider before `until` (ms since 1970); an earlier moment changes nothing."""
        self._store.queue.write(
            """INSERT INTO gate(provider, until) VALUES (?, ?)
               ON CONFLICT DO UPDATE SET until = max(until, excluded.until)""",
            (provider, until),
        )

    def closed_until(self, provider: str) -> int:
        """When the provider's gate opens, ms since 1970; 0 = it is open."""
        row = self._store.queue.row("SELECT until FROM gate WHERE provider = ?", (provider,))
        return int(row["until"]) if row and row["until"] > self._store.clock.now_ms() else 0

    def _write(self, key: str, value: object) -> None:
        self._store.queue.write("INSERT OR REPLACE INTO meta(key, value) VALUES (?, ?)", (key, json.dumps(value)))
