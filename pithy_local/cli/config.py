"""`config show`, `config path`, `config check`: the settings in force, and the file they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pithy_local.cli import render
from pithy_local.cli.command import State, VerbGroup, pass_state
from pithy_local.errors import ErrorCode, UsageError

if TYPE_CHECKING:
    from pithy_local.config import Settings


@click.group(cls=VerbGroup)
def config() -> None:
    """Show, find or check the configuration."""


@config.command()
@pass_state
def show(state: State) -> int:
    """Print the settings in force.

    Environment included, as the text of a configuration file; with --json as an object. Keys and tokens are no
    settings: they come from the environment alone and are not shown. Of the addresses in `notify.urls`
    only the kind is shown.
    """
    import msgspec

    from pithy_local.config import as_toml, load

    settings = _without_secrets(load(state.config, state.env))
    if state.json:
        render.out_json(msgspec.to_builtins(settings))
    else:
        render.out(render.safe_text(as_toml(settings)))
    return 0


@config.command()
@pass_state
def path(state: State) -> int:
    """Print where the configuration file is, or would be."""
    from pithy_local.paths import find_config

    file, named = find_config(state.config, state.env)
    if state.json:
        render.out_json({"path": str(file), "exists": file.is_file()})
    else:
        render.out(render.tsv([file]))
        if not file.is_file():
            what = "and it was named: other commands cannot go on without it" if named else "yet: the defaults hold"
            state.say(f"There is no such file {what}. `pithy-local init` writes it.")
    return 0


@config.command()
@pass_state
def check(state: State) -> int:
    """Read the configuration and say what is wrong with it.

    Exit code 0 if all is well, 2 with file, key and reason if not.
    """
    from pithy_local.config import load
    from pithy_local.paths import find_config

    file, _ = find_config(state.config, state.env)
    settings = load(state.config, state.env)
    _check_addresses(settings, str(file))
    if state.check is not None:
        state.check(settings)
    state.say(f"{file}: ok" if file.is_file() else f"{file}: there is no such file, the defaults hold")
    return 0


def _without_secrets(settings: Settings) -> Settings:
    """The addresses of notifications hold passwords: `mailto://***`. So does `serve.webhook_secret`, which is one."""
    from msgspec.structs import replace

    from pithy_local.notify import shown
    from pithy_local.redact import MASK

    urls = tuple(shown(url) for url in settings.notify.urls)
    serve = replace(settings.serve, webhook_secret=MASK if settings.serve.webhook_secret else "")
    return replace(settings, notify=replace(settings.notify, urls=urls), serve=serve)


def _check_addresses(settings: Settings, source: str) -> None:
    """Raises UsageError(config) for addresses that no notification can be sent to."""
    from pithy_local.notify import check_urls

    problems = check_urls(settings.notify.urls)
    if problems:
        raise UsageError(f"{source}: {'; '.join(problems)}", code=ErrorCode.CONFIG)
