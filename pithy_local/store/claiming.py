"""What may be claimed, in SQL. The claim and the questions about it are made of the same conditions.

However many tasks are parked or wait for others, a claim does not read them: they are in no index that it uses. It does
read past tasks that may not start now for another reason: a rate limit of their provider, a repository at its limit.
"""

from __future__ import annotations

import functools

from pithy_local.store.holds import BUDGETS, USERS

_ALLOWED = f"""executor IN (SELECT value FROM json_each(:executors))
  AND (NOT EXISTS (SELECT 1 FROM meta WHERE key = '{BUDGETS}')
      AND provider NOT IN (SELECT provider FROM gate WHERE until > :now)
    OR EXISTS (SELECT 1 FROM attempt a INDEXED BY attempt_redelivery
      WHERE a.task = task.n AND a.number = task.attempt AND a.redelivery = 1))"""
"""A spent budget and a rate limit stop every task that would ask a model."""
_READY = "status = 'queued' AND blocked = 0 AND not_before = 0"
_DUE = "status = 'queued' AND blocked = 0 AND not_before > 0 AND not_before <= :now"
_PAUSED = f"EXISTS (SELECT 1 FROM meta WHERE key = '{USERS}')"
"""A pause of the user's stops all but tasks that were named."""

_QUEUE = (
    f"FROM task INDEXED BY task_ready WHERE {_READY} AND {_ALLOWED}",
    f"FROM task INDEXED BY task_parked WHERE {_DUE} AND {_ALLOWED}",
)
_NAMED = (
    "FROM json_each(:ids) AS named CROSS JOIN task ON task.id = named.value "
    f"WHERE status = 'queued' AND blocked = 0 AND not_before <= :now AND {_ALLOWED}",
)
_AT_ONCE = (
    "FROM task INDEXED BY task_at_once "
    f"WHERE status = 'queued' AND at_once = 1 AND blocked = 0 AND not_before <= :now AND {_ALLOWED}",
)
"""Where claimable tasks are found: in the whole queue, among those that were named, among those that were told to begin
at once and were queued again since; the last two whether the user paused the queue or not."""

HOLDS_A_SLOT = """status = 'running' AND (owner IS NOT NULL
  OR phase IN ('starting', 'agent', 'collecting', 'verifying')
    AND executor IN (SELECT value FROM json_each(:executors))
    AND (:ids IS NULL OR id IN (SELECT value FROM json_each(:ids))))"""
"""A running task that counts against the home's concurrency: somebody works it, or its sandbox waits for this very
claimant to take it up. One that waits for an engine that is away, or was not named, must not stop all other work."""

_FREE = f"""(:per_repo = 0 OR repo NOT IN (SELECT repo FROM task INDEXED BY task_running
  WHERE {HOLDS_A_SLOT} GROUP BY repo HAVING count(*) >= :per_repo))"""

PARKED_DUE = """SELECT 1 FROM task INDEXED BY task_parked
WHERE status = 'queued' AND not_before > 0 AND not_before <= :now LIMIT 1"""
WAKE = """UPDATE task SET not_before = 0 WHERE n IN (SELECT n FROM task INDEXED BY task_parked
WHERE status = 'queued' AND not_before > 0 AND not_before <= :now)"""
"""Moves tasks whose time has come among those that a claim reads."""


@functools.cache
def count(*, named: bool) -> str:
    """How many tasks may be claimed, as an expression."""
    if named:
        return _count(_NAMED)
    return f"(CASE WHEN {_PAUSED} THEN {_count(_AT_ONCE)} ELSE {_count(_QUEUE)} END)"


@functools.cache
def any_of(*, named: bool) -> str:
    """Whether some task may be claimed, as an expression."""
    if named:
        return _any(_NAMED)
    return f"(CASE WHEN {_PAUSED} THEN {_any(_AT_ONCE)} ELSE {_any(_QUEUE)} END)"


@functools.cache
def rows(*, named: bool) -> str:
    """The row numbers of the tasks that may be claimed, as a subquery."""
    sources = _NAMED if named else (*_AT_ONCE, *(f"{source} AND NOT {_PAUSED}" for source in _QUEUE))
    return " UNION ".join(f"SELECT task.n {source}" for source in sources)


@functools.cache
def claim(*, named: bool) -> str:
    """The statement that takes the next task: one that was told to begin at once, then the highest priority, then the
    oldest."""
    # what does not depend on the task is asked outside, once: inside it would be asked of every task in the queue
    first = (
        _next(_NAMED)
        if named
        else f"coalesce({_next(_AT_ONCE)}, CASE WHEN {_PAUSED} THEN NULL ELSE {_next(_QUEUE)} END)"
    )
    return f"""UPDATE task SET status = 'running', phase = 'preparing', owner = :owner, fence = fence + 1,
  lease_until = :lease, updated_at = :now, started_at = coalesce(started_at, :now)
WHERE n = {first}
  AND (SELECT count(*) FROM task INDEXED BY task_running WHERE {HOLDS_A_SLOT}) < :concurrency
RETURNING id"""


def _count(sources: tuple[str, ...]) -> str:
    return "(" + " + ".join(f"(SELECT count(*) {source})" for source in sources) + ")"


def _any(sources: tuple[str, ...]) -> str:
    return "(" + " OR ".join(f"EXISTS (SELECT 1 {source})" for source in sources) + ")"


def _next(sources: tuple[str, ...]) -> str:
    """The first source's: parked tasks whose time has come were moved there."""
    return f"(SELECT task.n {sources[0]} AND {_FREE} ORDER BY priority DESC, task.n LIMIT 1)"
