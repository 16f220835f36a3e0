"""Help, global flags, and what a wrong command line gets."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from pithy_local import __version__
from pithy_local.cli.main import VERBS
from pithy_local.models import Status
from tests.cli.support import Cli


def test_help_is_short_and_names_every_verb(cli: Cli) -> None:
    done = cli("--help")
    assert done.code == 0
    assert all(f"\n  {verb} " in done.out for verb in VERBS)
    assert len(done.out.splitlines()) <= 50
    assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize(
    "verb", [*VERBS, "ls", "config show", "config path", "config check", "image build", "image ls"]
)
def test_each_verb_has_help(cli: Cli, verb: str) -> None:
    done = cli(*verb.split(), "--help")
    assert done.code == 0
    assert done.out.startswith("Usage: pithy-local ")
    assert done.err == ""


@pytest.mark.parametrize("verb", ["workflow"])
def test_a_verb_of_a_later_capability_is_absent(cli: Cli, verb: str) -> None:
    done = cli(verb, "x")
    assert done.code == 2
    assert done.error_lines[0].startswith(f"pithy-local: error: no such command '{verb}'")
    assert len(done.error_lines) == 2


@pytest.mark.parametrize("flag", ["--issue"])
def test_a_flag_of_a_later_capability_is_absent(cli: Cli, flag: str) -> None:
    assert cli("add", "x", "--repo", "a/b", flag, "y").code == 2


@pytest.mark.parametrize("args", [("--version",), ("list", "--version"), ("config", "show", "--version")])
def test_version_is_printed_before_and_after_a_verb(cli: Cli, args: tuple[str, ...]) -> None:
    done = cli(*args)
    assert (done.code, done.out) == (0, f"pithy-local {__version__}\n")


def test_global_flags_count_before_the_verb(cli: Cli) -> None:
    assert cli("--json", "list").out == "[]\n"


def test_global_flags_count_after_the_verb(cli: Cli) -> None:
    assert cli("list", "--json").out == "[]\n"


def test_a_flag_before_the_verb_is_not_undone_after_it(cli: Cli) -> None:
    assert cli("--json", "config", "--quiet", "path").json()["exists"] is True


def test_home_flag_wins_over_the_environment(cli: Cli) -> None:
    cli.seed()
    elsewhere = cli.home.root.parent / "elsewhere"
    assert cli("list", "--home", str(elsewhere)).out == ""
    assert elsewhere.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("args", [("--home",), ("list", "--config"), ("--home", "", "list"), ("list", "--config=")])
def test_a_home_or_a_configuration_that_is_not_named_is_bad_input(cli: Cli, args: tuple[str, ...]) -> None:
    """A script's unset variable must not lead to the home that is there anyway."""
    done = cli(*args)
    assert (done.code, done.out) == (2, "")
    assert next(arg for arg in args if arg.startswith("--")).rstrip("=") in done.error_lines[0]


def test_alone_in_a_pipe_it_lists(cli: Cli) -> None:
    task = cli.seed()
    assert cli().out == cli("list").out
    assert cli().out.startswith(task.id)


def test_a_wrong_flag_is_one_line_with_a_hint(cli: Cli) -> None:
    done = cli("list", "--bogus")
    assert done.code == 2
    assert done.out == ""
    assert done.error_lines[0].startswith("pithy-local: error: no such option '--bogus'")
    assert done.error_lines[1:] == ["hint: See `pithy-local list --help`."]


def test_a_wrong_flag_under_json_is_a_json_error(cli: Cli) -> None:
    done = cli("list", "--bogus", "--json")
    assert done.code == 2
    assert done.error.keys() == {"code", "message", "hint"}
    assert done.error["code"] == "usage"


DASHBOARD = """
import sys
from pithy_local.cli.main import main
sys.exit(main(dashboard=lambda app, worker: print("dashboard, worker", worker) or 7))
"""


def test_alone_on_a_terminal_it_opens_the_dashboard(cli: Cli) -> None:
    cli.program = ["-c", DASHBOARD]
    done = cli.on_terminal()
    assert (done.code, done.out) == (7, "dashboard, worker True\n")


def test_the_dashboard_can_be_opened_to_watch_alone(cli: Cli) -> None:
    cli.program = ["-c", DASHBOARD]
    assert cli.on_terminal("tui", "--no-worker").out == "dashboard, worker False\n"


def test_the_dashboard_needs_a_terminal(cli: Cli) -> None:
    done = cli("tui")
    assert done.code == 2
    assert "needs a terminal" in done.err


@pytest.mark.parametrize(("verb", "commands"), [("config", "show, path, check"), ("image", "build, ls, prune")])
def test_a_group_alone_says_its_commands_in_one_line(cli: Cli, verb: str, commands: str) -> None:
    done = cli(verb)
    assert done.code == 2
    assert done.error_lines == [
        f"pithy-local: error: `pithy-local {verb}` needs a command: {commands}",
        f"hint: See `pithy-local {verb} --help`.",
    ]


def test_a_mistyped_verb_names_the_nearest(cli: Cli) -> None:
    assert cli("lits").error_lines[0] == "pithy-local: error: no such command 'lits'. Did you mean 'list'?"


def test_a_prompt_that_begins_with_a_dash_is_told_where_to_go(cli: Cli) -> None:
    assert "after `--`" in cli("add", "- a list", "--repo", "a/b").error_lines[1]


def test_bytes_that_are_no_utf8_are_bad_input(cli: Cli) -> None:
    done = cli("add", "\udcff", "--repo", "a/b")
    assert (done.code, "UTF-8" in done.error_lines[0]) == (2, True)


@pytest.mark.parametrize("redirection", ["<&-", ">&-", "2>&-"])
def test_a_closed_stream_is_no_error(cli: Cli, redirection: str) -> None:
    cli.seed()
    command = f"{shlex.join(cli.argv('show', 'nope'))} {redirection}"
    done = subprocess.run(["sh", "-c", command], env=cli.env, capture_output=True, timeout=100, check=False)
    assert (done.returncode, b"unexpected" in done.stderr) == (5, False)


@pytest.mark.parametrize("verb", [("retry", "--feedback", " "), ("answer", " ")])
def test_empty_words_for_the_model_get_a_hint_that_fits(cli: Cli, verb: tuple[str, ...]) -> None:
    name, *rest = verb
    status = Status.FAILED if name == "retry" else Status.NEEDS_CLARIFICATION
    done = cli(name, cli.seed_settled(status, question="Which?").id, *rest)
    assert (done.code, "is empty" in done.error_lines[0]) == (2, True)
    assert ("question" if name == "answer" else "differently") in done.error_lines[1]


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GITHUB_TOKEN"])
def test_a_spoilt_key_is_nothing_to_a_verb_that_needs_none(cli: Cli, name: str) -> None:
    done = cli("list", env={name: "canary key\nX: y"})
    assert (done.code, done.err) == (0, "")
