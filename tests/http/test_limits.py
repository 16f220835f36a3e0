"""Nobody is waited for without an end, and nobody fills the memory."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pithy_local.http.limits import MAX_BODY, MAX_CONNECTIONS, MAX_HEAD, Patience
from tests.http.served import TIMEOUT, TOKEN, Served, Writer, error_of, serving
from tests.seeding import claim
from tests.support import wait_until

JSON = {"content-type": "application/json"}
SLACK = 40.0
"""Seconds a loaded machine may be late."""


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that waits for nobody for long: for tests whose requests need not come whole."""
    patience = Patience(request=1.0, body=0.5, idle=1, stalled=1.0)
    with serving(tmp_path_factory.mktemp("hasty"), patience=patience) as found:
        yield found


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that ends idle connections soon, and gives requests all the time they need but for their bodies."""
    patience = Patience(request=60.0, body=0.5, idle=1)
    with serving(tmp_path_factory.mktemp("calm"), patience=patience) as found:
        yield found


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that ends idle connections soon, and gives requests all the time they need."""
    with serving(tmp_path_factory.mktemp("patient"), patience=Patience(request=60.0, body=60.0, idle=1)) as found:
        yield found


def head(served: Served, *more: str, path: str = "/api/task") -> bytes:
    lines = (
        f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{served.port}", f"Authorization: Bearer {TOKEN}",
        "Content-Type: application/json", *more,
    )  # fmt: skip
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def test_a_body_of_the_largest_size_is_read(patient: Served) -> None:
    assert patient.post("/api/task", content=b" " * MAX_BODY, headers=JSON).status_code == 422


@pytest.mark.parametrize("size", [MAX_BODY + 1, 25_000_000])
def test_a_larger_one_is_413(patient: Served, size: int) -> None:
    answer = patient.post("/api/task", content=b" " * size, headers=JSON)

    assert (answer.status_code, error_of(answer)["code"]) == (413, "too_large")


def test_a_body_without_a_length_is_cut_off_while_it_is_read(patient: Served) -> None:
    answer = patient.post("/api/task", content=(b" " * 100_000 for _ in range(20)), headers=JSON)

    assert answer.status_code == 413


def test_who_asks_before_sending_is_refused_before_sending(patient: Served) -> None:
    answer = patient.raw(head(patient, "Content-Length: 99999999", "Expect: 100-continue"))

    assert answer.startswith(b"HTTP/1.1 413")
    assert b"100 Continue" not in answer


@pytest.mark.parametrize("path", ["/api/task", "/api/webhook/github-actions"])
def test_a_slow_body_is_408(calm: Served, path: str) -> None:
    stamp = (f"webhook-timestamp: {int(time.time())}", "webhook-id: a", "webhook-signature: v1,x")

    answer = calm.raw(head(calm, "Content-Length: 10", *stamp, path=path) + b"{")

    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"request_timeout"' in answer


