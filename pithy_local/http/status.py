"""`/healthz`, `/metrics`, `/api/stats`: whether it works, and how much it has done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import Response

from pithy_local import __version__, service
from pithy_local.config import parse_duration
from pithy_local.errors import UsageError
from pithy_local.http import bodies
from pithy_local.http.answers import HEADERS, answer
from pithy_local.http.context import Context
from pithy_local.models import Status
from pithy_local.store.gauges import Gauges
from pithy_local.store.stats import By

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
MOST_SECONDS = 36_500 * 86_400.0


async def health(context: Context, _: Request) -> Response:
    """200 while the store answers and the worker works; else 503."""
    await context.pool.quick(service.last_change, context.app)
    failed = context.worker is not None and context.worker.failure is not None
    told = {"status": "failed" if failed else "ok", "version": __version__, "worker": context.worker is not None,
            "engine": _engine(context)}  # fmt: skip
    return answer(told, 503 if failed else 200)


async def stats(context: Context, request: Request) -> Response:
    """As `stats --json`: `since` an age such as 7d, `by` repo, model or day."""
    by = bodies.text(request, "by")
    if by is not None and by not in get_args(By):
        raise UsageError(f"by is one of {', '.join(get_args(By))}", hint=bodies.HINT)
    age = bodies.text(request, "since")
    since = None if age is None else parse_duration(age)
    if age is not None and (since is None or since > MOST_SECONDS):
        raise UsageError("since is a number of seconds or an age such as 24h or 7d", hint=bodies.HINT)
    found = await context.pool.quick(service.stats, context.app, since=since, by=by)
    return answer(found.to_json())


async def metrics(context: Context, _: Request) -> Response:
    """Prometheus' text format."""
    found = await context.pool.quick(service.gauges, context.app)
    text = "\n".join(_metrics(context, found)) + "\n"
    return Response(text, headers=HEADERS, media_type=PROMETHEUS)


def _engine(context: Context) -> str | None:
    """up | down; None where no worker asks it."""
    if context.worker is None:
        return None
    return "up" if context.worker.engine_silent is None else "down"


def _metrics(context: Context, found: Gauges) -> Iterator[str]:
    yield from _family("pithy_tasks", "gauge", "Tasks by status.", _by("status", found.tasks))
    ended = {status: found.attempts.get(status, 0) for status in Status if status.settled}
    yield from _family("pithy_attempts_total", "counter", "Ended attempts by outcome.", _by("outcome", ended))
    tokens = {"input": found.input_tokens, "output": found.output_tokens}
    yield from _family("pithy_tokens_total", "counter", "Tokens of settled model calls.", _by("direction", tokens))
    yield from _one("pithy_cost_usd_total", "counter", "Cost of calls whose price is known.", found.cost_known_usd)
    yield from _one("pithy_unpriced_calls_total", "counter", "Calls whose price is not known.", found.unpriced_calls)
    yield from _one("pithy_log_lines_total", "counter", "Lines written to the logs of kept tasks.", found.log_lines)
    yield from _one("pithy_webhooks_taken_total", "counter", "Completion reports taken.", found.webhooks_taken)
    refused = {**found.webhooks_refused, "rate_limited": context.webhook.limit.refused}
    yield from _family("pithy_webhooks_refused_total", "counter", "Reports refused, by reason.", _by("reason", refused))
    yield from _family("pithy_db_bytes", "gauge", "Sizes of the databases.", _by("file", found.db_bytes))
    yield from _one("pithy_streams", "gauge", "Live streams that are followed.", context.watch.streams)
    if context.worker is not None:
        yield from _one("pithy_running_here", "gauge", "Attempts that run in this process.", context.worker.running)
        up = int(context.worker.engine_silent is None)
        yield from _one("pithy_engine_up", "gauge", "Whether the Docker engine answers.", up)


def _one(name: str, kind: str, text: str, value: float) -> Iterator[str]:
    return _family(name, kind, text, [("", value)])


def _family(name: str, kind: str, text: str, samples: Iterable[tuple[str, float]]) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    for label, value in samples:
        yield f"{name}{label} {value}"


def _by(label: str, values: Mapping[Any, float]) -> Iterator[tuple[str, float]]:
    """Samples of one label; its values are words of ours."""
    return ((f'{{{label}="{value}"}}', number) for value, number in values.items())
