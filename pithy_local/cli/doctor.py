"""`doctor`: this machine's checks, each with its fix."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import click

from pithy_local.cli import render
from pithy_local.cli.command import State, Verb, pass_state
from pithy_local.cli.render import Screen
from pithy_local.errors import ExitCode, PithyError, UsageError
from pithy_local.text import safe_line

if TYPE_CHECKING:
    from pithy_local.doctor import Check, Facts

WORDS = {True: ("✓", "ok", "32"), None: ("!", "warning", "33"), False: ("✗", "failed", "31")}


@click.command(cls=Verb)
@pass_state
def doctor(state: State) -> int:
    """Check this machine, and start a sealed container to look around in it.

    Engine, sandbox image, git, model, GitHub token, clock, proxy, certificates, disk: each finding with its fix. Exit
    code 3 if a check fails; warnings do not count. In a pipe: name, ok | warning | failed, message, fix. With --json:
    an array of objects (name, ok, message, fix); `ok` is null for a warning.
    """
    from pithy_local.doctor import run_checks

    with _facts(state) as facts:
        found = shown(run_checks(facts), quiet=state.json)
    if state.json:
        render.out_json([as_json(check) for check in found])
    return int(ExitCode.ENVIRONMENT if any(check.ok is False for check in found) else ExitCode.OK)


@contextmanager
def _facts(state: State) -> Iterator[Facts]:
    """The product, opened; where its home cannot be, what there is without it. Raises UsageError (config)."""
    from pithy_local.clock import SystemClock
    from pithy_local.config import load, read_secrets
    from pithy_local.doctor import Unopened
    from pithy_local.paths import find_home

    with ExitStack() as opened:
        facts: Facts
        try:
            facts = opened.enter_context(state.app())
        except UsageError:
            raise
        except PithyError as error:
            facts = Unopened(
                settings=load(state.config, state.env), secrets=read_secrets(state.env), clock=SystemClock(),
                home=find_home(state.home, state.env), env=state.env, problem=error,
            )  # fmt: skip
        yield facts


def shown(checks: Iterable[Check], *, quiet: bool) -> list[Check]:
    """Print each check as soon as it is there, unless `quiet`; all of them."""
    screen = Screen.current()
    found = []
    for check in checks:
        found.append(check)
        glyph, word, sgr = WORDS[check.ok]
        if quiet:
            continue
        if not screen.tty:
            render.out(render.tsv((check.name, word, check.message, check.fix)))
            continue
        render.out(f"{screen.paint(f'{glyph} {word:<8}', sgr)} {check.name:<13} {safe_line(check.message)}")
        if check.fix:
            render.out(f"{'':>11}{screen.paint('fix:', '2')} {safe_line(check.fix)}")
    return found


def as_json(check: Check) -> dict[str, Any]:
    return {"name": check.name, "ok": check.ok, "message": check.message, "fix": check.fix}
