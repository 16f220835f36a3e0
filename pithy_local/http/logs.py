"""`/api/task/{id}/logs`, `/logs.txt`, `/diff` and `/api/events`: pages, live streams, downloads."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from pithy_local import service
from pithy_local.clock import iso
from pithy_local.http import bodies, streams, tasks
from pithy_local.http.answers import encode, encoded
from pithy_local.http.context import Context
from pithy_local.http.streams import Parts, Streaming
from pithy_local.models import LogLine
from pithy_local.service import App
from pithy_local.text import last_segment, safe

MOST_LINES = 1000
PAGE_CHARS = 4_000_000
"""A page of very long lines ends sooner; `more` says so."""
SLICE_BYTES = 65_536
EVENT_STREAM = "text/event-stream"


async def lines(context: Context, request: Request) -> Response:
    """A page of lines, or with `Accept: text/event-stream` all of them as they come."""
    task = await tasks.find(context, request)
    after = bodies.number(request, "after", 0, low=0)
    last = bodies.whole(request.headers.get("last-event-id"), "Last-Event-ID", after, low=0)
    if EVENT_STREAM in request.headers.get("accept", ""):
        return streams.events(streams.log_events(context, task.id, last))
    limit = bodies.number(request, "limit", MOST_LINES, low=1, high=MOST_LINES)
    return encoded(await context.pool.quick(_page, context.app, task.id, after, limit))


def _page(app: App, task_id: str, after: int, limit: int) -> bytes:
    lines = service.log_page(app, task_id, after=after, limit=limit, max_chars=PAGE_CHARS)
    bounds = service.log_bounds(app, task_id)
    next_ = lines[-1].seq if lines else after
    return encode({
        "lines": [line.to_json() for line in lines], "next": next_, "more": next_ < bounds.last,
        "first": bounds.first, "last": bounds.last, "truncated": bounds.truncated,
    })  # fmt: skip


async def download(context: Context, request: Request) -> Response:
    """The whole log so far as text, safe for a terminal."""
    task = await tasks.find(context, request)
    headers = {"content-disposition": f'attachment; filename="{task.id}.log"'}
    return Streaming(_texts(context, task.id), "text/plain; charset=utf-8", headers)


async def diff(context: Context, request: Request) -> Response:
    """The canonical diff, byte for byte. 404 while there is none."""
    attempt = bodies.number(request, "attempt", 0, low=1)
    task = await tasks.find(context, request)
    patch = await context.pool.quick(service.diff, context.app, task.id, attempt=attempt or None)
    headers = {"content-disposition": f'attachment; filename="{task.id}.diff"', "content-length": str(len(patch))}
    return Streaming(_slices(patch), "text/x-diff", headers)


async def events(context: Context, request: Request) -> Response:
    """Every task's changes, from now on or after `Last-Event-ID`."""
    newest = await context.pool.quick(service.last_change, context.app)
    after = bodies.whole(request.headers.get("last-event-id"), "Last-Event-ID", newest, low=0)
    return streams.events(streams.change_events(context, after))


async def _texts(context: Context, task_id: str) -> Parts:
    after = 0
    while page := await context.pool.quick(
        service.log_page, context.app, task_id, after=after, max_chars=PAGE_CHARS // 16
    ):
        after = page[-1].seq
        yield "".join(map(_text, page)).encode()


def _text(line: LogLine) -> str:
    return f"{iso(line.at)} {line.stream.value} {safe(last_segment(line.text))}\n"


async def _slices(data: bytes) -> Parts:
    for start in range(0, len(data), SLICE_BYTES):
        yield data[start : start + SLICE_BYTES]
