"""`POST /api/webhook/github-actions`: who sent it is proven before anything of it is read as JSON (CONTRACT §7)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Literal

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from pithy_local.errors import NoSuchTask, PithyError, Refused, UsageError
from pithy_local.http import bodies, signature
from pithy_local.http.answers import HttpError, answer, too_large, unauthorized
from pithy_local.http.pool import Pool
from pithy_local.http.rate import RateLimit
from pithy_local.http.signature import Stamp, Unsigned
from pithy_local.service import App, webhooks

MAX_LOGS = 102_400
"""Bytes of UTF-8."""
AGAIN_SECONDS = 60
"""When a report may be sent again that could not be checked now."""


class Report(Struct, frozen=True, kw_only=True, rename="camel"):
    """A completion report as it is sent. Keys that are not here are passed over."""

    type: Literal["task.completed", "task.failed"]
    task_id: Annotated[str, Meta(min_length=1, max_length=64)]
    workspace_id: Annotated[str, Meta(max_length=200)] | None = None
    branch_name: Annotated[str, Meta(max_length=300)] | None = None
    pr_url: Annotated[str, Meta(max_length=500)] | None = None
    error: str | None = None
    logs: str | None = None


class Refusal(Exception):
    """A report that is not taken: the answer to its sender, and one word for the audit."""

    def __init__(self, error: HttpError | PithyError, reason: str) -> None:
        super().__init__(reason)
        self.error, self.reason = error, reason


class Webhook:
    """Takes reports, and remembers those that were refused."""

    def __init__(self, app: App, pool: Pool, say: Callable[[str], None], *, body_seconds: float) -> None:
        self._app, self._pool, self._say, self._body_seconds = app, pool, say, body_seconds
        self.limit = RateLimit(app.settings.serve.rate_limit)

    async def __call__(self, request: Request) -> Response:
        """200 when it was taken, now or before. Raises HttpError, PithyError with nothing changed."""
        peer = request.client.host if request.client else ""
        if wait := self.limit.wait(peer):
            raise HttpError(
                429, "rate_limited", "too many webhooks", f"Send it again in {wait} s.", {"retry-after": str(wait)}
            )
        claimed = request.headers.get("webhook-id")
        try:
            return await self._take(request)
        except Refusal as refused:
            await self._pool.quick(webhooks.refuse, self._app, peer=peer, reason=refused.reason, webhook_id=claimed)
            raise refused.error from None

    async def _take(self, request: Request) -> Response:
        stamp, body = await self._proven(request)
        if await self._pool.quick(webhooks.seen, self._app, stamp.id):  # whatever else it says
            return answer({"taken": False})
        report = _parse(body)
        asked = webhooks.Report(
            id=stamp.id, task=report.task_id, workspace=report.workspace_id, branch=report.branch_name,
            error=_error_of(report), logs=report.logs or "",
        )  # fmt: skip
        try:
            task = await self._pool.slow(webhooks.take, self._app, asked)
        except NoSuchTask as error:
            self._say(f"webhook {stamp.id}: {error.message}")
            raise Refusal(error, "unknown_task") from error
        except webhooks.NotShown as error:
            self._say(f"webhook {stamp.id}: {error.message}")
            raise Refusal(error, "not_shown") from error
        except Refused as error:
            raise Refusal(error, "not_running") from error
        except PithyError as error:
            raise Refusal(_later(error), "unchecked") from error
        if task is None:
            return answer({"taken": False})
        self._say(f"{task.id}: {task.status.value}, reported by {task.executor}")
        return answer({"taken": True, "task": task.to_json()})

    async def _proven(self, request: Request) -> tuple[Stamp, bytes]:
        """Headers, time, size and signature, the cheap ones first. Raises Refusal."""
        secrets = self._app.settings.serve.webhook_secret.split()
        try:
            stamp = signature.read_stamp(request.scope["headers"], time.time())
            try:
                body = await bodies.read(request, self._body_seconds)
            except HttpError as error:
                raise Refusal(error, error.code) from error
            signature.verify(stamp, body, secrets)
        except Unsigned as error:
            hint = "Sign it as standardwebhooks.com says, with serve.webhook_secret."
            raise Refusal(unauthorized(error.message, hint), error.reason) from error
        return stamp, body


def _parse(body: bytes) -> Report:
    try:
        report = bodies.parse(body, Report)
    except UsageError as error:
        raise Refusal(error, "schema") from error
    if len((report.logs or "").encode("utf-8", "replace")) > MAX_LOGS:
        raise Refusal(too_large(f"logs have {MAX_LOGS:,} bytes at most"), "too_large")
    return report


def _error_of(report: Report) -> str | None:
    """Why the task failed; None when it did not."""
    return report.error or (None if report.type == "task.completed" else "the executor gave no reason")


def _later(error: PithyError) -> HttpError:
    """The forge cannot be asked now: nothing is known, and nothing is told of it to whoever asks."""
    return HttpError(
        503, "unchecked", f"the report cannot be checked now ({error.code.word})", "Send it again later.",
        {"retry-after": str(AGAIN_SECONDS)},
    )  # fmt: skip
