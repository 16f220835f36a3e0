"""`completion`: the script is the shell's own to read, and what it asks is answered."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from pithy_local.cli.main import VERBS
from pithy_local.models import Status
from tests.cli.support import Cli


def complete(cli: Cli, *words: str) -> list[tuple[str, str]]:
    """What fits the last of `words`, with its explanation, as zsh's script asks for it."""
    line = " ".join(["pithy-local", *words])
    done = cli(env={"_PITHY_LOCAL_COMPLETE": "zsh_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words))})
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    return list(zip(lines[1::3], lines[2::3], strict=True))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(cli: Cli, shell: str) -> None:
    done = cli("completion", shell)
    assert done.code == 0
    assert "_PITHY_LOCAL_COMPLETE" in done.out
    assert f"{shell}_complete" in done.out


def test_bash_reads_its_script_and_completes_with_it(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> None:
    if shutil.which("bash") is None:
        pytest.skip("there is no bash on this machine")
    program = tmp_path_factory.mktemp("bin") / "pithy-local"
    program.write_text(f'#!/bin/sh\nexec {cli.argv()[0]} -m pithy_local "$@"\n')
    program.chmod(0o755)
    script = f"""{cli("completion", "bash").out}
COMP_WORDS=(pithy-local resu) COMP_CWORD=1
_pithy_local_completion pithy-local
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    env = cli.env | {"PATH": f"{program.parent}:{cli.env['PATH']}"}
    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, timeout=100, check=False)
    assert (done.stdout, done.stderr) == ("resume\n", "")


def test_an_unknown_shell_is_bad_input(cli: Cli) -> None:
    done = cli("completion", "tcsh")
    assert (done.code, len(done.error_lines)) == (2, 2)


def test_every_verb_is_offered_with_its_line(cli: Cli) -> None:
    assert complete(cli, "") == [(name, verb.summary) for name, verb in VERBS.items()]
    assert [name for name, _ in complete(cli, "re")] == ["retry", "reject", "replay", "resume"]


def test_options_are_offered(cli: Cli) -> None:
    assert [name for name, _ in complete(cli, "retry", "--f")] == ["--feedback"]


def test_ids_are_offered_with_what_they_are(cli: Cli) -> None:
    task = cli.seed(title="Fix\tthe\nflaky test")
    assert complete(cli, "show", task.id[:4]) == [(task.id, "queued: Fix     the ⏎ flaky test")]
    assert complete(cli, "show", "zzz") == []


def test_only_ids_are_offered_that_the_verb_takes(cli: Cli) -> None:
    cli.seed()
    question = cli.seed_settled(Status.NEEDS_CLARIFICATION)
    review = cli.seed_settled(Status.NEEDS_REVIEW)
    offered = {verb: [found for found, _ in complete(cli, verb, "")] for verb in ("answer", "accept", "reject")}
    assert offered == {"answer": [question.id], "accept": [review.id], "reject": [review.id, question.id]}


def test_ids_come_from_the_home_that_was_named(cli: Cli) -> None:
    task = cli.seed()
    assert complete(cli, "--home", str(cli.home.root.parent / "other"), "show", "") == []
    assert complete(cli, "--home", str(cli.home.root), "show", "")[0][0] == task.id


def test_a_broken_configuration_offers_nothing_and_says_nothing(cli: Cli) -> None:
    cli.config.write_text("nonsense")
    assert complete(cli, "show", "") == []


def test_a_shell_that_asks_wrongly_gets_no_traceback_into_its_line(cli: Cli) -> None:
    done = cli(env={"_PITHY_LOCAL_COMPLETE": "bash_complete", "COMP_WORDS": "pithy-local", "COMP_CWORD": "x"})
    assert (done.code, done.out, done.err) == (1, "", "")
