"""Events are numbered, and told again with the same number when an answer is lost."""

from __future__ import annotations

import socket
import threading

import pytest

from runner.errors import WireError
from runner.wire import Host
from tests.runner.support import ReportService
from tests.support import wait_until

QUICK = (0.0, 0.01, 0.01)


def test_events_and_diffs_share_one_count() -> None:
    with ReportService() as service:
        host = Host(service.base, "sandbox", waits=QUICK)
        host.event("step", {"name": "ask"})
        host.diff(b"diff --git \xff\n")
        host.diff(b"")
        host.event("result", {"outcome": "ready"})

    assert [(report.n, report.kind, report.data) for report in service.taken] == [
        (1, "step", {"name": "ask"}),
        (2, "diff", b"diff --git \xff\n"),
        (3, "diff", b""),
        (4, "result", {"outcome": "ready"}),
    ]


@pytest.mark.parametrize(("losing", "failing"), [(2, 0), (0, 2)])
def test_a_lost_answer_is_asked_for_again_and_told_once(losing: int, failing: int) -> None:
    with ReportService(losing=losing, failing=failing) as service:
        host = Host(service.base, "sandbox", waits=QUICK)
        host.event("step", {"name": "ask"})
        host.event("result", {})

    assert [(report.n, report.kind) for report in service.taken] == [(1, "step"), (2, "result")]
    assert service.requests == 4


def test_a_refusal_is_not_repeated() -> None:
    with ReportService(token="another") as service:
        host = Host(service.base, "sandbox", waits=QUICK)
        with pytest.raises(WireError, match="401"):
            host.event("step", {})

    assert service.requests == 1


def test_a_host_that_stays_away_is_given_up_at_last() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        host = Host(f"http://127.0.0.1:{held.getsockname()[1]}/host", "sandbox", waits=QUICK, patience=0.2)

        with pytest.raises(WireError, match="did not come back"):
            host.diff(b"x")


def test_a_host_that_is_away_is_waited_for_and_told_the_same_report_once() -> None:
    said: list[str] = []
    service = ReportService()
    with service:
        host = Host(service.base, "sandbox", waits=QUICK, say=said.append)
        host.event("step", {"name": "ask"})
    telling = threading.Thread(target=host.event, args=("result", {"outcome": "ready"}))
    telling.start()
    wait_until(lambda: bool(said), what="it says that it waits")
    with service:
        telling.join(60)

    assert [(report.n, report.kind) for report in service.taken] == [(1, "step"), (2, "result")]
    assert said == ["the host is away: waiting for it", "the host is back"]


def test_a_host_that_takes_connections_and_drops_them_is_given_up_after_the_waits() -> None:
    with ReportService(losing=1000) as service:
        host = Host(service.base, "sandbox", waits=QUICK)
        with pytest.raises(WireError, match="cannot be reached"):
            host.diff(b"x")

    assert service.requests == len(QUICK) + 1


@pytest.mark.parametrize("url", ["", "host:8111", "https://127.0.0.1/host", "file:///etc"])
def test_an_address_that_is_no_http_url_is_refused(url: str) -> None:
    with pytest.raises(WireError, match="not a plain http URL"):
        Host(url, "sandbox")
