"""`diff`: the patch of a task, byte for byte in a pipe, coloured and safe on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import click

from pithy_local.cli import render
from pithy_local.cli.command import State, Verb, pass_state
from pithy_local.cli.page import refusals
from pithy_local.cli.params import COUNT, task_argument
from pithy_local.cli.render import Screen
from pithy_local.errors import NotThereYet
from pithy_local.git.diff_header import FILE, hunk_of, path_of
from pithy_local.text import safe

_HEADER_COLOUR = "1"
_COLOURS = {b"+": "32", b"-": "31", b"@": "36"}


@dataclass(frozen=True, kw_only=True)
class FileStat:
    """One file of a patch; lines added and removed are None for a binary file."""

    path: str
    added: int | None
    removed: int | None


@click.command(cls=Verb)
@task_argument()
@click.option("--stat", is_flag=True, help="Only the files and how many lines changed in each.")
@click.option("--attempt", type=COUNT, metavar="N", help="Of this attempt; the latest otherwise.")
@pass_state
def diff(state: State, task_id: str, stat: bool, attempt: int | None) -> int:
    """Print the patch of the task ID.

    In a pipe it is byte for byte what `git apply` takes; with --stat: added, removed, path, separated by tabs
    (empty for binary files). Exit code 8 while there is none. With --json: one object; bytes of the patch that are no
    UTF-8 are replaced there.
    """
    from pithy_local import service

    screen = Screen.current()
    with state.app() as app:
        task = service.find(app, task_id)
        try:
            patch = service.diff(app, task.id, attempt=attempt)
        except NotThereYet:
            for line in refusals(task.error) if task.error and not state.json else ():
                state.say(line)
            raise
    files = list(file_stats(patch))
    if state.json:
        listed = [{"path": file.path, "added": file.added, "removed": file.removed} for file in files]
        whole = {} if stat else {"diff": patch.decode("utf-8", "replace")}
        render.out_json({"id": task.id, "bytes": len(patch), "files": listed, **whole}, screen)
    elif stat:
        for line in _stat_lines(files, screen):
            render.out(line)
    else:
        print_patch(patch, screen)
    return 0


def print_patch(patch: bytes, screen: Screen) -> None:
    """Coloured and safe on a terminal, byte for byte in a pipe."""
    if screen.tty:
        for line in _coloured(patch, screen):
            render.out(line)
    else:
        render.out_bytes(patch)


def file_stats(patch: bytes) -> Iterator[FileStat]:
    """The files of a canonical diff (git's own, without renames) in order."""
    path: str | None = None
    added = removed = 0
    binary = False
    for kind, line in _lines(patch):
        if kind == b"d":
            if path is not None:
                yield _file_stat(path, added, removed, binary)
            path, added, removed, binary = path_of(line), 0, 0, False
        elif kind == b"b":
            binary = True
        added += kind == b"+"
        removed += kind == b"-"
    if path is not None:
        yield _file_stat(path, added, removed, binary)


def _file_stat(path: str, added: int, removed: int, binary: bool) -> FileStat:
    return FileStat(path=path, added=None if binary else added, removed=None if binary else removed)


def _lines(patch: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each line with what it is: `d` the first of a file, `b` a binary patch begins, `h` a header, `@` a hunk's head,
    `+`, `-` and ` ` its lines. Only the hunk's counts tell a removed line `-- x` from a header `--- x`.
    """
    old = new = 0
    for line in patch.split(b"\n")[: -1 if patch.endswith(b"\n") else None]:
        if old > 0 or new > 0:
            kind = line[:1] or b" "
            old -= kind in b" -"
            new -= kind in b" +"
            yield kind, line
        elif hunk := hunk_of(line):
            _, old, _, new = hunk
            yield b"@", line
        elif line.startswith(FILE):
            yield b"d", line
        elif line.startswith((b"GIT binary patch", b"Binary files ")):
            yield b"b", line
        else:
            yield b"h", line


def _stat_lines(files: list[FileStat], screen: Screen) -> Iterator[str]:
    if not screen.tty:
        yield from (render.tsv((file.added, file.removed, file.path)) for file in files)
        return
    for file in files:
        changed = "binary" if file.added is None else f"+{file.added} −{file.removed}"
        yield f"{changed:>12}  {safe(file.path)}"
    added, removed = sum(file.added or 0 for file in files), sum(file.removed or 0 for file in files)
    yield f"{f'+{added} −{removed}':>12}  in {render.number_of(len(files), 'file')}"


def _coloured(patch: bytes, screen: Screen) -> Iterator[str]:
    for kind, line in _lines(patch):
        colour = _COLOURS.get(kind, _HEADER_COLOUR if kind in b"dbh" else "")
        yield screen.paint(safe(line.decode("utf-8", "replace")), colour)
