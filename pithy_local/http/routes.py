"""Every path with what it takes and what it may answer: the app and the OpenAPI document are made from this table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from pithy_local.http import logs, status, tasks
from pithy_local.http.context import Context
from pithy_local.http.guard import WEBHOOK
from pithy_local.http.webhook import Report
from pithy_local.models import Status

Handler = Callable[[Context, Request], Awaitable[Response]]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """Of the query or the headers; `schema` is JSON Schema."""

    name: str
    where: str
    schema: Mapping[str, Any]
    text: str
    required: bool = False


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One method of one path. `answers`: status → what it means; errors have the contract's shape.

    `content`: the media types of the good answers, with the name of the JSON's schema, if it is JSON.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    good: Mapping[int, str]
    errors: tuple[int, ...] = ()
    content: Mapping[str, str | None] = field(default_factory=lambda: {"application/json": "Task"})
    body: type[Struct] | None = None
    body_required: bool = True
    parameters: tuple[Parameter, ...] = ()
    open: bool = False


async def _webhook(context: Context, request: Request) -> Response:
    return await context.webhook(request)


def _query(name: str, schema: Mapping[str, Any], text: str) -> Parameter:
    return Parameter(name=name, where="query", schema=schema, text=text)


def _header(name: str, text: str, *, required: bool = False) -> Parameter:
    return Parameter(name=name, where="header", schema={"type": "string"}, text=text, required=required)


_SEQ = {"type": "integer", "minimum": 0, "maximum": 9_223_372_036_854_775_807}
_LIMIT = {"type": "integer", "minimum": 1, "maximum": 1000}
_LAST = Parameter(
    name="Last-Event-ID", where="header", schema=_SEQ, text="the last id that was seen: the stream goes on after it"
)
_REQUEST = (415, 422)
"""What a body may be answered with."""
_TASK = "/api/task/{id}"
_JSON_OR_EVENTS = {"application/json": "LogPage", "text/event-stream": None}


def _decision(name: str, handler: Handler, summary: str, body: type[Struct] | None = None, **more: Any) -> Endpoint:
    """What people decide about one task."""
    errors = (404, 409, *(_REQUEST if body else (422,)))
    return Endpoint(
        method="POST", path=f"{_TASK}/{name}", handler=handler, summary=summary, good={200: "the task as it is now"},
        errors=errors, body=body, **more,
    )  # fmt: skip


ENDPOINTS = (
    Endpoint(
        method="POST", path="/api/task", handler=tasks.create, summary="Queue a task.", body=tasks.NewTask,
        good={201: "the task", 200: "the task that an earlier request with this key added"},
        errors=(404, 409, 502, *_REQUEST),
        parameters=(_header("Idempotency-Key", "a request that is sent again with it adds nothing"),),
    ),
    Endpoint(
        method="GET", path="/api/task", handler=tasks.list_, summary="List tasks, the newest first.",
        good={200: 'tasks; `Link: <…>; rel="next"` where there are more'}, errors=(404, 422),
        content={"application/json": "Tasks"},
        parameters=(
            _query("status", {"type": "string", "enum": [each.value for each in Status]}, "only these"),
            _query("repo", {"type": "string"}, "only of this repository"),
            _query("limit", _LIMIT, "100 otherwise"),
            _query("before", {"type": "string"}, "only tasks added before the one with this id"),
        ),
    ),
    Endpoint(
        method="GET", path=_TASK, handler=tasks.show, summary="One task.", good={200: "the task"}, errors=(404, 422)
    ),
    Endpoint(
        method="POST", path=f"{_TASK}/execute", handler=tasks.execute,
        summary="Start a queued task in the next free slot, also while the queue is paused.",
        good={202: "the task, running"}, errors=(404, 409, 422, 502),
    ),
    _decision("cancel", tasks.cancel, "Cancel a task that has not ended."),
    _decision("retry", tasks.retry, "Queue a settled task again.", tasks.Feedback, body_required=False),
    _decision("answer", tasks.reply, "Answer the model's question.", tasks.Answer),
    _decision("accept", tasks.accept, "Deliver a change that needs review."),
    _decision("reject", tasks.reject, "Drop a change that needs review, or a question."),
    Endpoint(
        method="GET", path=f"{_TASK}/logs", handler=logs.lines,
        summary="A page of the log; with `Accept: text/event-stream` all of it, live, to the end of the task.",
        good={200: "lines"}, errors=(404, 422), content=_JSON_OR_EVENTS,
        parameters=(_query("after", _SEQ, "only lines after it"), _query("limit", _LIMIT, "1000 otherwise"), _LAST),
    ),
    Endpoint(
        method="GET", path=f"{_TASK}/logs.txt", handler=logs.download, summary="The log so far, as text.",
        good={200: "the log"}, errors=(404, 422), content={"text/plain": None},
    ),
    Endpoint(
        method="GET", path=f"{_TASK}/diff", handler=logs.diff, summary="The patch; `git apply` takes it.",
        good={200: "the diff"}, errors=(404, 422), content={"text/x-diff": None},
        parameters=(_query("attempt", {"type": "integer", "minimum": 1, "maximum": _SEQ["maximum"]}, "else the last"),),
    ),
    Endpoint(
        method="GET", path="/api/events", handler=logs.events, summary="Every task's changes, live.",
        good={200: "status and phase events"}, errors=(422,), content={"text/event-stream": None}, parameters=(_LAST,),
    ),
    Endpoint(
        method="GET", path="/api/stats", handler=status.stats, summary="What was done and spent.",
        good={200: "sums"}, errors=(422,), content={"application/json": "Stats"},
        parameters=(
            _query("since", {"type": "string", "pattern": r"^\d{1,6}(\.\d{1,6})?(ms|s|m|h|d)?$"}, "an age, such as 7d"),
            _query("by", {"type": "string", "enum": ["repo", "model", "day"]}, "groups besides the total"),
        ),
    ),
    Endpoint(
        method="POST", path=WEBHOOK, handler=_webhook, summary="A signed completion report (Standard Webhooks).",
        good={200: "taken, now or before"}, errors=(401, 404, 409, 422, 429), body=Report,
        content={"application/json": "Taken"}, open=True,
        parameters=tuple(
            _header(name, "of the Standard Webhooks scheme", required=True)
            for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
        ),
    ),
    Endpoint(
        method="GET", path="/healthz", handler=status.health, summary="Whether it works.",
        good={200: "it does", 503: "it does not"}, content={"application/json": "Health"}, open=True,
    ),
    Endpoint(
        method="GET", path="/metrics", handler=status.metrics, summary="Prometheus' text format.",
        good={200: "samples"}, content={"text/plain": None}, open=True,
    ),
)  # fmt: skip
