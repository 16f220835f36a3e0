"""What is left of an attempt whose sandbox has ended: the diff that it had handed over before."""

from __future__ import annotations

from pithy_local.errors import PithyError
from pithy_local.executors.base import AttemptHost, Collected


def handed_over(host: AttemptHost, gone: PithyError) -> Collected:
    """The diff that was posted last, if the runner has reported its result since; else raises `gone`.

    With `ready` it is the canonical one, made by the code that would make it again for the collector.
    """
    reports = host.gateway.reports
    if reports.result is None or (reports.result.outcome == "ready" and not reports.diff):
        raise gone
    host.say(f"{gone.message}: going on with what it had handed over")
    return Collected(diff=reports.diff or b"")
