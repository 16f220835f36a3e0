"""`init`: a first configuration, question by question, and what this machine still lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pithy_local.cli import render
from pithy_local.cli.command import State, Verb, pass_state
from pithy_local.cli.doctor import as_json, shown
from pithy_local.cli.questions import Questions
from pithy_local.errors import ExitCode, PithyError, Refused, UsageError

if TYPE_CHECKING:
    from pithy_local.config import Settings
    from pithy_local.service import App


@click.command(cls=Verb)
@click.option("--yes", is_flag=True, help="Ask nothing: take the defaults and what is proposed.")
@click.option("--force", is_flag=True, help="Replace a configuration that is there.")
@click.option("--build", is_flag=True, help="Build the sandbox image without asking.")
@pass_state
def init(state: State, yes: bool, force: bool, build: bool) -> int:
    """Write a first configuration, question by question.

    Asks for executor, model, budget and what to do with a finished change; proposes verify commands for the repository
    around the current directory, to be kept in its .pithy.toml; offers to build the sandbox image; runs the doctor.
    Keys are looked for in the environment and never stored. In a pipe: `config` or `repository`, and the file written.
    """
    from pithy_local.paths import find_config

    path, _ = find_config(state.config, state.env)
    _permit(state, path, yes=yes, force=force)
    questions = Questions(state, asking=not yes)
    written = _write(path, questions, _present(state, path))
    _tell(state, written)
    with replace(state, config=str(path)).app() as app:
        if app.settings.executor == "docker":
            _offer_image(state, app, questions, build=build)
        _examine(state, app, written)
    return int(ExitCode.OK)


def _permit(state: State, path: Path, *, yes: bool, force: bool) -> None:
    """Raises UsageError where nobody can be asked or nothing can be written, Refused where a file would be lost; a no
    ends with exit code 1."""
    from pithy_local.scaffold.files import check_writable

    if not yes and not state.may_ask:
        hint = "Add --yes: it takes the defaults and what is proposed."
        raise UsageError("`init` asks questions, and nobody can be asked here", hint=hint)
    check_writable(path)
    if path.exists() and not force:
        if yes:
            hint = "--force replaces it; `pithy-local config show` prints what it says."
            raise Refused(f"{path} is there already", hint=hint)
        state.confirm(f"{path} is there already. Go through its settings and replace it", yes=False)


def _present(state: State, path: Path) -> Settings:
    """The settings of the file that is replaced, else the defaults; the environment's do not become part of a file."""
    from pithy_local import config

    if not path.is_file():
        return config.Settings()
    try:
        return config.load(str(path), {})
    except UsageError as error:
        state.say(f"what stands there is no good, the defaults are taken: {error.message}")
        return config.Settings()


def _write(path: Path, questions: Questions, present: Settings) -> dict[str, Path]:
    """Ask, then write; what was written, by its kind. Nothing is written before the last answer."""
    from msgspec.structs import replace as changed

    from pithy_local.scaffold.files import write_config, write_verify

    settings = questions.settings(present)
    verify = questions.verify(Path.cwd())
    if verify.commands and verify.repository is None:
        settings = changed(settings, sandbox=changed(settings.sandbox, verify=verify.commands))
    write_config(path, settings)
    written = {"config": path}
    if verify.commands and verify.repository is not None:
        written["repository"] = write_verify(verify.repository, verify.commands)
    return written


def _tell(state: State, written: Mapping[str, Path]) -> None:
    """What was written, and what counts more than it."""
    from pithy_local.config import ENVIRONMENT

    state.say(f"written: {written['config']}")
    if "repository" in written:
        state.say(f"written: {written['repository']}; commit it: tasks read it from the base commit")
    named = [name for name in ENVIRONMENT if state.env.get(name)]
    if named:
        state.say(f"in the environment, and counting more than the file: {', '.join(named)}")


def _offer_image(state: State, app: App, questions: Questions, *, build: bool) -> None:
    """Build the sandbox image now, if the user wants it. An engine that fails is the doctor's to explain."""
    from pithy_local import service

    try:
        if any(image.current for image in service.list_images(app)):
            return
        if build or (questions.asking and questions.agree("Build the sandbox image now (some minutes, once)")):
            service.build_image(app, state.say)
        else:
            state.say("the first task builds the sandbox image; `pithy-local image build` does it now")
    except PithyError as error:
        state.say(f"no sandbox image yet: {error.message}")


def _examine(state: State, app: App, written: Mapping[str, Path]) -> None:
    """The doctor's findings: all of them on a terminal, in a pipe those that are not fine, as narration."""
    from pithy_local.doctor import run_checks

    tty = render.Screen.current().tty
    found = shown(run_checks(app), quiet=state.json or not tty)
    if state.json:
        files = {name: str(path) for name, path in written.items()}
        render.out_json({"config": None, "repository": None, **files, "checks": [as_json(check) for check in found]})
        return
    if not tty:
        for name, path in written.items():
            render.out(render.tsv((name, path)))
        for check in found:
            if check.ok is not True:
                state.say(f"{check.name}: {check.message}. {check.fix}")
    failed = sum(check.ok is False for check in found)
    if failed:
        state.say(f"{render.number_of(failed, 'check')} failed; `pithy-local doctor` looks again")
    else:
        state.say('ready: `pithy-local add "…" --repo owner/name`, then `pithy-local run`')
