"""GitHub's own description of its API as a judge: does this request, does this answer keep to it?

Source and licence of the description: `tests/contracts/README.md`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

CONTRACT = Path(__file__).parents[1] / "contracts" / "github-contract.json"

UNDOCUMENTED_STATUSES = frozenset({401, 403, 404, 429, 500, 502, 503})
"""Rule outside the schema: GitHub answers these for any operation, whether its description names them or not.
Their body is held against `basic-error`."""

_SLASHES_ALLOWED = frozenset({"ref", "branch", "path"})
"""Rule outside the schema: these path parameters may hold slashes where they end the path."""


@dataclass(frozen=True, kw_only=True)
class Match:
    """A request's operation and its decoded path parameters."""

    operation: str
    path: dict[str, str]


class Contract:
    """The operations by their GitHub ids (`pulls/create`), with validators made once each."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._operations: dict[str, dict[str, Any]] = document["operations"]
        self._definitions: dict[str, Any] = document["$defs"]
        self._validators: dict[str, jsonschema_rs.Draft202012Validator] = {}
        self._routes = [(op, entry["method"], _pattern(entry["path"])) for op, entry in self._operations.items()]

    def match(self, method: str, path: str) -> Match | None:
        """The operation of this method and percent-encoded path, None where the contract has none."""
        for operation, its_method, pattern in self._routes:
            found = pattern.fullmatch(path) if its_method == method else None
            if found:
                return Match(operation=operation, path={k: unquote(v) for k, v in found.groupdict().items()})
        return None

    def example(self, operation: str, status: int) -> Any:
        """A fresh copy of GitHub's own example of this answer."""
        return json.loads(json.dumps(self._operations[operation]["responses"][str(status)]["example"]))

    def request_problems(self, match: Match, query: Sequence[tuple[str, str]], body: bytes) -> list[str]:
        """What is wrong with a request, in words; empty when it keeps to the contract."""
        entry = self._operations[match.operation]
        parameters = {(p["in"], p["name"]): p for p in entry["params"]}
        problems: list[str] = []
        for where, pairs in (("path", list(match.path.items())), ("query", list(query))):
            for name, value in pairs:
                parameter = parameters.get((where, name))
                if parameter is None:
                    problems.append(f"{where} parameter {name!r} is not in the contract")
                else:
                    key = f"{match.operation} {where} {name}"
                    problems += self._check(key, parameter["schema"], _typed(parameter["schema"], value))
        sent = {name for name, _ in query}
        for (where, name), parameter in parameters.items():
            if where == "query" and parameter["required"] and name not in sent:
                problems.append(f"query parameter {name!r} is missing")
        return problems + self._body_problems(match.operation, entry["body"], body)

    def answer_problems(self, operation: str, status: int, body: Any) -> list[str]:
        """What is wrong with an answer, in words. `body` is JSON data, None for an empty body."""
        documented = self._operations[operation]["responses"].get(str(status))
        if documented is None:
            if status not in UNDOCUMENTED_STATUSES:
                return [f"status {status} is not in the contract"]
            return self._check("basic-error", {"$ref": "#/$defs/basic-error"}, body)
        if documented["schema"] is None:
            return [] if body is None else [f"status {status} has no body in the contract"]
        return self._check(f"{operation} {status}", documented["schema"], body)

    def _body_problems(self, operation: str, expected: dict[str, Any] | None, body: bytes) -> list[str]:
        if not body:
            return ["the request body is missing"] if expected and expected["required"] else []
        if expected is None:
            return ["a request body where the contract has none"]
        try:
            data = json.loads(body)
        except ValueError as error:
            return [f"the request body is not JSON: {error}"]
        unknown = set(data) - set(expected["schema"].get("properties", {})) if isinstance(data, dict) else set()
        # GitHub ignores what it does not know; a misspelt field is a fault of the caller all the same.
        return [f"body field {name!r} is not in the contract" for name in sorted(unknown)] + self._check(
            f"{operation} body", expected["schema"], data
        )

    def _check(self, key: str, schema: dict[str, Any], instance: Any) -> list[str]:
        if key not in self._validators:
            self._validators[key] = jsonschema_rs.Draft202012Validator(
                {**schema, "$defs": self._definitions}, validate_formats=True, ignore_unknown_formats=True
            )
        return [
            f"{key}: {error.message[:300]} at /{'/'.join(str(step) for step in error.instance_path)}"
            for error in self._validators[key].iter_errors(instance)
        ]


@cache
def load_contract() -> Contract:
    """The contract beside the tests, read once for each process."""
    return Contract(json.loads(CONTRACT.read_text(encoding="utf-8")))


def _pattern(template: str) -> re.Pattern[str]:
    """`/repos/{owner}/git/ref/{ref}` as a regular expression with one named group for each parameter."""
    expression = ""
    for part in re.split(r"(\{\w+\})", template):
        name = part.strip("{}")
        if not part.startswith("{"):
            expression += re.escape(part)
        elif name in _SLASHES_ALLOWED and template.endswith(part):
            expression += f"(?P<{name}>.+)"
        else:
            expression += f"(?P<{name}>[^/]+)"
    return re.compile(expression)


def _typed(schema: dict[str, Any], text: str) -> Any:
    """Parameters travel as text: read numbers and truth values where the schema wants them, else leave the text."""
    kinds = json.dumps(schema)
    if '"integer"' in kinds and re.fullmatch(r"-?\d+", text):
        return int(text)
    if '"boolean"' in kinds and text in ("true", "false"):
        return text == "true"
    return text
