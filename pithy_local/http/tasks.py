"""`/api/task…`: create, list and read tasks, and what people decide about them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Annotated, Any

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from pithy_local import service
from pithy_local.config import ExecutorName, ProviderName, Publish
from pithy_local.errors import ErrorCode, PithyError, UsageError
from pithy_local.http import bodies
from pithy_local.http.answers import answer, encode, encoded
from pithy_local.http.context import Context
from pithy_local.models import MOST_PRIORITY, MOST_TOKENS, Status, Task
from pithy_local.service import AddRequest, App

MOST_LISTED = 1000
MOST_BYTES = 8_000_000
"""Of a list of tasks, as JSON: one with long prompts ends before its limit, and says how to go on."""
Name = Annotated[str, Meta(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")]


class NewTask(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `add` takes; null = the configuration's or the repository's default."""

    prompt: Annotated[str, Meta(min_length=1, description="what to change")]
    repo: Annotated[Name, Meta(description="owner/name, an https URL, or an absolute path on the server's machine")]
    title: Annotated[Name | None, Meta(description="the prompt's first line otherwise")] = None
    base: Annotated[Name | None, Meta(description="branch to start from")] = None
    executor: ExecutorName | None = None
    provider: ProviderName | None = None
    model: Name | None = None
    publish: Publish | None = None
    verify: Annotated[tuple[str, ...], Meta(max_length=50, description="commands that must pass")] = ()
    priority: Annotated[int, Meta(ge=-MOST_PRIORITY, le=MOST_PRIORITY, description="higher goes first")] = 0
    max_tokens: Annotated[int, Meta(ge=1, le=MOST_TOKENS)] | None = None
    after: Annotated[Name | None, Meta(description="id of the task that must complete first")] = None
    at: Annotated[Name | None, Meta(description="not before: HH:MM, tomorrow HH:MM, +2h, 2026-12-24T09:00")] = None
    unisolated: Annotated[bool, Meta(description="allow `local` with a real model")] = False


class Feedback(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the model should do differently; null: the task is worked, or only delivered, again as it is."""

    feedback: str | None = None


class Answer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answer to the model's question."""

    text: Annotated[str, Meta(min_length=1)]


async def create(context: Context, request: Request) -> Response:
    """201 and the task; 200 where the `Idempotency-Key` had added it before."""
    asked = await bodies.decode(request, NewTask, context.patience.body)
    keys = request.headers.getlist("idempotency-key")
    if len(keys) > 1:
        raise UsageError("Idempotency-Key is given twice", hint=bodies.HINT)
    wanted = AddRequest(
        prompt=asked.prompt, repo=asked.repo, title=asked.title, base=asked.base, executor=asked.executor,
        provider=asked.provider, model=asked.model, publish=asked.publish, verify=asked.verify,
        priority=asked.priority, max_tokens=asked.max_tokens, unisolated=asked.unisolated, after=asked.after,
        at=asked.at, idempotency_key=keys[0] if keys else None, from_here=False,
    )  # fmt: skip
    added = await context.pool.slow(service.add, context.app, wanted)
    for warning in added.warnings:
        context.say(f"{added.task.id}: warning: {warning}")
    return answer(added.task.to_json(), 201 if added.created else 200)


async def list_(context: Context, request: Request) -> Response:
    """The newest first: an array of tasks, and a `Link` to the next one where there are more."""
    status = bodies.text(request, "status")
    if status is not None and status not in list(Status):
        raise UsageError(f"there is no status {status[:40]!r}", hint=f"One of {', '.join(Status)}.")
    limit = bodies.number(request, "limit", 100, low=1, high=MOST_LISTED)
    body, last = await context.pool.quick(
        _listed, context.app, statuses=(Status(status),) if status else (), repo=bodies.text(request, "repo"),
        limit=limit, before=bodies.text(request, "before"),
    )  # fmt: skip
    if last is None:
        return encoded(body)
    after = request.url.include_query_params(before=last)
    return encoded(body, headers={"link": f'<{after.path}?{after.query}>; rel="next"'})


def _listed(app: App, *, limit: int, **wanted: Any) -> tuple[bytes, str | None]:
    """At most `limit` tasks as JSON; and the id of the last of them, None where there are no more."""
    parts: list[bytes] = []
    size, last = 0, None
    with closing(service.each_task(app, most=limit + 1, from_here=False, **wanted)) as tasks:
        for task in tasks:
            part = encode(task.to_json())
            size += len(part)
            if parts and (len(parts) == limit or size > MOST_BYTES):
                break
            parts.append(part)
            last = task.id
        else:
            last = None
    return b"[" + b",".join(parts) + b"]", last


async def show(context: Context, request: Request) -> Response:
    """One task, by its id or a unique beginning of it."""
    return answer((await find(context, request)).to_json())


async def find(context: Context, request: Request) -> Task:
    """The task that the path names. Raises NoSuchTask, UsageError."""
    return await context.pool.quick(service.find, context.app, request.path_params["id"])


async def execute(context: Context, request: Request) -> Response:
    """202: it is running and takes the next free slot, also when the queue is paused."""
    if context.worker is None:
        raise PithyError(ErrorCode.EXECUTION_DISABLED, "this server works no tasks")
    task = await context.pool.slow(service.execute, context.app, request.path_params["id"])
    return answer(task.to_json(), 202)


async def cancel(context: Context, request: Request) -> Response:
    return await _act(context, request, service.cancel)


async def accept(context: Context, request: Request) -> Response:
    return await _act(context, request, service.accept)


async def reject(context: Context, request: Request) -> Response:
    return await _act(context, request, service.reject)


async def retry(context: Context, request: Request) -> Response:
    asked = await bodies.decode(request, Feedback, context.patience.body)
    return await _act(context, request, lambda app, ref: service.retry(app, ref, feedback=asked.feedback))


async def reply(context: Context, request: Request) -> Response:
    """Answer the model's question: the task is queued again."""
    asked = await bodies.decode(request, Answer, context.patience.body)
    return await _act(context, request, lambda app, ref: service.answer(app, ref, asked.text))


async def _act(context: Context, request: Request, act: Callable[[App, str], Task]) -> Response:
    """The task as it is after it."""
    task = await context.pool.quick(act, context.app, request.path_params["id"])
    return answer(task.to_json())
