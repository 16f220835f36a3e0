"""`completion`: the script that teaches a shell to complete verbs, options and task ids."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from pithy_local.cli import render
from pithy_local.cli.command import Verb


@click.command(cls=Verb)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the completion script for bash, zsh or fish.

    \b
    In ~/.bashrc:  eval "$(pithy-local completion bash)"
    In ~/.zshrc:   eval "$(pithy-local completion zsh)"
    For fish:      pithy-local completion fish > ~/.config/fish/completions/pithy-local.fish
    """
    from pithy_local.cli.main import COMPLETE, PROGRAM, root

    found = get_completion_class(shell)
    assert found is not None
    render.out(found(root, {}, PROGRAM, COMPLETE).source().rstrip("\n"))
    return 0
