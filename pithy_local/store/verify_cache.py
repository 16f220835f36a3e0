"""How verify commands ended on base commits: run once for each commit, sandbox image and command."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pithy_local.store.database import Store

KEPT_MS = 30 * 86_400_000
"""How long a result is believed: what a command depends on outside of the repository changes, too."""


@dataclass(frozen=True, kw_only=True)
class BaseResult:
    """One command on one base commit: exit code, seconds, the end of its output."""

    command: str
    exit_code: int
    seconds: float
    output: str


class VerifyCache:
    """`environment` is what a result depends on besides commit and command: the sandbox image."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, base_sha: str, environment: str, commands: Sequence[str]) -> dict[str, BaseResult]:
        """What is known, by command."""
        rows = self._store.queue.rows(
            "SELECT command, exit_code, seconds, output FROM verify_base WHERE base_sha = ? AND environment = ? "
            "AND at > ?",
            (base_sha, environment, self._store.clock.now_ms() - KEPT_MS),
        )
        return {row["command"]: BaseResult(**dict(row)) for row in rows if row["command"] in commands}

    def keep(self, base_sha: str, environment: str, results: Iterable[BaseResult]) -> None:
        """Keep results, and forget those that are too old to be believed."""
        queue, now = self._store.queue, self._store.clock.now_ms()
        with queue.transaction():
            queue.write("DELETE FROM verify_base WHERE at <= ?", (now - KEPT_MS,))
            for result in results:
                queue.write(
                    "INSERT OR REPLACE INTO verify_base VALUES (?,?,?,?,?,?,?)",
                    (base_sha, environment, result.command, result.exit_code, result.seconds, result.output, now),
                )
