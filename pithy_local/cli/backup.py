"""`backup`: the whole home in one file."""

from __future__ import annotations

from pathlib import Path

import click

from pithy_local.cli import render
from pithy_local.cli.command import State, Verb, pass_state
from pithy_local.errors import ExitCode


@click.command(cls=Verb)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Replace a file that exists, without asking.")
@pass_state
def backup(state: State, file: Path, yes: bool) -> int:
    """Save the queue, the logs and the artifacts in FILE, a tar archive that only you may read; print its name.

    Work goes on meanwhile. It is restored by unpacking it into an empty folder and using that as the home:
    `mkdir HOME; tar -xf FILE -C HOME; pithy-local --home HOME list`. Keys and tokens are not in it.
    """
    from pithy_local import service

    with state.app() as app:
        exists = file.is_file()
        if exists:
            state.confirm(f"Replace {file}", yes=yes)
        size = service.backup(app, file, replace=exists)
    if state.json:
        render.out_json({"file": str(file.absolute()), "bytes": size})
    else:
        render.out(str(file))
    return int(ExitCode.OK)
