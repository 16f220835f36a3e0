"""`config show`, `config path`, `config check`: the settings in force, and the file they come from."""

from __future__ import annotations

import click

from pithy_local.cli import render
from pithy_local.cli.command import State, VerbGroup, pass_state


@click.group(cls=VerbGroup)
def config() -> None:
    """Show, find or check the configuration."""


@config.command()
@pass_state
def show(state: State) -> int:
    """Print the settings in force.

    Environment included, as the text of a configuration file; with --json as an object. Keys and tokens are no
    settings: they come from the environment alone and are not shown.
    """
    import msgspec

    from pithy_local.config import as_toml, load

    settings = load(state.config, state.env)
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

    file, _ = find_config(state.config, state.env)
    if state.json:
        render.out_json({"path": str(file), "exists": file.is_file()})
    else:
        render.out(render.tsv([file]))
        if not file.is_file():
            state.say(
                "There is no such file yet: the defaults hold. `pithy-local config show` prints one to begin with."
            )
    return 0


@config.command()
@pass_state
def check(state: State) -> int:
    """Read the configuration and say what is wrong with it.

    Exit code 0 if all is well, 2 with file, key and reason if not.
    """
    from pithy_local.config import load
    from pithy_local.paths import find_config

    load(state.config, state.env)
    file, _ = find_config(state.config, state.env)
    state.say(f"{file}: ok" if file.is_file() else f"{file}: there is no such file, the defaults hold")
    return 0
