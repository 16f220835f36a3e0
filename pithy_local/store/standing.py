"""How far an attempt has got, as its owners wrote it down: whoever adopts it goes on from there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pithy_local.store.database import Store

FULL = 4
"""What the death of an owner weighs: this, shared by all the tasks that it held, for any of them may have killed it."""
LEAST = 1
"""The same when it only waited for a sandbox, or held many."""
TOO_MANY = 3 * FULL
"""Deaths in a row, without the attempt getting any further, after which the task is not tried again."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One attempt's columns that only owners read.

    `reports`: number of the last report that was taken; `result`: the runner's last event, None before it; `leaked`:
    a secret was masked in an answer; `deadline`: ms since boot; `clone_url`: where the mirror was fetched from.
    """

    base_name: str | None = None
    clone_url: str | None = None
    reports: int = 0
    result: dict[str, Any] | None = None
    leaked: bool = False
    deadline: int | None = None

    @classmethod
    def read(cls, store: Store, task: int, attempt: int) -> Standing:
        """`task` is the row number."""
        row = store.queue.row(
            """SELECT base_name, clone_url, reports, result, leaked, deadline FROM attempt
               WHERE task = ? AND number = ?""",
            (task, attempt),
        )
        if row is None:
            return cls()
        return cls(
            base_name=row["base_name"], clone_url=row["clone_url"], reports=row["reports"],
            result=json.loads(row["result"]) if row["result"] else None, leaked=bool(row["leaked"]),
            deadline=row["deadline"],
        )  # fmt: skip
