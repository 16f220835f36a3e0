"""What a verb imports: start-up time counts, and a broken SDK must not break `list`."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pithy_local.models import Status
from tests.cli.support import Cli

HEAVY = {
    "textual", "rich", "docker", "openai", "anthropic", "github", "git", "starlette", "uvicorn", "httpx2", "h11",
    "asyncio", "requests", "urllib3", "pydantic", "sqlite_utils", "apprise", "genai_prices",
}  # fmt: skip

PROBE = """
import io, json, sys
from pithy_local.__main__ import main
sys.argv[1:], out, sys.stdout = {args!r}, sys.stdout, io.StringIO()
code = main()
out.write(json.dumps([code, sorted(sys.modules)]))
"""


def modules_after(cli: Cli, *args: str) -> tuple[int, set[str]]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(args=list(args))], env=cli.env, capture_output=True, timeout=100, check=True
    )
    code, modules = json.loads(done.stdout)
    return code, set(modules)


@pytest.mark.parametrize(
    "args",
    [
        ("--help",), ("list",), ("list", "--json"), ("list", "--repo", "acme/api"), ("add", "--help"),
        ("config", "path"), ("config", "show"), ("pause",), ("resume",), ("stats",), ("stats", "--by", "model"),
        ("prune", "--yes"), ("completion", "zsh"), ("retry", "--help"),
    ],
)  # fmt: skip
def test_light_verbs_import_no_sdk(cli: Cli, args: tuple[str, ...]) -> None:
    cli.seed()
    code, modules = modules_after(cli, *args)
    assert code == 0
    assert not modules & HEAVY


@pytest.mark.parametrize("verb", ["show", "retry", "reject", "rm", "cancel"])
def test_verbs_on_a_task_import_no_sdk(cli: Cli, verb: str) -> None:
    task = cli.seed_settled(Status.NEEDS_REVIEW, diff=b"x")
    code, modules = modules_after(cli, verb, task.id, *(["--yes"] if verb == "rm" else []))
    assert code == 0
    assert not modules & HEAVY


def test_help_imports_no_verb(cli: Cli) -> None:
    _, modules = modules_after(cli, "--help")
    loaded = {name for name in modules if name.startswith("pithy_local.")}
    assert loaded == {
        "pithy_local.__main__", "pithy_local.cli", "pithy_local.cli.main", "pithy_local.cli.command",
        "pithy_local.cli.exit_codes", "pithy_local.errors",
    }  # fmt: skip
