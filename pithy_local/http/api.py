"""The app: routes behind the guard; whatever goes wrong is answered in the contract's shape."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.http.answers import HttpError, answer, not_found, refusal
from pithy_local.http.context import Context
from pithy_local.http.guard import Guard, Names
from pithy_local.http.openapi import document
from pithy_local.http.routes import ENDPOINTS, Endpoint


def make_api(context: Context, *, names: Names, token: str) -> ASGIApp:
    """The whole API of one server."""
    by_path: dict[str, dict[str, Endpoint]] = {}
    for endpoint in ENDPOINTS:
        by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    routes = [Route(path, _handler(context, methods), methods=list(methods)) for path, methods in by_path.items()]
    described = document()

    async def openapi(_: Request) -> Response:
        return answer(described)

    routes.append(Route("/openapi.json", openapi, methods=["GET"]))
    app = Starlette(routes=routes, exception_handlers={HTTPException: _routing})
    app.router.redirect_slashes = False
    return Guard(app, names=names, token=token)


def _handler(context: Context, methods: Mapping[str, Endpoint]) -> Callable[[Request], Awaitable[Response]]:
    """Of one path: the method's handler, whose errors become answers."""

    async def handle(request: Request) -> Response:
        endpoint = methods["GET" if request.method == "HEAD" else request.method]
        try:
            return await endpoint.handler(context, request)
        except (HttpError, PithyError) as error:
            return refusal(error)
        except ClientDisconnect:
            return Response(status_code=408)  # nobody reads it
        except Exception as error:  # a bug: said here, to the client only that there is one
            context.say(f"{endpoint.method} {endpoint.path}: {type(error).__name__}: {error}")
            return refusal(PithyError(ErrorCode.INTERNAL, "something went wrong in the server"))

    return handle


async def _routing(_: Request, error: Exception) -> Response:
    """No such path, or not with this method."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        headers = dict(error.headers or {})
        return refusal(HttpError(405, "method_not_allowed", "this path does not take that method", headers=headers))
    return refusal(not_found())
