"""Names as other file systems read them, and protected globs."""

from __future__ import annotations

import time

import pytest

from pithy_local.git.names import Globs, looks_like_git, looks_like_gitmodules, shown


@pytest.mark.parametrize(
    "name",
    [".git", ".GIT", ".Git", ".g\u200cit", "\ufeff.git", ".gi\u206at", "git~1", "GIT~2", ".git.", ".git ", ".git. . ",
     ".git::$INDEX_ALLOCATION", ".git:x", ".GIT::$index_allocation"],
)  # fmt: skip
def test_what_some_system_takes_for_dot_git(name: str) -> None:
    assert looks_like_git(name)


@pytest.mark.parametrize("name", [".gitignore", ".gitattributes", ".github", "git", "git~", "x.git", ".gitx", "agit~1"])
def test_what_none_does(name: str) -> None:
    assert not looks_like_git(name)
    assert not looks_like_gitmodules(name)


@pytest.mark.parametrize(
    "name", [".gitmodules", ".GITMODULES", ".gitmodules.", "GITMOD~1", "gi7eba~1", ".git\u200dmodules"]
)
def test_what_some_system_takes_for_gitmodules(name: str) -> None:
    assert looks_like_gitmodules(name)


@pytest.mark.parametrize(
    ("pattern", "path", "covered"),
    [
        (".github/workflows/**", ".github/workflows/ci.yml", True),
        (".github/workflows/**", ".github/workflows/a/b/c.yml", True),
        (".github/workflows/**", ".github/workflows", False),
        (".github/workflows/**", ".github/workflowsx/ci.yml", False),
        (".github/workflows/**", "sub/.github/workflows/ci.yml", False),
        (".github/workflows/**", ".GitHub/Workflows/CI.yml", True),
        (".github/workflows/**", ".github./workflows /ci.yml", True),
        (".github/workflows/**", ".git\u200chub/workflows/ci.yml", True),
        (".pithy.toml", ".pithy.toml", True),
        (".pithy.toml", "sub/.pithy.toml", True),
        (".pithy.toml", "x.pithy.toml", False),
        ("/.pithy.toml", ".pithy.toml", True),
        ("/.pithy.toml", "sub/.pithy.toml", False),
        ("*.lock", "a/b/uv.lock", True),
        ("*.lock", "a/uv.lock/x", True),
        ("docs/", "docs/a.md", True),
        ("docs/", "a/docs/b.md", True),
        ("docs", "docs/a/b.md", True),
        ("a/*/c", "a/b/c", True),
        ("a/*/c", "a/b/b/c", False),
        ("a/**/c", "a/c", True),
        ("a/**/c", "a/b/b/c", True),
        ("**/secrets/*", "x/y/secrets/key", True),
        ("**/secrets/*", "secrets/key", True),
        ("**", "anything", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[^a]x", "bx", True),
        ("[^a]x", "ax", False),
        ("É.txt", "e\u0301.TXT", True),
    ],
)  # fmt: skip
def test_globs(pattern: str, path: str, covered: bool) -> None:
    assert (Globs((pattern,)).match(path) == pattern) is covered


def test_empty_patterns_cover_nothing() -> None:
    assert Globs(("", "  ", "/")).match("a") is None


def test_a_pattern_made_to_be_slow_is_not() -> None:
    started = time.process_time()
    Globs(("**/" * 40 + "x", "*a" * 60 + "b")).match("/".join(["a" * 200] * 5 + ["a/" * 200]).rstrip("/"))
    assert time.process_time() - started < 5


def test_what_is_shown_has_no_control_characters() -> None:
    assert shown(b"a\nb\x1b[31m\xff") == r"a\nb\x1b[31m\xff"
    assert shown("x\u202ey") == r"x\u202ey"
    assert len(shown("x" * 9000)) == 201
