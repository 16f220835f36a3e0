"""Numbers for monitoring: cheap enough to be asked every few seconds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pithy_local.models import Status
from pithy_local.store.database import Store
from pithy_local.store.tasks import Tasks
from pithy_local.store.webhooks import Webhooks


@dataclass(frozen=True, kw_only=True)
class Gauges:
    """As of now, over all processes of the home. `log_lines`: ever written to the logs that are kept.

    `db_bytes`: of each database with what is yet to be moved into its file, by name.
    """

    tasks: dict[Status, int]
    attempts: dict[str, int]
    input_tokens: int
    output_tokens: int
    cost_known_usd: float
    unpriced_calls: int
    log_lines: int
    webhooks_taken: int
    webhooks_refused: dict[str, int]
    db_bytes: dict[str, int]


def gauges(store: Store) -> Gauges:
    """Read them all; raises PithyError(store)."""
    outcomes = store.queue.rows(
        "SELECT outcome, count(*) AS number FROM attempt WHERE outcome NOTNULL GROUP BY outcome"
    )
    [spent] = store.queue.rows(
        """SELECT total(input_tokens) AS input, total(output_tokens) AS output, total(cost_usd) AS cost,
             count(*) - count(cost_usd) AS unpriced FROM call WHERE settled_at IS NOT NULL"""
    )
    [lines] = store.logs.rows("SELECT total(seq) AS number FROM cursor")
    webhooks = Webhooks(store)
    return Gauges(
        tasks=dict.fromkeys(Status, 0) | Tasks(store).counts(),
        attempts={row["outcome"]: row["number"] for row in outcomes},
        input_tokens=int(spent["input"]), output_tokens=int(spent["output"]),
        cost_known_usd=spent["cost"], unpriced_calls=spent["unpriced"], log_lines=int(lines["number"]),
        webhooks_taken=webhooks.taken(), webhooks_refused=webhooks.refused(),
        db_bytes={path.stem: _size(path) for path in (store.home.queue_db, store.home.logs_db)},
    )  # fmt: skip


def _size(path: Path) -> int:
    """Asked of the file system alone: opening and closing a live database would drop SQLite's locks."""
    found = 0
    for file in (path, path.with_name(path.name + "-wal")):
        try:
            found += file.stat().st_size
        except FileNotFoundError:
            pass  # no write-ahead log yet
    return found
