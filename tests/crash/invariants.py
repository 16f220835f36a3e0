"""What must hold after any number of deaths (RELIABILITY): each function returns what is broken, in words."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import docker

from pithy_local.models import Status
from pithy_local.text import LineAssembler, for_storage
from tests.crash import work
from tests.crash.trial import Trial
from tests.support import git


def broken(trial: Trial) -> list[str]:
    """Everything that is broken now: nothing runs, and whatever was queued has been worked."""
    return [
        *_statuses(trial), *_executions(trial), *_pull_requests(trial), *_logs(trial), *_leftovers(trial),
        *_integrity(trial),
    ]  # fmt: skip


def rows(file: Path, sql: str, *values: Any) -> list[sqlite3.Row]:
    """From a store, as any other process reads it."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        return db.execute(sql, values).fetchall()


def statuses(trial: Trial) -> Counter[str]:
    """How many tasks have each status, with the code of the error where there is one."""
    found = rows(_queue(trial), _TASKS)
    return Counter(row["status"] + (f" ({_code(row)})" if row["error"] else "") for row in found)


def all_completed(trial: Trial) -> None:
    """AssertionError, with what the processes said, unless every task has completed."""
    found = statuses(trial)
    assert found == {"completed": len(trial.tasks)}, f"{dict(found)}\n{trial.said[-5000:]}"


def unsettled(trial: Trial) -> list[str]:
    """The ids of the tasks that wait or run."""
    if not _queue(trial).exists():
        return []
    return [row["id"] for row in rows(_queue(trial), "SELECT id FROM task WHERE status IN ('queued', 'running')")]


def requeues(trial: Trial) -> int:
    """How often a running task went back to the queue."""
    sql = "SELECT 1 FROM event WHERE kind = 'status' AND body ->> 'from' = 'running' AND body ->> 'to' = 'queued'"
    return len(rows(_queue(trial), sql))


_TASKS = """SELECT t.n, t.id, t.status, t.attempt, t.owner, t.fence, t.branch, a.error, a.head_sha, a.pr_number
            FROM task t JOIN attempt a ON a.task = t.n AND a.number = t.attempt ORDER BY t.n"""


def _statuses(trial: Trial) -> Iterator[str]:
    """Every task is there, and settled."""
    found = rows(_queue(trial), _TASKS)
    if lost := set(trial.tasks) - {row["id"] for row in found}:
        yield f"lost: {sorted(lost)}"
    for row in found:
        if not Status(row["status"]).settled:
            yield f"{row['id']}: still {row['status']}"
        elif row["owner"] is not None:
            yield f"{row['id']}: settled, and has an owner"


def _executions(trial: Trial) -> Iterator[str]:
    """Each attempt did its work once, and what the store has of it is whole."""
    for row in rows(_queue(trial), _TASKS):
        for attempt in range(1, row["attempt"] + 1):
            done = work.executions(_stored(trial, row["n"], attempt)["out"])
            completed = row["status"] == Status.COMPLETED.value and attempt == row["attempt"]
            if len(done) > 1 or (completed and not done):
                yield f"{row['id']}: attempt {attempt} did its work {len(done)} times"
            if completed:
                yield from (f"{row['id']}: attempt {attempt}: {fault}" for faults in done.values() for fault in faults)


def _pull_requests(trial: Trial) -> Iterator[str]:
    """At most one for each branch; `completed` shows our commit in branch and pull request, and nothing else does."""
    found = Counter(pr.head for pr in trial.world.github.prs)
    heads = {pr.head: pr.head_sha for pr in trial.world.github.prs}
    yield from (f"{head}: {count} pull requests" for head, count in found.items() if count > 1)
    for row in rows(_queue(trial), _TASKS):
        if row["status"] != Status.COMPLETED.value:
            continue
        shown = (trial.world.branch(row["id"]), heads.get(row["branch"]))
        if shown != (row["head_sha"], row["head_sha"]):
            yield f"{row['id']}: completed with {row['head_sha']}, but branch and pull request show {shown}"
    if trial.world.github.violations:
        yield f"outside GitHub's contract: {trial.world.github.violations}"


def _logs(trial: Trial) -> Iterator[str]:
    """Numbers without a gap, and every line that the engine kept of a container, once and in order."""
    for row in rows(_queue(trial), _TASKS):
        numbers = [line["seq"] for line in _lines(trial, row["n"])]
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"{row['id']}: the log's numbers have gaps"
        for attempt in range(1, row["attempt"] + 1):
            stored = _stored(trial, row["n"], attempt)
            copies = trial.copies.of(row["id"], attempt)
            for stream in ("out", "err"):
                kept = [line for copy in copies for line in _as_stored(getattr(copy, stream))]
                if copies and kept != stored[stream]:
                    yield f"{row['id']}: attempt {attempt}: std{stream}: {_difference(kept, stored[stream])}"


def _leftovers(trial: Trial) -> Iterator[str]:
    """Nothing of an attempt outlives it: containers, volumes, networks, folders, processes, git's pins."""
    world = trial.world
    yield from (f"left: {name}" for name in world.leftovers())
    for mirror in (world.home / "mirrors").glob("*.git"):
        yield from (f"left: {ref}" for ref in git("for-each-ref", "refs/pithy", cwd=mirror).splitlines())
    if trial.proxy is None:
        return
    with closing(docker.from_env()) as client:
        label = {"label": f"pithy.instance={world.instance()}"}
        yield from (f"left: container {each.name}" for each in client.containers.list(all=True, filters=label))
        yield from (f"left: volume {each.name}" for each in client.volumes.list(filters=label))
        yield from (f"left: network {each.name}" for each in client.networks.list(filters=label))


def _integrity(trial: Trial) -> Iterator[str]:
    for file in (_queue(trial), trial.world.home / "logs.db"):
        for check in ("integrity_check", "foreign_key_check"):
            said = [tuple(row) for row in rows(file, f"PRAGMA {check}")]
            if said not in ([("ok",)], []):
                yield f"{file.name}: {check}: {said[:5]}"


def _queue(trial: Trial) -> Path:
    return trial.world.home / "queue.db"


def _code(row: sqlite3.Row) -> str:
    return str(json.loads(row["error"])["code"])


def _lines(trial: Trial, task: int) -> list[sqlite3.Row]:
    return rows(
        trial.world.home / "logs.db", "SELECT seq, attempt, stream, text FROM line WHERE task = ? ORDER BY seq", task
    )


def _stored(trial: Trial, task: int, attempt: int) -> dict[str, list[str]]:
    """The lines of an attempt by their stream."""
    found: dict[str, list[str]] = {"out": [], "err": [], "sys": []}
    for line in _lines(trial, task):
        if line["attempt"] == attempt:
            found[line["stream"]].append(line["text"])
    return found


def _as_stored(output: bytes) -> list[str]:
    assembler = LineAssembler()
    return [for_storage(line) for line in (*assembler.feed(output), *assembler.flush())]


def _difference(kept: list[str], stored: list[str]) -> str:
    at = next((n for n, (one, other) in enumerate(zip(kept, stored, strict=False)) if one != other), None)
    where = "the shorter one's end" if at is None else f"line {at + 1}: {kept[at][:60]!r}, stored {stored[at][:60]!r}"
    return f"{len(kept)} lines, stored {len(stored)}; they differ at {where}"
