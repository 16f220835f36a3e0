"""`serve`: API and worker in one process, from start to a graceful end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from pithy_local import service
from pithy_local.errors import PithyError
from pithy_local.http.guard import is_every_address, is_loopback
from pithy_local.http.server import HttpServer, listen
from pithy_local.models import Stop
from pithy_local.redact import Redactor
from pithy_local.service import App, ServeOptions, serving

if TYPE_CHECKING:  # it is imported where it is made
    from pithy_local.lifecycle.supervisor import Supervisor

Say = Callable[[str], None]
LOOK_SECONDS = 0.5


def serve(
    app: App, options: ServeOptions, *, stop: threading.Event, hurry: threading.Event, say: Say,
    announce: Callable[[str], None],
) -> None:  # fmt: skip
    """Serve until `stop` is set; `hurry` ends a drain. `announce` is given the URL as soon as requests are taken.

    What still runs then is left to be adopted by the next process or, with `drain`, waited for while requests are
    still answered. Raises Refused (this home is served already), PithyError(listen, store), and the bug that ended a
    part of it.
    """
    settings = app.settings.serve
    host = options.host or settings.host
    with ExitStack() as opened:
        opened.enter_context(serving.alone(app.home))
        sock = opened.enter_context(listen(host, settings.port if options.port is None else options.port))
        token = serving.token(app.home)
        say = _masked(app, token, say)
        worker = service.worker(app, say=say, kind="serve") if options.worker else None
        http = HttpServer(app, sock, token=token, host=host, worker=worker, say=say)
        opened.callback(http.stop)
        http.start()
        if worker is not None:
            opened.callback(worker.stop, how=Stop.LEAVE)  # before `http.stop`: state can be read to the end
            worker.start()
        elif app.settings.notify.urls:
            say("this process sends no notifications: whoever works the queue does (`pithy-local run`)")
        address, port = sock.getsockname()[:2]
        announce(_url(host, address, port))
        _warn(host, address, say)
        engine = _EngineNews(say)
        while not stop.wait(LOOK_SECONDS):
            for part in (http, worker):
                if part is not None and part.failure is not None:
                    raise part.failure
            engine.tell(worker.engine_silent if worker is not None else None)
        if worker is not None:
            worker.claim_no_more()  # a task that is just being claimed is one that runs
            if worker.running:
                _let_go(worker, options, hurry, say)


class _EngineNews:
    """Says once that the engine does not answer, and once that it does again."""

    def __init__(self, say: Say) -> None:
        self._say, self._told = say, ""

    def tell(self, problem: PithyError | None) -> None:
        words = problem.message if problem else ""
        if words != self._told:
            self._say(f"{words}: its tasks stay queued" if words else "the Docker engine answers again")
        self._told = words


def _masked(app: App, token: str, say: Say) -> Say:
    """`say` for a log that others may read: nothing secret gets there."""
    secrets = (*app.secrets.in_memory(), token, *app.settings.serve.webhook_secret.split())
    redactor = Redactor(secrets)
    return lambda text: say(redactor.mask(text))


def _let_go(worker: Supervisor, options: ServeOptions, hurry: threading.Event, say: Say) -> None:
    """Say what becomes of what runs; with `drain` claim nothing more and wait for it, but leave it after `hurry`."""
    if not options.drain:
        say(f"leaving {worker.running} running: the next `serve` or `run` adopts them")
        return
    say(f"waiting for {worker.running} running; a second signal leaves them to be adopted")
    ended = threading.Thread(target=worker.stop, kwargs={"how": Stop.DRAIN}, name="drain")
    ended.start()
    while ended.is_alive() and not hurry.wait(LOOK_SECONDS):
        pass
    if hurry.is_set():
        worker.stop(how=Stop.LEAVE)
    ended.join()


def _url(host: str, address: str, port: int) -> str:
    """Where this machine's own programs reach it."""
    shown = host if not is_every_address(address) else "::1" if address == "::" else "127.0.0.1"
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _warn(host: str, address: str, say: Say) -> None:
    if not is_loopback(address):
        where = "every network of this machine" if is_every_address(address) else f"the network of {host}"
        say(
            f"warning: reachable from {where} by plain HTTP: who sees the traffic has the token, and who has the "
            "token can run code in your repositories. Put a proxy with TLS in front, or use an SSH tunnel."
        )
