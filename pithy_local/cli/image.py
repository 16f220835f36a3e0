"""`image build`, `image ls`, `image prune`: the sandbox image."""

from __future__ import annotations

import click

from pithy_local.cli import render
from pithy_local.cli.command import State, VerbGroup, pass_state
from pithy_local.cli.render import Screen
from pithy_local.clock import iso
from pithy_local.text import short_age


@click.group(cls=VerbGroup)
def image() -> None:
    """Build, list or prune the sandbox image."""


@image.command()
@pass_state
def build(state: State) -> int:
    """Build the sandbox image now, if it is not there.

    Prints its name. Otherwise the first task that runs in a container builds it.
    """
    from pithy_local import service

    with state.app() as app:
        built = service.build_image(app, state.say)
    if state.json:
        render.out_json({"image": built})
    else:
        render.out(render.tsv([built]))
    return 0


@image.command()
@pass_state
def ls(state: State) -> int:
    """List the sandbox images on this engine.

    In a pipe: tag, id, created, bytes, and `current` or nothing.
    """
    from pithy_local import service

    screen = Screen.current()
    with state.app() as app:
        images = service.list_images(app)
        now = app.clock.now_ms()
    if state.json:
        render.out_json([
            {"tag": found.tag, "id": found.id, "created_at": iso(found.created), "bytes": found.size,
             "current": found.current} for found in images
        ])  # fmt: skip
    elif not screen.tty:
        for found in images:
            mark = "current" if found.current else ""
            render.out(render.tsv((found.tag, found.id, iso(found.created), found.size, mark)))
    elif images:
        rows = [
            (found.tag, found.id.removeprefix("sha256:")[:12], short_age(now - found.created), render.size(found.size),
             "● current" if found.current else "")
            for found in images
        ]  # fmt: skip
        render.out(render.table(("TAG", "ID", "AGE", "SIZE", ""), rows, screen, flexible=(0,)))
    else:
        state.say("No sandbox image yet: the first task builds it, or `pithy-local image build`.")
    return 0


@image.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_state
def prune(state: State, yes: bool) -> int:
    """Remove every sandbox image but the current one.

    Prints the removed tags, and ids of what a build that was cut off left. Images that a container uses stay.
    """
    from pithy_local import service

    with state.app() as app:
        old = service.unused_images(app)
        removed: list[str] = []
        if old:
            total = render.size(sum(found.size for found in old))
            state.confirm(f"Remove {render.number_of(len(old), 'sandbox image')} ({total})", yes=yes)
            removed = service.prune_images(app)
    if state.json:
        render.out_json(removed)
    else:
        for tag in removed:
            render.out(render.tsv([tag]))
        if not removed:
            state.say("Nothing to remove.")
    return 0
