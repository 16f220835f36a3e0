"""Log pages, live streams with resume, downloads, and the stream of all changes; docs/api.md."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import httpx2
import pytest

from pithy_local import service
from pithy_local.http.chunks import KEPT_BYTES, Chunks
from pithy_local.http.limits import Patience
from pithy_local.http.pool import QUICK, Pool
from pithy_local.models import Phase, Status, TaskError
from pithy_local.store.lease import Lease
from pithy_local.store.log_removal import LogRemoval
from tests.http.served import Event, Served, Writer, error_of, events, serving
from tests.seeding import claim, settle
from tests.support import wait_until

SSE = {"accept": "text/event-stream"}
FAILED = TaskError(code="oom", message="too much", hint="")


@contextmanager
def stream(served: Served, path: str, *, last: int | None = None) -> Iterator[Iterator[Event]]:
    headers = SSE if last is None else {**SSE, "last-event-id": str(last)}
    with served.client() as client, client.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield events(response)


def running(served: Served, lines: int = 0) -> tuple[Lease, Writer]:
    """A task at work, with some lines."""
    lease = claim(served.store, served.enqueue())
    writer = Writer(served.store, lease)
    if lines:
        writer.write(*(f"line {number}" for number in range(1, lines + 1)))
    return lease, writer


def seqs(found: Iterator[Event]) -> list[int]:
    """The numbers of a stream's lines to its end; each is its event's id."""
    numbers = []
    for event in found:
        if event.event == "message":
            numbers.append(json.loads(event.data)["seq"])
            assert event.id == str(numbers[-1])
    return numbers


def test_a_page_of_lines(served: Served) -> None:
    lease, _ = running(served, lines=5)

    page = served.get(f"/api/task/{lease.task.id}/logs", params={"after": 1, "limit": 2}).json()

    assert page["lines"] == [line.to_json() for line in service.log_page(served.app, lease.task.id, after=1, limit=2)]
    assert [line["seq"] for line in page["lines"]] == [2, 3]
    assert (page["next"], page["more"], page["first"], page["last"], page["truncated"]) == (3, True, 1, 5, False)


def test_pages_have_a_thousand_lines_at_most_and_less_of_long_ones(served: Served) -> None:
    short, _ = running(served, lines=1500)
    long_, writer = running(served)
    writer.write(*["x" * 60_000] * 100)

    pages = [served.get(f"/api/task/{lease.task.id}/logs").json() for lease in (short, long_)]

    assert len(pages[0]["lines"]) == 1000
    assert 10 < len(pages[1]["lines"]) < 80
    assert all(page["more"] for page in pages)


def test_an_empty_log_is_an_empty_page(served: Served) -> None:
    page = served.get(f"/api/task/{served.enqueue().id}/logs").json()

    assert (page["lines"], page["next"], page["more"]) == ([], 0, False)


@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=0", "limit=1001", f"after={1 << 63}"])
def test_a_page_that_cannot_be_is_422(served: Served, query: str) -> None:
    assert served.get(f"/api/task/{served.enqueue().id}/logs?{query}").status_code == 422


def test_a_last_event_id_that_is_none_is_422(served: Served) -> None:
    path = f"/api/task/{served.enqueue().id}/logs"

    assert served.get(path, headers={**SSE, "last-event-id": "x"}).status_code == 422
    assert served.get("/api/events", headers={"last-event-id": "x"}).status_code == 422


def test_a_stream_has_every_line_and_ends_after_the_settled_status(served: Served) -> None:
    lease, writer = running(served, lines=3)

    with stream(served, f"/api/task/{lease.task.id}/logs") as found:
        begun = list(islice(found, 4))
        writer.write("live")
        live = next(found)
        lease.enter(Phase.COLLECTING)
        phase = next(found)
        writer.write("last words")
        lease.settle(Status.FAILED, FAILED)
        rest = list(found)

    assert [event.id for event in begun] == ["1", "2", "3", None]
    assert (begun[3].event, json.loads(begun[3].data)["status"]) == ("status", "running")
    assert (live.id, json.loads(live.data)["text"]) == ("4", "live")
    assert (phase.event, json.loads(phase.data)["phase"]) == ("phase", "collecting")
    assert [event.id for event in rest] == ["5", None]
    assert rest[-1].event == "status"
    assert json.loads(rest[-1].data) == service.find(served.app, lease.task.id).to_json()


def test_a_stream_of_a_settled_task_gives_all_and_ends(served: Served) -> None:
    task = settle(served.store, served.enqueue(), Status.COMPLETED, log=["a", "b"])

    with stream(served, f"/api/task/{task.id}/logs") as found:
        assert [event.event for event in found] == ["message", "message", "status"]


def test_a_stream_of_a_queued_task_waits_for_it(served: Served) -> None:
    task = served.enqueue()

    with stream(served, f"/api/task/{task.id}/logs") as found:
        queued = next(found)
        service.cancel(served.app, task.id)
        ended = list(found)

    assert json.loads(queued.data)["status"] == "queued"
    assert [json.loads(event.data)["status"] for event in ended] == ["cancelled"]


def test_a_hundred_reconnects_give_each_line_once(served: Served) -> None:
    lease, writer = running(served)
    path, seen, last = f"/api/task/{lease.task.id}/logs", [], 0
    done = threading.Event()

    def write() -> None:
        for number in range(1000):
            writer.write(f"line {number}")
        lease.settle(Status.FAILED, FAILED)
        done.set()
        served.store.close_thread()

    thread = threading.Thread(target=write)
    thread.start()
    with served.client() as client:
        for _ in range(100):
            with client.stream("GET", path, headers={**SSE, "last-event-id": str(last)}) as response:
                for event in islice((event for event in events(response) if event.id), 5):
                    last = int(event.id or 0)
                    seen.append(last)
    with stream(served, path, last=last) as found:
        seen += seqs(found)
    thread.join()

    assert seen == list(range(1, 1001))


def test_the_first_status_is_the_task_as_it_is_now(served: Served) -> None:
    lease, _ = running(served)
    path = f"/api/task/{lease.task.id}/logs"

    with stream(served, path) as found:
        assert json.loads(next(found).data)["model"] == "gpt-4o"
    served.store.queue.write("UPDATE task SET model = 'another' WHERE n = ?", (lease.n,))
    with stream(served, path) as found:
        assert json.loads(next(found).data)["model"] == "another"


def test_after_starts_a_stream_and_the_last_event_id_goes_before_it(served: Served) -> None:
    task = settle(served.store, served.enqueue(), Status.COMPLETED, log=[f"{n}" for n in range(9)])
    path = f"/api/task/{task.id}/logs?after=4"

    with stream(served, path) as found:
        assert seqs(found) == [5, 6, 7, 8, 9]
    with stream(served, path, last=7) as found:
        assert seqs(found) == [8, 9]


def test_a_hundred_clients_on_one_task_get_the_same(served: Served) -> None:
    lease, writer = running(served, lines=10)
    path = f"/api/task/{lease.task.id}/logs"
    begun = threading.Barrier(101)

    def follow(_: int) -> list[int]:
        with stream(served, path) as found:
            first = next(found)
            begun.wait(60)
            return [int(first.id or 0), *seqs(found)]

    with ThreadPoolExecutor(100) as threads:
        clients = [threads.submit(follow, number) for number in range(100)]
        begun.wait(60)
        for number in range(20):
            writer.write(*(f"{number}.{part}" for part in range(5)))
        lease.settle(Status.FAILED, FAILED)
        got = [client.result(60) for client in clients]

    assert got == [list(range(1, 111))] * 100


def test_a_client_that_reads_nothing_slows_nobody(served: Served) -> None:
    lease, writer = running(served)
    path = f"/api/task/{lease.task.id}/logs"
    with stream(served, path) as slow, stream(served, path) as quick:
        next(slow)
        for _ in range(20):
            writer.write(*["x" * 10_000] * 100)  # 20 MB: more than any buffer on the way
        lease.settle(Status.FAILED, FAILED)

        assert seqs(quick) == list(range(1, 2001))
        assert served.get("/healthz").status_code == 200
        assert seqs(slow) == list(range(1, 2001))


def test_a_silent_stream_has_a_heartbeat(tmp_path: Path) -> None:
    with (
        serving(tmp_path, patience=Patience(heartbeat=0.05)) as served,
        served.client() as client,
        client.stream("GET", f"/api/task/{served.enqueue().id}/logs", headers=SSE) as response,
    ):
        comments = list(islice((line for line in response.iter_lines() if line.startswith(":")), 2))

    assert len(comments) == 2


def test_a_stream_ends_when_its_task_is_removed(served: Served) -> None:
    task = settle(served.store, served.enqueue(), Status.FAILED)
    again = service.retry(served.app, task.id)

    with stream(served, f"/api/task/{again.id}/logs") as found:
        next(found)
        service.cancel(served.app, task.id)
        service.remove(served.app, task.id)
        left = list(found)

    assert [event.event for event in left] in ([], ["status"])


def test_a_client_that_leaves_is_forgotten(served: Served) -> None:
    lease, _ = running(served, lines=1)
    path = f"/api/task/{lease.task.id}/logs"
    with stream(served, path) as one, stream(served, "/api/events", last=0) as other:
        next(one), next(other)
        assert "pithy_streams 2\n" in served.get("/metrics").text

    wait_until(lambda: "pithy_streams 0\n" in served.get("/metrics").text)


def test_the_stream_of_changes_tells_of_every_task(served: Served) -> None:
    before = served.enqueue()
    with stream(served, "/api/events") as found:
        one = served.enqueue()
        first = next(found)
        lease = claim(served.store, one)
        statuses = [next(found), next(found), next(found)]
        lease.settle(Status.FAILED, FAILED)
        ended = next(found)

    assert (first.event, json.loads(first.data)["id"]) == ("status", one.id)
    assert [event.event for event in statuses] == ["status", "phase", "phase"]
    assert (ended.event, json.loads(ended.data)["status"]) == ("status", "failed")
    assert before.id not in {json.loads(event.data)["id"] for event in (first, *statuses, ended)}


def test_the_stream_of_changes_goes_on_after_the_last_event(served: Served) -> None:
    ids = [served.enqueue().id for _ in range(3)]
    with stream(served, "/api/events", last=0) as found:
        all_ = list(islice(found, 3))
    with stream(served, "/api/events", last=int(all_[0].id or 0)) as found:
        rest = list(islice(found, 2))

    assert [json.loads(event.data)["id"] for event in all_] == ids
    assert rest == all_[1:]


def test_an_event_id_of_a_home_that_was_restored_since_misses_nothing_new(served: Served) -> None:
    with stream(served, "/api/events", last=1_000_000) as found:
        task = served.enqueue()

        assert json.loads(next(found).data)["id"] == task.id


async def test_pages_of_changes_are_short_where_prompts_are_long(served: Served) -> None:
    for _ in range(5):
        served.enqueue(prompt="x" * 200_000)
    pool = Pool()
    chunks, after, sizes = Chunks(served.app, pool), 0, list[int]()
    while (chunk := await chunks.changes(after)).data:
        after = chunk.last
        sizes.append(len(chunk.data))
    pool.close()

    assert sum(sizes) > 1_000_000
    assert max(sizes) < 500_000


def test_the_log_as_text_is_safe_for_a_terminal(served: Served) -> None:
    lease, writer = running(served)
    writer.write("plain", "\x1b]0;owned\x07red\x1b[31m", "10%\r20%")

    answer = served.get(f"/api/task/{lease.task.id}/logs.txt")

    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{lease.task.id}.log"'
    assert [line.split(" ", 2)[1:] for line in answer.text.splitlines()] == [
        ["out", "plain"], ["out", "red"], ["out", "20%"],
    ]  # fmt: skip


def test_the_diff_is_downloaded_byte_for_byte(served: Served) -> None:
    patch = b"diff --git a/x b/x\n" + bytes(range(256)) * 1000
    task = settle(served.store, served.enqueue(), Status.COMPLETED, diff=patch)

    answer = served.get(f"/api/task/{task.id}/diff")

    assert answer.content == patch
    assert answer.headers["content-type"].startswith("text/x-diff")
    assert served.get(f"/api/task/{task.id}/diff?attempt=1").content == patch
    assert served.get(f"/api/task/{task.id}/diff?attempt=2").status_code == 422


def test_a_diff_that_is_not_there_yet_is_404(served: Served) -> None:
    answer = served.get(f"/api/task/{served.enqueue().id}/diff")

    assert (answer.status_code, error_of(answer)["code"]) == (404, "not_there_yet")


def test_lines_that_retention_removed_are_shown_to_nobody(served: Served) -> None:
    task = settle(served.store, served.enqueue(), Status.FAILED, log=[f"{n}" for n in range(9)])
    path = f"/api/task/{task.id}/logs"
    with stream(served, path) as found:
        assert seqs(found) == list(range(1, 10))
    removal = LogRemoval(served.store)
    for log in removal.expired(served.store.clock.now_ms() + 1):
        assert list(removal.expire(log, "removed")) == [None]

    with stream(served, path) as found:
        assert seqs(found) == [9]


async def test_downloads_take_no_thread_from_other_paths() -> None:
    pool, gate = Pool(), threading.Event()
    downloads = [asyncio.ensure_future(pool.bulk(gate.wait)) for _ in range(QUICK + 1)]

    assert await pool.quick(lambda: gate.is_set()) is False
    gate.set()
    assert await asyncio.gather(*downloads) == [True] * len(downloads)
    pool.close()


async def test_pieces_are_made_once_and_kept_in_bounds(served: Served) -> None:
    lease, writer = running(served)
    writer.write(*["x" * 50_000] * 400)
    pool = Pool()
    chunks = Chunks(served.app, pool)
    after, read = 0, 0
    while (chunk := await chunks.log(lease.task.id, after, first=1)).data:
        assert await chunks.log(lease.task.id, after, first=1) is chunk
        after, read = chunk.last, read + len(chunk.data)
    pool.close()

    assert (after, read > 2 * KEPT_BYTES) == (400, True)
    assert chunks.kept_bytes <= KEPT_BYTES


def test_json_is_ascii_alone(served: Served) -> None:
    lease, writer = running(served)
    writer.write("\x9b31m café")

    body = served.get(f"/api/task/{lease.task.id}/logs").content

    assert body.isascii()
    assert httpx2.Response(200, content=body).json()["lines"][0]["text"] == "\x9b31m café"
