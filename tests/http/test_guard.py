"""Who may ask at all: the name a request was sent to, the page it comes from, its token."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pithy_local.http.guard import Names, is_loopback
from pithy_local.http.routes import ENDPOINTS, Endpoint
from pithy_local.http.server import listen
from tests.http.served import TOKEN, Served, error_of, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all of these: none of them changes anything."""
    with serving(tmp_path_factory.mktemp("guard")) as found:
        yield found


def listening(host: str) -> Names:
    """The names of a server that was told to listen there."""
    with listen(host, 0) as sock:
        return Names.of(sock, host=host)


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LocalHost:{port}", "[::1]:{port}"])
def test_loopback_names_are_answered(served: Served, host: str) -> None:
    assert served.get("/api/task", headers={"host": host.format(port=served.port)}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:{port}", "", "localhost:x",
             "10.0.0.1:{port}"],
)  # fmt: skip
def test_a_rebound_name_is_not_answered(served: Served, host: str) -> None:
    answer = served.get("/healthz", headers={"host": host.format(port=served.port)})

    assert (answer.status_code, error_of(answer)["code"]) == (421, "wrong_host")


def test_a_proxys_name_is_answered_where_it_is_allowed(tmp_path: Path) -> None:
    with serving(tmp_path, serve={"names": ["Pithy.example"]}) as served:
        assert served.get("/healthz", headers={"host": "pithy.example"}).status_code == 200
        assert served.get("/healthz", headers={"host": "other.example"}).status_code == 421


@pytest.mark.parametrize("host", ["0.0.0.0", "0"])
def test_listening_everywhere_answers_to_addresses_and_the_hosts_name(host: str) -> None:
    names = listening(host)

    assert names.allow(f"192.168.1.5:{names.port}")
    assert names.allow(f"{socket.gethostname()}:{names.port}")
    assert not names.allow(f"evil.example:{names.port}")


@pytest.mark.parametrize(("host", "address"), [("127.1", "127.0.0.1"), ("127.2", "127.0.0.2"), ("localhost", "[::1]")])
def test_the_name_it_was_given_and_the_address_that_this_means_are_answered(host: str, address: str) -> None:
    names = listening(host)

    assert names.allow(f"{host}:{names.port}")
    assert names.allow(f"{address}:{names.port}")
    assert not names.allow(f"192.168.1.5:{names.port}")


@pytest.mark.parametrize(
    ("address", "loopback"), [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("::ffff:127.0.0.1", True),
                              ("0.0.0.0", False), ("::ffff:0.0.0.0", False), ("192.168.1.5", False),
                              ("fe80::1%eth0", False)],
)  # fmt: skip
def test_what_only_this_machine_reaches(address: str, loopback: bool) -> None:
    assert is_loopback(address) is loopback


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "file://"])
def test_no_web_page_may_ask(served: Served, origin: str) -> None:
    answer = served.post("/api/task", json={}, headers={"origin": origin})

    assert (answer.status_code, error_of(answer)["code"]) == (403, "wrong_origin")


def test_the_servers_own_origin_may_ask_and_gets_no_cors_headers(served: Served) -> None:
    answer = served.get("/api/task", headers={"origin": served.url})

    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "given", [None, "", "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN]
)
def test_without_the_token_nothing_is_told(served: Served, given: str | None) -> None:
    headers = {} if given is None else {"authorization": given}
    with served.client(token=None) as client:
        answer = client.get("/api/task", headers=headers)

    assert (answer.status_code, error_of(answer)["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_token_given_twice_is_none(served: Served) -> None:
    with served.client(token=None) as client:
        answer = client.get("/api/task", headers=[("authorization", f"Bearer {TOKEN}")] * 2)

    assert answer.status_code == 401


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_every_path_but_the_open_ones_needs_it(served: Served, endpoint: Endpoint) -> None:
    with served.client(token=None) as client:
        status = client.request(endpoint.method, endpoint.path.format(id="0000000000")).status_code

    if endpoint.path.startswith("/api/") and "webhook" not in endpoint.path:
        assert status == 401
    elif endpoint.method == "GET":
        assert status == 200


@pytest.mark.parametrize("path", ["/", "/api", "/api/", "/api/task/", "//api/task", "/api/nothing", "/metrics/"])
def test_unknown_paths_are_404(served: Served, path: str) -> None:
    answer = served.get(f"{served.url}{path}")

    assert (answer.status_code, error_of(answer)["code"]) == (404, "not_found")


def test_a_path_in_disguise_needs_the_token(served: Served) -> None:
    head = f"Host: 127.0.0.1:{served.port}\r\nConnection: close\r\n\r\n"
    assert served.raw(f"GET /%61pi/task HTTP/1.1\r\n{head}".encode()).startswith(b"HTTP/1.1 401")
    assert served.raw(f"GET /healthz/../api/task HTTP/1.1\r\n{head}".encode()).startswith(b"HTTP/1.1 401")


def test_other_methods_are_405_and_say_which_there_are(served: Served) -> None:
    with served.client() as client:
        answer = client.delete("/api/task")

    assert (answer.status_code, error_of(answer)["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


def test_a_head_has_no_body(served: Served) -> None:
    task = served.enqueue()
    with served.client() as client:
        for path in (f"/api/task/{task.id}", f"/api/task/{task.id}/logs.txt", "/api/events"):
            answer = client.head(path)
            assert (answer.status_code, answer.content) == (200, b"")


def test_answers_can_be_used_by_no_browser(served: Served) -> None:
    headers = served.get("/api/task").headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "server" not in headers