@pytest.mark.parametrize("data", [b"", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:1\r\nX-Slow: "])
def test_a_connection_that_asks_nothing_is_cut(hasty: Served, data: bytes) -> None:
    begun = time.monotonic()

    try:
        answer = hasty.raw(data)
    except ConnectionResetError:
        answer = b""

    assert answer == b""
    assert time.monotonic() - begun < 1.0 + SLACK


def test_a_body_that_nobody_reads_is_not_taken_for_ever(hasty: Served) -> None:
    with socket.create_connection(("127.0.0.1", hasty.port)) as connection:
        request = f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{hasty.port}\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(request.encode())

        def is_cut() -> bool:
            try:
                connection.sendall(b"5\r\nxxxxx\r\n")
            except OSError:
                return True
            return False

        wait_until(is_cut, timeout=1.0 + SLACK)


def test_a_head_that_is_too_large_is_refused(patient: Served) -> None:
    answer = patient.raw(head(patient, f"X-Long: {'x' * 2 * MAX_HEAD}"))

    assert answer.startswith(b"HTTP/1.1 4")


def test_what_is_no_http_is_told_in_the_contracts_shape(patient: Served) -> None:
    told, _, body = patient.raw(head(patient, "Content-Length: -1")).partition(b"\r\n\r\n")

    assert told.startswith(b"HTTP/1.1 400")
    assert json.loads(body)["error"]["code"] == "bad_request"


def test_a_body_that_breaks_after_the_answer_ends_the_connection_alone(
    patient: Served, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_connection(("127.0.0.1", patient.port), timeout=TIMEOUT) as connection:
        request = f"POST /api/task HTTP/1.1\r\nHost: 127.0.0.1:{patient.port}\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(request.encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 401")  # before the body
        connection.sendall(b"no size\r\n")
        while connection.recv(65536):
            pass

    assert "Fatal error" not in caplog.text


@pytest.mark.parametrize("verb", ["cancel", "accept", "reject", "execute"])
def test_a_body_where_none_is_wanted_has_the_same_bound(served: Served, verb: str) -> None:
    task = served.enqueue()

    answer = served.post(f"/api/task/{task.id}/{verb}", content=b" " * (MAX_BODY + 1))

    assert (answer.status_code, error_of(answer)["code"]) == (413, "too_large")
    assert served.get(f"/api/task/{task.id}").json() == task.to_json()


def test_two_lengths_or_hosts_are_refused(patient: Served) -> None:
    for more in (("Content-Length: 1", "Content-Length: 2"), ("Host: evil.example",)):
        assert patient.raw(head(patient, *more)).startswith(b"HTTP/1.1 400")


def test_a_client_that_takes_nothing_is_cut(hasty: Served) -> None:
    lease = claim(hasty.store, hasty.enqueue())
    Writer(hasty.store, lease).write(*["x" * 10_000] * 2000)
    with socket.create_connection(("127.0.0.1", hasty.port)) as connection:
        connection.sendall(
            f"GET /api/task/{lease.task.id}/logs HTTP/1.1\r\nHost: 127.0.0.1:{hasty.port}\r\n"
            f"Authorization: Bearer {TOKEN}\r\nAccept: text/event-stream\r\n\r\n".encode()
        )
        wait_until(lambda: "pithy_streams 1\n" in hasty.get("/metrics").text)

        wait_until(lambda: "pithy_streams 0\n" in hasty.get("/metrics").text, timeout=1.0 + SLACK)


def test_connections_have_a_bound(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        held = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(MAX_CONNECTIONS)]
        wait_until(lambda: _is_cut(served))
        for connection in held:
            connection.close()

        assert served.get("/healthz").status_code == 200


def _is_cut(served: Served) -> bool:
    with socket.create_connection(("127.0.0.1", served.port)) as one_more:
        one_more.settimeout(1.0)
        try:
            return one_more.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False


def test_the_end_waits_for_no_stream(tmp_path: Path) -> None:
    begun = time.monotonic()
    with serving(tmp_path) as served:
        task, ended = served.enqueue(), threading.Event()

        def follow() -> None:
            with served.client() as client, client.stream("GET", f"/api/task/{task.id}/logs", headers={
                "accept": "text/event-stream"
            }) as response:  # fmt: skip
                list(response.iter_lines())
                ended.set()

        thread = threading.Thread(target=follow)
        thread.start()
        wait_until(lambda: "pithy_streams 1\n" in served.get("/metrics").text)

    assert ended.wait(SLACK)
    thread.join()
    assert time.monotonic() - begun < 2 * SLACK


def test_what_breaks_inside_is_told_in_the_contracts_shape(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        served.store.queue.write("ALTER TABLE call RENAME TO gone")
        answers = [served.get("/metrics"), served.get("/api/task")]

    for answer in answers:
        assert (answer.status_code, error_of(answer)["code"]) == (500, "internal")
