"""Verify commands that fit a repository, read off the files its tools are configured in.

A repository is not trusted: what is proposed are fixed commands, never words out of its files.
"""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pithy_local.config import Secrets

MOST_BYTES = 1_000_000
MANAGERS = {
    "pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn", "bun.lock": "bun", "bun.lockb": "bun", "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
}  # fmt: skip
"""Lock file → who writes it."""
RUNS = {
    "npm": {"test": "npm test", "lint": "npm run lint"}, "pnpm": {"test": "pnpm test", "lint": "pnpm run lint"},
    "yarn": {"test": "yarn test", "lint": "yarn lint"}, "bun": {"test": "bun run test", "lint": "bun run lint"},
}  # fmt: skip
NPM_INIT = "no test specified"
"""What `npm init` puts where a test should be; it always fails."""
TARGET = re.compile(r"^(test|lint|check)\s*:(?!=)", re.MULTILINE)

Found = tuple[str, str]
"""(kind, command): kind is test, lint or types."""


def find_repository(folder: Path) -> Path | None:
    """The work tree that `folder` lies in."""
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), None)


def propose(root: Path) -> tuple[str, ...]:
    """Commands that must pass, tests first; a Makefile's targets only for what nothing else covers."""
    found = [*_python(root), *_node(root), *_go(root), *_rust(root)]
    found += _make(root, {kind for kind, _ in found})
    order = ("test", "lint", "types")
    return tuple(dict.fromkeys(command for kind in order for found_kind, command in found if found_kind == kind))


def likely_provider(secrets: Secrets, otherwise: str) -> str:
    """The provider whose key is there, where it is the only one."""
    there = [name for name in ("openai", "anthropic") if secrets.api_key(name)]
    return there[0] if len(there) == 1 else otherwise


def _python(root: Path) -> Iterator[Found]:
    tools = _toml(root / "pyproject.toml").get("tool")
    tools = tools if isinstance(tools, dict) else {}
    sections = _sections(root / "setup.cfg") | _sections(root / "tox.ini")
    if "pytest" in tools or (root / "pytest.ini").is_file() or {"tool:pytest", "pytest"} & sections:
        yield "test", "pytest -q"
    if "ruff" in tools or (root / "ruff.toml").is_file() or (root / ".ruff.toml").is_file():
        yield "lint", "ruff check ."
    own = _sections(root / "mypy.ini") | _sections(root / ".mypy.ini") | sections
    if "mypy" in tools or "mypy" in own:
        settings = tools.get("mypy")
        named = isinstance(settings, dict) and not settings.keys().isdisjoint({"files", "packages", "modules"})
        yield "types", "mypy" if named else "mypy ."


def _node(root: Path) -> Iterator[Found]:
    package = _json(root / "package.json")
    scripts = package.get("scripts")
    if not isinstance(scripts, dict):
        return
    locked = next((manager for lock, manager in MANAGERS.items() if (root / lock).is_file()), None)
    declared = str(package.get("packageManager", "")).partition("@")[0]
    runs = RUNS[locked or (declared if declared in RUNS else "npm")]
    if "test" in scripts and NPM_INIT not in str(scripts["test"]):
        yield "test", runs["test"]
    if "lint" in scripts:
        yield "lint", runs["lint"]


def _go(root: Path) -> Iterator[Found]:
    if (root / "go.mod").is_file():
        yield from (("test", "go test ./..."), ("lint", "go vet ./..."))


def _rust(root: Path) -> Iterator[Found]:
    if (root / "Cargo.toml").is_file():
        yield "test", "cargo test"


def _make(root: Path, covered: set[str]) -> Iterator[Found]:
    text = next((text for name in ("GNUmakefile", "makefile", "Makefile") if (text := _text(root / name))), "")
    targets = set(TARGET.findall(text))
    if "test" not in covered and targets & {"test", "check"}:
        yield "test", "make test" if "test" in targets else "make check"
    if "lint" not in covered and "lint" in targets:
        yield "lint", "make lint"


def _text(path: Path) -> str:
    """ "" for what is not there, is no text or is beyond all measure."""
    try:
        if path.is_file() and path.stat().st_size <= MOST_BYTES:
            return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        pass  # a proposal less
    return ""


def _toml(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(_text(path))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _json(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(_text(path) or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _sections(path: Path) -> set[str]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(_text(path))
    except configparser.Error:
        return set()
    return set(parser.sections())
