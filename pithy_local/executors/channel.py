"""Talk to a process started in a container: `docker exec` with stdin and stdout, on the event loop."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pithy_local.door.loop import EventLoop
from pithy_local.door.transport import CliTransport, SocketTransport, Transport
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors.diff_frame import DiffFrame
from pithy_local.executors.engine import Engine, engine_errors

CHUNK = 256 * 1024
TICK_SECONDS = 0.2

DISK_FULL = ("No space left on device", "Wrote only")
"""How tar and the shell say so."""

T = TypeVar("T")


class Channels:
    """Starts processes in one container and moves bytes to and from them.

    Everything waits at most TICK_SECONDS between two calls of `checkpoint`; what that raises ends the transfer.
    """

    def __init__(self, engine: Engine, loop: EventLoop, container: str, checkpoint: Callable[[], None]) -> None:
        self._engine, self._loop, self._container, self._checkpoint = engine, loop, container, checkpoint

    def open(self, argv: Sequence[str], user: str) -> Transport:
        """Start a process; its stdin and stdout are the transport. Raises PithyError.

        An engine behind TLS or a named pipe is reached through the docker command, which knows how.
        """
        if not self._engine.hijacks:
            command = ["docker", "exec", "-i", "-u", user, self._container, *argv]
            try:
                return self._loop.call(CliTransport.start(command), timeout=20)
            except OSError as error:
                message = "this engine is reached through the docker command, which does not start"
                raise PithyError(ErrorCode.DOCKER_UNREACHABLE, message, hint="Install the docker CLI.") from error
        with engine_errors("start a process in the sandbox"):
            started = self._engine.api.exec_create(self._container, list(argv), stdin=True, user=user)
            return SocketTransport(self._engine.api.exec_start(started["Id"], socket=True))

    def wait(self, coro: Coroutine[Any, Any, T], seconds: float) -> T:
        """Run `coro` on the event loop. TimeoutError after `seconds`; cancelled when the checkpoint raises."""
        future = self._loop.spawn(coro)
        try:
            for _ in range(max(1, int(seconds / TICK_SECONDS))):
                self._checkpoint()
                done, _running = concurrent.futures.wait([future], timeout=TICK_SECONDS)
                if done:
                    return future.result()
            raise TimeoutError(f"no end after {seconds:.0f} s")
        finally:
            future.cancel()

    def put(self, script: str, user: str, content: Path | bytes, seconds: float) -> None:
        """Give `content` to the stdin of a shell `script`, whose $1 is its length in bytes.

        Counted, since not every way into a container can close stdin alone. Raises PithyError (disk_full, internal)
        when the script fails, TimeoutError.
        """
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        argv = ["sh", "-c", f'{{ {script}\n}} 2>&1; echo "exit $?"', "sh", str(size)]
        said = self.wait(_give(self.open(argv, user), content), seconds).decode("utf-8", "replace")
        words, _, code = said.rstrip().rpartition("exit ")
        if code != "0":
            full = any(sign in words for sign in DISK_FULL)
            raise PithyError(
                ErrorCode.DISK_FULL if full else ErrorCode.INTERNAL,
                "the repository does not fit into the sandbox" if full else "could not write into the sandbox",
                hint="Raise `sandbox.disk`." if full else None,
                detail={"message": words.strip()[-500:], "exit": code[:20]},
            )

    def collect(self, argv: Sequence[str], user: str, limit: int, seconds: float) -> bytes:
        """The diff that the command writes in its frame; `limit` in bytes.

        Raises PithyError (policy, agent_failed: see `DiffFrame.diff`), TimeoutError.
        """
        transport = self.open(argv, user)
        frame = DiffFrame(limit)
        self.wait(_ask(transport, frame), seconds)
        return frame.diff(transport.diagnostics)


async def _give(transport: Transport, content: Path | bytes) -> bytes:
    """Write all, then read what the other end says until it ends."""
    try:
        try:
            for chunk in _chunks(content):
                await transport.write(chunk)
        except OSError:
            pass  # it reads no more: what it says tells why
        return await _read_all(transport, CHUNK)
    finally:
        await _close(transport)


async def _ask(transport: Transport, frame: DiffFrame) -> None:
    """Speak first (else docker-py can lose the answer's first bytes), then read to the end or until it is too large."""
    try:
        await transport.write(b"\n")
        while not frame.too_large and (data := await transport.read()):
            frame.feed(data)
    finally:
        await _close(transport)


async def _read_all(transport: Transport, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while size <= limit and (data := await transport.read()):
        parts.append(data)
        size += len(data)
    return b"".join(parts)


async def _close(transport: Transport) -> None:
    transport.close()
    await transport.wait_closed()


def _chunks(content: Path | bytes) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
