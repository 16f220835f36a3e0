"""`/openapi.json`: made from the table of routes and the types that read bodies, so that it says what is true."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from pithy_local import __version__
from pithy_local.http.routes import ENDPOINTS, Endpoint, Parameter
from pithy_local.models import Phase, Status, Stream

REF = "#/components/schemas/{name}"
ALWAYS = (403, 405, 421, 500, 503, 507)
"""Wrong origin, wrong method, wrong name, a bug of ours, a store that cannot be used, a full disk."""


def _object(required: Mapping[str, Any], optional: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "object", "properties": {**required, **(optional or {})}, "required": list(required)}


def _or_null(kind: str) -> dict[str, Any]:
    return {"type": [kind, "null"]}


def _each(names: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return dict.fromkeys(names.split(), schema)


_TEXT, _INT, _ANY = {"type": "string"}, {"type": "integer"}, {"type": "object"}
_TASK = _object(
    {
        **_each("id title prompt repo executor provider model branch", _TEXT),
        **_each("base after base_sha head_sha pr_url question", _or_null("string")),
        **_each("started_at finished_at", _or_null("string")), "created_at": _TEXT,
        "status": {"enum": [each.value for each in Status]}, "phase": {"enum": [*(each.value for each in Phase), None]},
        **_each("priority attempts", _INT), "pr_number": _or_null("integer"),
        **_each("error patch", _or_null("object")), "usage": _ANY, "verify": {"type": "array", "items": _ANY},
    }
)  # fmt: skip
_LINE = _object(
    {**_each("seq attempt", _INT), **_each("at text", _TEXT), "stream": {"enum": [each.value for each in Stream]}}
)
_PAGE = _object(
    {"lines": {"type": "array", "items": _LINE}, **_each("next first last", _INT),
     **_each("more truncated", {"type": "boolean"})}
)  # fmt: skip
SCHEMAS: dict[str, Any] = {
    "Task": _TASK,
    "Tasks": {"type": "array", "items": {"$ref": REF.format(name="Task")}},
    "LogPage": _PAGE,
    "Stats": _ANY,
    "Taken": _object({"taken": {"type": "boolean"}}, {"task": {"$ref": REF.format(name="Task")}}),
    "Health": _object({"status": {"enum": ["ok", "failed"]}, "version": _TEXT, "worker": {"type": "boolean"},
                       "engine": {"enum": ["up", "down", None]}}),
    "Error": _object({"error": _object(_each("code message hint", _TEXT))}),
}  # fmt: skip


def document() -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    paths: dict[str, Any] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    bodies = [endpoint.body for endpoint in ENDPOINTS if endpoint.body]
    _, components = msgspec.json.schema_components(bodies, ref_template=REF)
    return {
        "openapi": "3.1.0",
        "info": {"title": "pithy-local", "version": __version__, "description": "Type a task, get a pull request."},
        "paths": paths,
        "components": {
            "schemas": {**SCHEMAS, **components},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "serve.token's text"}},
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    statuses = [*endpoint.errors, *ALWAYS, *([] if endpoint.open else [401])]
    operation: dict[str, Any] = {
        "operationId": f"{endpoint.method.lower()}_{'_'.join(re.findall(r'[a-z]+', endpoint.path))}",
        "summary": endpoint.summary,
        "security": [] if endpoint.open else [{"token": []}],
        "responses": {
            **{str(code): _response("Error", HTTPStatus(code).phrase) for code in sorted(set(statuses))},
            **{str(code): _good(endpoint, text) for code, text in endpoint.good.items()},
        },
    }
    if parameters := list(_parameters(endpoint)):
        operation["parameters"] = parameters
    if endpoint.body is not None:
        schema = {"$ref": REF.format(name=endpoint.body.__name__)}
        operation["requestBody"] = {
            "required": endpoint.body_required, "content": {"application/json": {"schema": schema}}
        }  # fmt: skip
    return operation


def _parameters(endpoint: Endpoint) -> Iterable[dict[str, Any]]:
    named = [Parameter(name=name, where="path", schema=_TEXT, text="an id, or a unique beginning of one", required=True)
             for name in re.findall(r"{(\w+)}", endpoint.path)]  # fmt: skip
    for parameter in (*named, *endpoint.parameters):
        yield {
            "name": parameter.name, "in": parameter.where, "required": parameter.required, "schema": parameter.schema,
            "description": parameter.text,
        }  # fmt: skip


def _good(endpoint: Endpoint, text: str) -> dict[str, Any]:
    content = {
        media: {"schema": {"$ref": REF.format(name=name)} if name else _TEXT}
        for media, name in endpoint.content.items()
    }
    return {"description": text, "content": content}


def _response(name: str, text: str) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": {"$ref": REF.format(name=name)}}}}
