"""`doctor`: this machine's checks, each with its fix."""

from __future__ import annotations

import click

from pithy_local.cli import render
from pithy_local.cli.command import State, Verb, pass_state
from pithy_local.cli.render import Screen
from pithy_local.errors import ExitCode
from pithy_local.text import safe_line

WORDS = {True: ("✓", "ok", "32"), None: ("!", "warning", "33"), False: ("✗", "failed", "31")}


@click.command(cls=Verb)
@pass_state
def doctor(state: State) -> int:
    """Check this machine: engine, sandbox image, git, model key, GitHub token, disk.

    Exit code 3 if a check fails; warnings do not count. In a pipe: name, ok | warning | failed, message, fix. With
    --json: an array of objects (name, ok, message, fix); `ok` is null for a warning.
    """
    from pithy_local.doctor import run_checks

    screen = Screen.current()
    found = []
    with state.app() as app:
        for check in run_checks(app):
            found.append(check)
            glyph, word, sgr = WORDS[check.ok]
            if state.json:
                continue
            if not screen.tty:
                render.out(render.tsv((check.name, word, check.message, check.fix)))
                continue
            render.out(f"{screen.paint(f'{glyph} {word:<8}', sgr)} {check.name:<13} {safe_line(check.message)}")
            if check.fix:
                render.out(f"{'':>11}{screen.paint('fix:', '2')} {safe_line(check.fix)}")
    if state.json:
        render.out_json([
            {"name": check.name, "ok": check.ok, "message": check.message, "fix": check.fix} for check in found
        ])  # fmt: skip
    return int(ExitCode.ENVIRONMENT if any(check.ok is False for check in found) else ExitCode.OK)
