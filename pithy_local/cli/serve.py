"""`serve`: the product without a terminal."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from pithy_local.cli import render
from pithy_local.cli.command import State, Verb, pass_state
from pithy_local.cli.render import Screen
from pithy_local.cli.signals import MEANING
from pithy_local.errors import ExitCode


@click.command(cls=Verb)
@click.option("--host", metavar="ADDRESS", help="Instead of `serve.host`; not loopback: says what that means.")
@click.option("--port", type=click.IntRange(0, 65_535), metavar="N", help="Instead of `serve.port`; 0: a free one.")
@click.option("--no-worker", is_flag=True, help="Serve only: another process works the queue, and sends notifications.")
@click.option("--drain", is_flag=True, help="At the end wait for what runs, instead of leaving it to be adopted.")
@pass_state
def serve(state: State, host: str | None, port: int | None, no_worker: bool, drain: bool) -> int:
    """Work the queue and serve the HTTP API: tasks, live logs, webhooks, metrics (docs/api.md).

    Prints its URL once it answers. Clients show the token in `serve.token` of the data directory. SIGTERM and Ctrl+C
    end it: nothing more is started, and what runs goes on and is adopted by the next `serve` or `run`; with --drain it
    is waited for, unless a second signal comes. A further signal ends the process at once.
    """
    from pithy_local.service import ServeOptions
    from pithy_local.service.serving import token_file

    assert state.server is not None
    options = ServeOptions(host=host, port=port, worker=not no_worker, drain=drain)

    def announce(url: str) -> None:
        file = str(token_file(app.home))
        if state.json:
            render.out_json({"url": url, "token_file": file})
        elif Screen.current().tty:
            state.say(f"serving {url}; the token is in {file}; ctrl+c stops")
        else:
            render.out(url)
        sys.stdout.flush()

    with state.app() as app, _stops(drain=drain) as (stop, hurry):
        state.server(app, options, stop=stop, hurry=hurry, say=state.say, announce=announce)
    return int(ExitCode.OK)


@contextmanager
def _stops(*, drain: bool) -> Iterator[tuple[threading.Event, threading.Event]]:
    """The first signal sets the first event, the next one the second; one more, without a drain the second already,
    ends the process as a crash would: that loses nothing."""
    stop, hurry = threading.Event(), threading.Event()

    def handle(number: int, _frame: FrameType | None) -> None:
        if not stop.is_set():
            stop.set()
        elif drain and not hurry.is_set():
            hurry.set()
        else:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    heard = [number for number in MEANING if signal.getsignal(number) != signal.SIG_IGN]  # nohup: not SIGHUP
    before = {number: signal.signal(number, handle) for number in heard}
    try:
        yield stop, hurry
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
