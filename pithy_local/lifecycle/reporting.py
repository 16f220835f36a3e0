"""An attempt's reports on their way into the store: each is written down before the sandbox hears that it was taken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from pithy_local import crash
from pithy_local.door.gateway import Failure
from pithy_local.door.reports import Event, Result, Taken, result_of
from pithy_local.errors import LeaseLost
from pithy_local.lifecycle.artifacts import Artifacts
from pithy_local.lifecycle.host import Host
from pithy_local.lifecycle.outcome import host_error, presentable
from pithy_local.redact import Redactor
from pithy_local.store.standing import Standing


class ReportTaker:
    """Called in the gateway's worker threads, one report at a time. A failure in here ends the attempt."""

    def __init__(self, host: Host, artifacts: Artifacts, redactor: Redactor) -> None:
        self._host, self._artifacts, self._redactor = host, artifacts, redactor
        self._sink = artifacts.event_sink(host.lease)

    def take_event(self, event: Event) -> None:
        with ending(self._host):
            if event.kind == "result":
                self._host.lease.record_report(event.n, self._ended(result_of(event)))
                crash.point("result.taken")
            else:
                self._sink(event)
                crash.point("event.taken")

    def take_diff(self, number: int, diff: bytes) -> None:
        with ending(self._host):
            self._artifacts.keep_round(diff)
            self._host.lease.record_report(number)
            crash.point("diff.taken")

    def _ended(self, result: Result) -> dict[str, object]:
        """The result as it is kept, with what the host itself has seen go wrong by then."""
        failure = self._host.gateway.failure
        return {
            **asdict(result), "message": self._redactor.mask(result.message),
            "detail": presentable(result.detail, self._redactor.mask), "failure": asdict(failure) if failure else None,
        }  # fmt: skip


def told_before(standing: Standing, artifacts: Artifacts) -> Taken:
    """What earlier owners of the attempt were told."""
    if not standing.reports:
        return Taken()
    result = {name: value for name, value in (standing.result or {}).items() if name != "failure"}
    return Taken(number=standing.reports, result=Result(**result) if result else None, diff=artifacts.read_round())


def seen_before(standing: Standing) -> Failure | None:
    """What an earlier owner has seen go wrong with the last call before the result."""
    failure = (standing.result or {}).get("failure")
    return Failure(**failure) if failure else None


@contextmanager
def ending(host: Host) -> Iterator[None]:
    """What the gateway calls, from threads of its own: a failure in there ends the attempt, not only one request."""
    try:
        yield
    except LeaseLost:
        host.lose()
        raise
    except Exception as error:
        host.fail(host_error(error))
        raise
