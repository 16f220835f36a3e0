"""What holds the whole queue, or all tasks of one provider, back: a pause, a spent budget, a rate limit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from pithy_local.clock import day_bounds_ms, day_of
from pithy_local.store.database import Store


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
        row = self._store.queue.row("SELECT value FROM meta WHERE key = 'paused'")
        return Pause(**json.loads(row["value"])) if row else None

    def pause(self) -> None:
        """Claim nothing more until `resume`. What runs goes on."""
        self._write("paused", {"reason": "user", "at": self._store.clock.now_ms(), "until": None})

    def pause_for_budget(self) -> None:
        """Claim nothing more today; a pause of the user's stays one."""
        now = self._store.clock.now_ms()
        self._store.queue.write(
            "INSERT INTO meta(key, value) VALUES ('paused', ?) ON CONFLICT DO NOTHING",
            (json.dumps({"reason": "budget", "at": now, "until": day_bounds_ms(now)[1]}),),
        )

    def resume(self) -> None:
        """Go on."""
        self._store.queue.write("DELETE FROM meta WHERE key = 'paused'")

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
            "DELETE FROM meta WHERE key = 'paused' AND json_extract(value, '$.until') <= ?",
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
