"""Messages that are to be sent: the schema writes one whenever a task settles, here they are claimed and crossed off.

A message is for every target; a target is known by a key that says nothing about it. Of several processes one at a time
has a message's claim for a target, so a message is sent once. A process that dies between sending and saying so leaves
a claim that runs out, and then the message is sent again: at least once over a crash.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from pithy_local.models import Status
from pithy_local.store.database import Store
from pithy_local.text import for_storage

CLAIM_MS = 60_000
"""How long a process may take to send one message."""
FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 10_000, 3_600_000
"""Before a message that failed is tried again: doubled every time."""
GIVEN_UP_MS = 24 * 3_600_000
"""Older messages are not sent any more, whether they failed or nobody was there to send them."""
MAX_ERROR_BYTES = 1_000


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """The right to send one message to one target: `tries` is how often that was tried, this time included."""

    id: int
    target: str
    tries: int
    task: str
    attempt: int
    status: Status


_OPEN = "n.closed_at IS NULL AND n.at > :oldest AND n.status IN (SELECT value FROM json_each(:on))"

_DUE = f"""SELECT n.id FROM notification n LEFT JOIN sending s ON s.notification = n.id AND s.target = :target
WHERE {_OPEN} AND (s.target IS NULL OR (s.sent_at IS NULL AND s.claimed_until <= :now AND s.next_at <= :now))
ORDER BY n.id LIMIT 1"""

_CLAIM = f"""INSERT INTO sending(notification, target, tries, claimed_until)
SELECT id, :target, 1, :until FROM ({_DUE}) WHERE 1
ON CONFLICT DO UPDATE SET tries = tries + 1, claimed_until = excluded.claimed_until
RETURNING notification, tries"""

_DONE = f"""n.closed_at IS NULL AND (NOT ({_OPEN}) OR NOT EXISTS (
  SELECT 1 FROM json_each(:targets) t WHERE NOT EXISTS (
    SELECT 1 FROM sending WHERE notification = n.id AND target = t.value AND sent_at IS NOT NULL)))"""
"""Nothing more is to be done: every target has it, its status is not told, or it is too old."""


class Outbox:
    """`targets`: keys of everybody who is told. `on`: the statuses that are told."""

    def __init__(self, store: Store, targets: Collection[str], on: Collection[str]) -> None:
        self._store = store
        self._lists = {"targets": json.dumps(list(targets)), "on": json.dumps(list(on))}

    def is_empty(self) -> bool:
        """Whether no message is open: the common case, one look at an index."""
        return self._store.queue.row("SELECT 1 FROM notification WHERE closed_at IS NULL LIMIT 1") is None

    def close_done(self) -> None:
        """Cross off the messages of which nothing is left to do. What failed keeps its error."""
        params = self._params()
        if self._store.queue.row(f"SELECT 1 FROM notification n WHERE {_DONE} LIMIT 1", params):
            self._store.queue.write(f"UPDATE notification AS n SET closed_at = :now WHERE {_DONE}", params)

    def claim(self, target: str) -> Claimed | None:
        """The oldest message that is due for this target; None when there is none, or another process has it."""
        params = {**self._params(), "target": target}
        if self._store.queue.row(_DUE, params) is None:
            return None
        rows = self._store.queue.rows(_CLAIM, params)
        if not rows:
            return None
        message = self._store.queue.row(
            "SELECT t.id, n.attempt, n.status FROM notification n JOIN task t ON t.n = n.task WHERE n.id = ?",
            (rows[0]["notification"],),
        )
        if message is None:
            return None  # the task was removed in this moment, its messages with it
        return Claimed(
            id=rows[0]["notification"], target=target, tries=rows[0]["tries"], task=message["id"],
            attempt=message["attempt"], status=Status(message["status"]),
        )  # fmt: skip

    def sent(self, message: Claimed) -> None:
        """It has arrived, also where the claim has run out meanwhile: nobody need send it again."""
        self._store.queue.write(
            "UPDATE sending SET sent_at = ?, error = NULL WHERE notification = ? AND target = ? AND sent_at IS NULL",
            (self._store.clock.now_ms(), message.id, message.target),
        )

    def failed(self, message: Claimed, why: str) -> None:
        """It has not: try again later. Changes nothing where the claim has run out and another process has it."""
        pause = min(FIRST_PAUSE_MS << min(message.tries - 1, 20), LONGEST_PAUSE_MS)
        self._store.queue.write(
            """UPDATE sending SET claimed_until = 0, next_at = ?, error = ?
               WHERE notification = ? AND target = ? AND tries = ? AND sent_at IS NULL""",
            (self._store.clock.now_ms() + pause, for_storage(why, MAX_ERROR_BYTES),
             message.id, message.target, message.tries),
        )  # fmt: skip

    def _params(self) -> dict[str, object]:
        now = self._store.clock.now_ms()
        return {**self._lists, "now": now, "oldest": now - GIVEN_UP_MS, "until": now + CLAIM_MS}
