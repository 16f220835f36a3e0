"""What the owner of a running task may write.

Every write is fenced: it says `WHERE owner AND fence`, and 0 rows changed means that somebody else owns the
task now. Then LeaseLost is raised and nothing was written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from pithy_local.clock import Clock
from pithy_local.errors import Cancelled, LeaseLost
from pithy_local.models import Patch, Phase, Status, Task, TaskError, Verified
from pithy_local.store.calls import Calls
from pithy_local.store.database import Store
from pithy_local.store.standing import Standing


class Lease:
    """The right to write about one running task."""

    def __init__(self, store: Store, task: Task, owner: str, fence: int | None = None) -> None:
        self._store = store
        self.task = task
        self.owner = owner
        self.fence = task.fence if fence is None else fence
        row = store.queue.row("SELECT n FROM task WHERE id = ?", (task.id,))
        self.n = int(row["n"]) if row else 0

    def check(self) -> None:
        """Raises LeaseLost, or Cancelled when the user asked for it. A read: cheap."""
        row = self._store.queue.row(
            "SELECT cancel_requested FROM task WHERE n = ? AND owner = ? AND fence = ?",
            (self.n, self.owner, self.fence),
        )
        if row is None:
            raise LeaseLost(self.task.id)
        if row["cancel_requested"]:
            raise Cancelled(self.task.id)

    def enter(self, phase: Phase) -> None:
        """Record where the attempt is."""
        self._update_task("phase = :phase", phase=phase.value)

    @property
    def clock(self) -> Clock:
        """Whose milliseconds since boot the lease and the attempt's deadline count."""
        return self._store.clock

    @property
    def standing(self) -> Standing:
        """How far the attempt has got."""
        return Standing.read(self._store, self.n, self.task.attempts)

    def begin_attempt(self) -> None:
        """From its first step: what an earlier sandbox of the attempt told, before it was queued again, is void."""
        self._update_attempt(started_at=self._store.clock.now_ms(), reports=0, result=None, leaked=0, deadline=None)

    def record_container(self, name: str) -> None:
        """What the executor calls the sandbox, for whoever looks into it."""
        self._update_attempt(container=name)

    def pin_base(self, name: str, sha: str, clone_url: str | None = None) -> None:
        """The branch and the commit that this attempt builds on, and where they were fetched from."""
        self._update_attempt(base_name=name, base_sha=sha, clone_url=clone_url)

    def record_patch(self, patch: Patch) -> None:
        self._update_attempt(
            patch_path=patch.path, patch_bytes=patch.bytes, patch_files=patch.files, patch_added=patch.added,
            patch_removed=patch.removed, patch_mended=patch.mended,
        )  # fmt: skip

    def record_commit(self, sha: str) -> None:
        """Write-once: what will be pushed, durable before the push."""
        self._update_attempt(head_sha=sha)

    def record_pr(self, number: int, url: str) -> None:
        self._update_attempt(pr_number=number, pr_url=url)

    def record_verify(self, verified: Sequence[Verified]) -> None:
        """How the verify commands ended, so far."""
        self._update_attempt(verify=json.dumps([asdict(each) for each in verified]))

    def record_step(self, text: str, *, report: int | None = None) -> None:
        """What the sandbox says it is doing now: a hint for people, kept in the history.

        `report`: the number of the report that said so, taken with it.
        """
        self._record("step", {"text": text}, report)

    def record_answer(self, round_: int, verdict: str, *, report: int | None = None) -> None:
        """What became of the model's answer in one round (from 1): `applied`, or why not. `report`: as above."""
        self._record("answer", {"round": round_, "verdict": verdict}, report)

    def record_report(self, number: int, result: Mapping[str, Any] | None = None) -> None:
        """A report was taken: nobody needs it again. `result`: the runner's last one."""
        self._update_attempt(reports=number, **({} if result is None else {"result": json.dumps(result)}))

    def record_leak(self) -> None:
        """An answer of the model's held a secret of this host, which was masked."""
        self._update_attempt(leaked=1)

    def record_deadline(self, at_ms: int) -> None:
        """When the agent's time is over, in milliseconds since boot."""
        self._update_attempt(deadline=at_ms)

    def _record(self, kind: str, body: Mapping[str, Any], report: int | None) -> None:
        with self._fenced():
            self._store.queue.write(
                "INSERT INTO event(task, attempt, at, kind, body) VALUES (?,?,?,?,?)",
                (self.n, self.task.attempts, self._store.clock.now_ms(), kind, json.dumps(body)),
            )
            if report is not None:
                self._write_attempt(reports=report)

    def intend(self, effect: str, key: str) -> None:
        """Commit that an outside effect is about to be tried (`create`, `start`, `push`, `pr`, `remove`)."""
        with self._fenced():
            self._store.queue.write(
                """INSERT INTO effect(task, attempt, kind, key, fence, intended_at) VALUES (?,?,?,?,?,?)
                   ON CONFLICT DO UPDATE SET tries = tries + 1, fence = excluded.fence""",
                (self.n, self.task.attempts, effect, key, self.fence, self._store.clock.now_ms()),
            )

    def done(self, effect: str, key: str, result: str = "") -> None:
        """Commit that it has happened. The first time counts: a delivery that goes on does some things again."""
        with self._fenced():
            self._store.queue.write(
                """UPDATE effect SET done_at = ?, result = ?
                   WHERE task = ? AND attempt = ? AND kind = ? AND key = ? AND done_at IS NULL""",
                (self._store.clock.now_ms(), result, self.n, self.task.attempts, effect, key),
            )

    def commits(self) -> list[str]:
        """Every commit that an attempt of this task was about to push, this one included.

        They are the lease of the next push: a branch that stands elsewhere was written by somebody else.
        """
        rows = self._store.queue.rows(
            "SELECT head_sha FROM attempt WHERE task = ? AND head_sha IS NOT NULL ORDER BY number", (self.n,)
        )
        return [str(row["head_sha"]) for row in rows]

    def settle(self, status: Status, error: TaskError | None = None, *, question: str | None = None) -> None:
        """End the attempt and the task in one transaction; the lease ends with it, and so do its open model calls.

        `question`: what the model wants to know, with `needs_clarification`.
        """
        with self._fenced():
            self._write_attempt(error=json.dumps(error.to_json()) if error else None, question=question)
            self._calls.abandon()
            self._update_task(
                "status = :status, phase = NULL, owner = NULL, lease_until = NULL, finished_at = :now",
                status=status.value,
            )

    def hand_back(self) -> None:
        """Leave it, in its phase, to whoever claims it next."""
        self._update_task("owner = NULL, lease_until = NULL")

    def record_crash(self, weight: int) -> int:
        """An owner died: the weight of all that died in a row without the attempt getting further, this one included.

        Further is another phase, another report, another effect, a diff, a commit.
        """
        with self._fenced():
            [row] = self._store.queue.rows(
                """WITH now(progress) AS (
                     SELECT t.phase || ' ' || a.reports || ' ' || (SELECT count(*) + count(done_at) FROM effect e
                       WHERE e.task = a.task AND e.attempt = a.number)
                       || ' ' || (a.patch_path IS NOT NULL) || (a.head_sha IS NOT NULL) || (a.pr_number IS NOT NULL)
                     FROM task t JOIN attempt a ON a.task = t.n AND a.number = t.attempt WHERE t.n = :n)
                   UPDATE attempt SET progress = (SELECT progress FROM now),
                     crashes = :weight + CASE WHEN progress IS (SELECT progress FROM now) THEN crashes ELSE 0 END
                   WHERE task = :n AND number = :number RETURNING crashes""",
                {"n": self.n, "number": self.task.attempts, "weight": weight},
            )
        return int(row["crashes"])

    def requeue(self, *, not_before: int = 0) -> None:
        """Back to the queue, the same attempt, which is not charged. `not_before`: ms since 1970, 0 = at once.

        Raises Cancelled when the user asked for it: nobody would see that before the task is claimed again.
        """
        with self._fenced():
            self.check()
            self._calls.abandon()
            self._update_task(
                "status = 'queued', phase = NULL, owner = NULL, lease_until = NULL, not_before = :not_before",
                not_before=not_before,
            )

    @property
    def _calls(self) -> Calls:
        return Calls(self._store, self.n, self.task.attempts)

    def _update_task(self, changes: str, **values: Any) -> None:
        changed = self._store.queue.write(
            f"UPDATE task SET {changes}, updated_at = :now WHERE n = :n AND owner = :owner AND fence = :fence",
            {**values, "now": self._store.clock.now_ms(), "n": self.n, "owner": self.owner, "fence": self.fence},
        )
        if changed != 1:
            raise LeaseLost(self.task.id)

    def _update_attempt(self, **values: Any) -> None:
        with self._fenced():
            self._write_attempt(**values)

    def _write_attempt(self, **values: Any) -> None:
        columns = ", ".join(f"{name} = :{name}" for name in values)
        self._store.queue.write(
            f"UPDATE attempt SET {columns} WHERE task = :n AND number = :number",
            {**values, "n": self.n, "number": self.task.attempts},
        )

    @contextmanager
    def _fenced(self) -> Iterator[None]:
        with self._store.queue.transaction():
            held = self._store.queue.row(
                "SELECT 1 FROM task WHERE n = ? AND owner = ? AND fence = ?", (self.n, self.owner, self.fence)
            )
            if held is None:
                raise LeaseLost(self.task.id)
            yield
