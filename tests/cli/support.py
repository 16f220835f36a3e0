"""The command line as its users meet it: a process of its own, with an environment of its own."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pithy_local
from pithy_local.clock import SystemClock
from pithy_local.config import SandboxSettings
from pithy_local.models import Status, Task, TaskError, Verified
from pithy_local.paths import Home
from pithy_local.store import Store
from tests.seeding import enqueue, settle

PROCESS_TIMEOUT = 100.0
SOURCE = Path(pithy_local.__file__).parent.parent


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How one invocation ended."""

    code: int
    out: str
    err: str
    raw: bytes = b""

    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, str]:
        """The error object of a failure under --json: the last line of stderr."""
        found: dict[str, str] = json.loads(self.err.splitlines()[-1])["error"]
        return found

    @property
    def error_lines(self) -> list[str]:
        return self.err.splitlines()


class Cli:
    """Runs `pithy-local` with a home and a configuration below `folder`; no engine and no GitHub answers there."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.program = ["-m", "pithy_local"]
        self.home = Home(root=folder / "home")
        self.config = folder / "config.toml"
        self.config.write_text('executor = "local"\n')
        self.env = {name: os.environ[name] for name in ("PATH", "TMPDIR", "TZ") if name in os.environ} | {
            "HOME": str(folder), "LANG": "C.UTF-8", "PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1",
            "PITHY_HOME": str(self.home.root), "PITHY_CONFIG": str(self.config),
            "DOCKER_HOST": f"unix://{folder}/no-engine.sock", "GITHUB_API_URL": "http://127.0.0.1:9",
        }  # fmt: skip

    def use_engine(self, sandbox: SandboxSettings) -> None:
        """Let this host's engine answer, with the image settings that fit this host."""
        del self.env["DOCKER_HOST"]
        self.env |= {name: os.environ[name] for name in os.environ if name.startswith("DOCKER_")}
        self.config.write_text(f'[sandbox]\nbase_image = "{sandbox.base_image}"\nca_bundle = "{sandbox.ca_bundle}"\n')

    def argv(self, *args: str) -> list[str]:
        return [sys.executable, *self.program, *args]

    def __call__(
        self, *args: str, stdin: bytes = b"", env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> Ended:
        """Run to the end with stdout and stderr in pipes."""
        done = subprocess.run(
            self.argv(*args), input=stdin, capture_output=True, env=self.env | dict(env or {}), cwd=cwd,
            timeout=PROCESS_TIMEOUT, check=False,
        )  # fmt: skip
        out, err = (stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr))
        return Ended(code=done.returncode, out=out, err=err, raw=done.stdout)

    def start(self, *args: str) -> subprocess.Popen[bytes]:
        """Start and return at once; the test ends it."""
        return subprocess.Popen(
            self.argv(*args), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env
        )

    def on_terminal(
        self, *args: str, columns: int = 100, env: Mapping[str, str] | None = None, typed: str | None = None
    ) -> Ended:
        """Run to the end on a terminal of this width; what it shows is `out`, stderr is apart.

        `typed`: what the user types ahead; then stderr is the terminal too: nobody is asked elsewhere.
        """
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        terminal_env = self.env | {"TERM": "xterm-256color"} | dict(env or {})
        stderr = subprocess.PIPE if typed is None else theirs
        with subprocess.Popen(
            self.argv(*args), stdin=theirs, stdout=theirs, stderr=stderr, env=terminal_env
        ) as process:  # fmt: skip
            os.close(theirs)
            os.write(ours, (typed or "").encode())
            shown = _read_all(ours)
            err = process.communicate(timeout=PROCESS_TIMEOUT)[1] or b""
        os.close(ours)
        out = shown.decode("utf-8", "replace").replace("\r\n", "\n")
        return Ended(code=process.returncode, out=out, err=err.decode())

    def store(self) -> Store:
        return Store(self.home, SystemClock())

    def seed(self, **fields: Any) -> Task:
        """A queued task, written as `add` would."""
        with closing(self.store()) as store:
            return enqueue(store, **fields)

    def seed_settled(
        self, status: Status, *, error: TaskError | None = None, log: Sequence[str] = (), diff: bytes | None = None,
        delivering: bool = False, question: str | None = None, verify: Sequence[Verified] = (), **fields: Any,
    ) -> Task:  # fmt: skip
        """A task that a worker brought to `status` (`seeding.settle`)."""
        with closing(self.store()) as store:
            return settle(
                store, enqueue(store, **fields), status, error=error, log=log, diff=diff, delivering=delivering,
                question=question, verify=verify,
            )  # fmt: skip


def _read_all(terminal: int) -> bytes:
    """All that was written to the other end, until nobody holds it any more."""
    chunks = []
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # EIO: Linux's word for the end
            break
        if not chunk:
            break
        chunks.append(chunk)
    return b"".join(chunks)
