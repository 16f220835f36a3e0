"""Requests of each kind, timed; and webhooks, signed as their senders do."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2

from benchmarks.http.server import SECRET, client, serving
from pithy_local.models import NewTask, Phase, Task
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.logs import Logs
from pithy_local.store.processes import Processes
from pithy_local.store.tasks import Tasks

WEBHOOK = "/api/webhook/github-actions"


@dataclass(frozen=True, kw_only=True)
class Timed:
    """Milliseconds an answer took; `statuses`: how many answers had which."""

    name: str
    p50: float
    p99: float
    statuses: dict[int, int]


@dataclass(frozen=True, kw_only=True)
class Webhooks:
    """Answered requests of one kind a second."""

    name: str
    per_second: float
    statuses: dict[int, int]


def paths(store: Store, task: str, *, times: int) -> Iterator[Timed]:
    """What people and scripts ask for, `times` each, over one connection."""
    last = max(0, Logs(store).last_seq(task) - 1000)
    asked = (
        "/healthz", "/api/task?limit=100", f"/api/task?limit=100&before={task}", f"/api/task/{task}",
        f"/api/task/{task}/logs", f"/api/task/{task}/logs?after={last}", f"/api/task/{task}/logs?limit=100",
        "/api/stats", "/metrics",
    )  # fmt: skip
    with serving(store) as url, client(url) as asking:
        for path in asked:
            yield _timed(asking, path, times)


def webhooks(store: Store, *, number: int) -> Iterator[Webhooks]:
    """Reports that settle a task, the same ones again, unsigned ones, and a burst over the limit."""
    reports = [_signed(_report(_waiting(store))) for _ in range(number)]
    unsigned = [(body, {**headers, "webhook-signature": "v1,AAAA"}) for body, headers in reports]
    with serving(store) as url, client(url) as asking:
        for name, sent in (("settles a task", reports), ("sent again", reports), ("wrong signature", unsigned)):
            yield _rate(asking, name, sent)
    with serving(store, rate_limit="1/hour") as url, client(url) as asking:
        yield _rate(asking, "over the limit", unsigned)


def _timed(asking: httpx2.Client, path: str, times: int) -> Timed:
    took, statuses = list[float](), dict[int, int]()
    for _ in range(times):
        begun = time.perf_counter()
        status = asking.get(path).status_code
        took.append((time.perf_counter() - begun) * 1000)
        statuses[status] = statuses.get(status, 0) + 1
    took.sort()
    return Timed(
        name=path, p50=took[len(took) // 2], p99=took[min(len(took) - 1, int(len(took) * 0.99))], statuses=statuses
    )


def _rate(asking: httpx2.Client, name: str, sent: list[tuple[bytes, dict[str, str]]]) -> Webhooks:
    statuses, begun = dict[int, int](), time.perf_counter()
    for body, headers in sent:
        status = asking.post(WEBHOOK, content=body, headers=headers).status_code
        statuses[status] = statuses.get(status, 0) + 1
    return Webhooks(name=name, per_second=len(sent) / (time.perf_counter() - begun), statuses=statuses)


def _waiting(store: Store) -> Task:
    """A task that runs at an executor outside."""
    tasks = Tasks(store)
    task = tasks.insert(
        NewTask(title="t", prompt="p", repo="a/b", executor="github-actions", provider="openai", model="m")
    )
    owner = Processes(store).register("benchmark")
    claimed = tasks.claim(owner, executors=["github-actions"], concurrency=1 << 30, ids=[task.id])
    assert claimed is not None
    lease = Lease(store, claimed, owner)
    lease.enter(Phase.AGENT)
    lease.hand_back()
    return task


def _report(task: Task) -> bytes:
    return json.dumps({"type": "task.failed", "taskId": task.id, "error": "no", "logs": "line\n" * 20}).encode()


def _signed(body: bytes) -> tuple[bytes, dict[str, str]]:
    at, webhook_id = str(int(time.time())), hashlib.sha256(body).hexdigest()[:20]
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(key, f"{webhook_id}.{at}.".encode() + body, "sha256")).decode()
    return body, {"webhook-id": webhook_id, "webhook-timestamp": at, "webhook-signature": f"v1,{signature}"}
