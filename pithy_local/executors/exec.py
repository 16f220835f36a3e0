"""A command in a container by an engine's exec of its own: how it ended is the engine's word, not the sandbox's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

from pithy_local.executors.engine import Engine, engine_errors
from pithy_local.executors.logs import frames
from pithy_local.executors.stream import items

POLL_SECONDS = 0.1


def run_command(
    engine: Engine,
    container: str,
    argv: Sequence[str],
    *,
    user: str,
    workdir: str,
    seconds: float,
    checkpoint: Callable[[], None],
    take: Callable[[bytes], None],
) -> int:
    """Run `argv` without stdin and return its exit code; `take` gets its output, stdout and stderr as they come.

    Read as a plain answer of the engine, which every way to an engine can carry (unix, tcp, TLS, ssh), and not as an
    upgraded stream. A slow `take` slows the command down: nothing is hoarded. What the command leaves running does
    not keep this waiting. Raises TimeoutError after `seconds` (the command still runs then), PithyError
    (docker_unreachable, container_lost, internal), and what `checkpoint` and `take` raise.
    """
    deadline = time.monotonic() + seconds

    def in_time() -> None:
        checkpoint()
        if time.monotonic() >= deadline:
            raise TimeoutError(f"not done within {seconds:g} s")

    with engine_errors("make ready a command in the sandbox"):
        made = str(engine.api.exec_create(container, list(argv), user=user, workdir=workdir)["Id"])
    start = {"Detach": False, "Tty": False}
    what = "run a command in the sandbox"
    with closing(items(engine, f"/exec/{made}/start", _output, what=what, checkpoint=in_time, json=start)) as output:
        for portion in output:
            take(portion)
    while (code := _exit_code(engine, made)) is None:
        in_time()
        time.sleep(POLL_SECONDS)
    return code


def _output(response: Any) -> Iterator[bytes]:
    """What comes until the stream ends. One that was cut ends early: only the engine knows whether the command did."""
    try:
        for _, data in frames(response.raw):
            yield data
    except EOFError:
        return


def _exit_code(engine: Engine, made: str) -> int | None:
    """None while it runs."""
    with engine_errors("see how a command ended"):
        state = engine.api.exec_inspect(made)
    return None if state["Running"] or state["ExitCode"] is None else int(state["ExitCode"])
