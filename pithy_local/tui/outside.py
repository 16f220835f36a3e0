"""Programs that take the terminal for a while: the user's editor, and a shell in a task's container."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from textual.app import App, SuspendNotSupported

from pithy_local.errors import Refused, UsageError
from pithy_local.text import safe_block

SHELL = "command -v bash >/dev/null && exec bash || exec sh"


def edit(app: App[Any], text: str, env: Mapping[str, str]) -> str:
    """The text as the user left it in $VISUAL or $EDITOR (else vi). Raises PithyError where that is not possible."""
    command = shlex.split(env.get("VISUAL") or env.get("EDITOR") or "vi")
    if not command or shutil.which(command[0]) is None:
        shown = command[0] if command else ""
        raise UsageError(f"there is no editor `{shown}`", hint="Set EDITOR to one that is installed.")
    with tempfile.TemporaryDirectory(prefix="pithy-edit-") as folder:
        file = Path(folder, "prompt.md")
        file.write_text(text, "utf-8")
        code = run(app, [*command, str(file)])
        if code != 0:
            raise Refused(f"the editor ended with code {code}: the text stays as it was", hint="")
        return safe_block(file.read_text("utf-8", "replace")).removesuffix("\n")


def shell(app: App[Any], container: str) -> int:
    """A shell in this container, until the user leaves it; its exit code. Raises PithyError."""
    docker = shutil.which("docker")
    if docker is None:
        raise UsageError("the docker command is not installed", hint=f"It would be: docker exec -it {container} sh")
    return run(app, [docker, "exec", "-it", container, "sh", "-c", SHELL])


def run(app: App[Any], argv: Sequence[str]) -> int:
    """Give this program the terminal until it ends; its exit code. Raises PithyError."""
    try:
        with app.suspend(), _keys_are_theirs():
            sys.stdout.flush()
            return subprocess.run(argv, check=False).returncode
    except SuspendNotSupported:
        raise Refused("this terminal cannot be lent to another program", hint="") from None
    except OSError as error:
        raise UsageError(f"cannot start {argv[0]}: {error.strerror}", hint="") from error


@contextmanager
def _keys_are_theirs() -> Iterator[None]:
    """ctrl+c is the other program's; a handler, not SIG_IGN, which it would inherit."""

    def nothing(number: int, frame: FrameType | None) -> None:
        pass

    before = signal.signal(signal.SIGINT, nothing)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def may_open_browser(env: Mapping[str, str]) -> bool:
    """Whether a browser would open a window of its own, not take this terminal."""
    return sys.platform == "darwin" or bool(env.get("DISPLAY") or env.get("WAYLAND_DISPLAY"))


def open_browser(url: str) -> bool:
    """Open this web address; whether a browser took it. Blocks while one is found. Its own output goes nowhere."""
    opener = "open" if sys.platform == "darwin" else "xdg-open"
    if shutil.which(opener) is None:
        return False
    with open(os.devnull, "r+b") as nowhere:
        try:
            done = subprocess.run([opener, url], stdin=nowhere, stdout=nowhere, stderr=nowhere, timeout=20, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return False
    return done.returncode == 0
