"""`logs`: a task's log from the database, whole or followed while it grows."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from pithy_local.cli.command import State, Verb, pass_state
from pithy_local.cli.params import COUNT, MOST, task_argument
from pithy_local.cli.render import Screen
from pithy_local.clock import iso
from pithy_local.errors import UsageError
from pithy_local.models import LogLine, Stream
from pithy_local.text import last_segment, safe

if TYPE_CHECKING:
    from pithy_local.service import App

PAGE = 1000
_COLOURS = {Stream.SYS: "2", Stream.ERR: "33", Stream.OUT: ""}

Format = Callable[[LogLine], str]


@click.command(cls=Verb)
@task_argument()
@click.option("-f", "--follow", is_flag=True, help="Print new lines as they come, until the task has settled.")
@click.option("--attempt", type=COUNT, metavar="N", help="Only this attempt.")
@click.option("--lines", type=click.IntRange(0, MOST), metavar="N", help="Only the last N lines.")
@click.option("--since", type=click.IntRange(0, MOST), metavar="SEQ", help="Only lines after this sequence number.")
@click.option("--timestamps", is_flag=True, help="Put the time before each line.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write to FILE; whole when it appears there, or with -f as it comes.")  # fmt: skip
@pass_state
def logs(
    state: State, task_id: str, follow: bool, attempt: int | None, lines: int | None, since: int | None,
    timestamps: bool, output: Path | None,
) -> int:  # fmt: skip
    """Print the log of the task ID. With --json: one object a line (seq, attempt, at, stream, text).

    Control characters of the agent's making never reach the terminal.
    """
    from pithy_local import service

    if lines is not None and since is not None:
        raise UsageError("--lines and --since exclude each other", hint="Give one of them.")
    with ExitStack() as opened:
        app = opened.enter_context(state.app())
        task = service.find(app, task_id)
        service.check_attempt(task, attempt)
        target, screen = opened.enter_context(_destination(output, follow=follow))
        render = _formatter(screen, as_json=state.json, timestamps=timestamps)
        seen = since or 0
        if lines is not None:
            seen = service.last_seq(app, task.id)  # before the tail is read: no line falls between them
            tail = service.log_tail(app, task.id, lines=lines, attempt=attempt)
            seen = max(seen, _write(target, tail, render))
        elif not follow:
            for page in _pages(app, task.id, attempt, seen):
                _write(target, page, render)
        target.flush()
        if follow:
            for page in service.follow_log(app, task.id, after=seen, attempt=attempt):
                _write(target, page, render)
                target.flush()
    return 0


def _pages(app: App, task_id: str, attempt: int | None, after: int) -> Iterator[list[LogLine]]:
    """All that comes after `after` now, in pages."""
    from pithy_local import service

    while page := service.log_page(app, task_id, after=after, limit=PAGE, attempt=attempt):
        yield page
        after = page[-1].seq


def _write(target: TextIO, lines: Iterable[LogLine], render: Format) -> int:
    """Write the lines; the sequence number of the last one, 0 if there was none."""
    last = 0
    for line in lines:
        target.write(render(line) + "\n")
        last = line.seq
    return last


@contextmanager
def _destination(output: Path | None, *, follow: bool) -> Iterator[tuple[TextIO, Screen]]:
    """stdout, or the file named by the user: it is replaced at the end, or at once where it is followed."""
    from pithy_local import service

    if output is None:
        yield sys.stdout, Screen.current()
        sys.stdout.flush()
        return
    plain = Screen(tty=False, colour=False, width=80)
    if not follow:
        with service.whole_file(output) as file:
            text = io.TextIOWrapper(file, encoding="utf-8")
            try:
                yield text, plain
            finally:
                text.detach()
        return
    try:
        with output.open("w", encoding="utf-8") as target:
            yield target, plain
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}", hint="Name a file that you may write.") from error


def _formatter(screen: Screen, *, as_json: bool, timestamps: bool) -> Format:
    """How one line of the log becomes one line of output."""
    if as_json:
        return lambda line: json.dumps(line.to_json())

    def plain(line: LogLine) -> str:
        text = screen.paint(safe(last_segment(line.text), keep_sgr=screen.colour), _COLOURS[line.stream])
        if not timestamps:
            return text
        return f"{_local_time(line.at)}  {text}" if screen.tty else f"{iso(line.at)}\t{text}"

    return plain


def _local_time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000).strftime("%H:%M:%S")
