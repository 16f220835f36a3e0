"""Other programs: the user's editor and a shell in a task's container, which take the terminal, and the browser."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import quote

from textual.app import App, SuspendNotSupported

from pithy_local.errors import Refused, UsageError
from pithy_local.text import safe_block, safe_line

SHELL = "cd /pithy/repo 2>/dev/null; if command -v bash >/dev/null; then bash; else sh; fi; true"
"""In the work tree, once there is one. How the user's last command ended is no fault of the shell's."""
DETACH_KEYS = "ctrl-@,ctrl-@"
"""Docker's own, ctrl+p ctrl+q, would keep ctrl+p from the shell."""
BROWSER_SECONDS = 5.0
"""A browser that did not fail within these has taken the address, also where its command ends with its window."""

_SIGN = re.compile("%[sc%]")
_HARMLESS = ":/?#[]@+,=%~"
"""What of an address no shell takes for more than a character, beside letters, digits, `_`, `.` and `-`."""


class _Loan:
    """The program that has the terminal now, if there is one, and whether the terminal was asked back meanwhile."""

    program: subprocess.Popen[bytes] | None = None
    asked_back = False

    def end(self) -> None:
        """As a closed terminal would."""
        if self.program is not None:
            self.program.send_signal(signal.SIGHUP)


_loan = _Loan()


def edit(app: App[Any], text: str, env: Mapping[str, str]) -> str:
    """The text as the user left it in $VISUAL or $EDITOR (else vi). Raises PithyError where that is not possible."""
    command = _editor(env)
    try:
        with tempfile.TemporaryDirectory(prefix="pithy-edit-", ignore_cleanup_errors=True) as folder:
            file = Path(folder, "prompt.md")
            file.write_text(text, "utf-8")
            code = run(app, [*command, str(file)])
            if code != 0:
                raise Refused(f"the editor ended with code {code}: the text stays as it was", hint="")
            if not file.exists():
                raise Refused("the editor left no file: the text stays as it was", hint="")
            return safe_block(file.read_text("utf-8", "replace")).removesuffix("\n")
    except OSError as error:
        hint = "Is there room in the folder for temporary files?"
        raise UsageError(f"the text cannot be edited: {error}", hint=hint) from error


def _editor(env: Mapping[str, str]) -> list[str]:
    """The command. Raises UsageError."""
    wanted = env.get("VISUAL") or env.get("EDITOR") or "vi"
    try:
        command = shlex.split(wanted)
    except ValueError as error:
        raise UsageError(f"the editor `{wanted}` cannot be read: {error}", hint="Look at VISUAL and EDITOR.") from error
    if not command or shutil.which(command[0]) is None:
        shown = command[0] if command else ""
        raise UsageError(f"there is no editor `{shown}`", hint="Set EDITOR to one that is installed.")
    return command


def shell(app: App[Any], container: str, what: str) -> None:
    """A shell in this container, until the user leaves it. `what`: whose container, said before the prompt.

    Raises PithyError where there can be none, and where the container ended under it.
    """
    docker = shutil.which("docker")
    if docker is None:
        raise UsageError("the docker command is not installed", hint=f"It would be: docker exec -it {container} sh")
    said = f"A shell in the sandbox of {what}. `exit` comes back to the dashboard."
    argv = [docker, "exec", "-it", "--detach-keys", DETACH_KEYS, container, "sh", "-c", SHELL]
    code = run(app, argv, said)
    if code != 0:
        raise Refused(f"the shell ended with code {code}: the sandbox has ended, or docker does not reach it", hint="")


def run(app: App[Any], argv: Sequence[str], said: str = "") -> int:
    """Give this program the terminal until it ends; its exit code. `said` stands before what it writes.

    Raises PithyError.
    """
    _loan.asked_back = False
    try:
        with app.suspend(), _keys_are_theirs():
            done = _lend(argv, said)
    except SuspendNotSupported:
        raise Refused("this terminal cannot be lent to another program", hint="") from None
    if isinstance(done, OSError):
        raise UsageError(f"cannot start {argv[0]}: {done.strerror}", hint="")
    return done


def _lend(argv: Sequence[str], said: str) -> int | OSError:
    """The exit code, or why it did not start: an exception would keep Textual from taking the terminal back."""
    try:
        if said:
            sys.stdout.write(f"{safe_line(said)}\n")
        sys.stdout.flush()
        _loan.program = subprocess.Popen(argv)
        if _loan.asked_back:  # while it was started: it was not known yet
            _loan.end()
        return _loan.program.wait()
    except OSError as error:
        return error
    finally:
        _loan.program = None


def take_back() -> None:
    """End the program that has the terminal as a closed terminal would. Safe to call from a signal handler."""
    _loan.asked_back = True
    _loan.end()


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


def apart(name: str, call: Callable[[], object]) -> None:
    """Call it in a thread that nobody waits for: quitting must not, for a program that does not answer."""
    threading.Thread(target=call, name=name, daemon=True).start()


def browse(url: str, env: Mapping[str, str], opened: Callable[[bool], object]) -> None:
    """Open this web address in the user's browser, apart; `opened` hears from that thread whether one took it."""
    apart("browser", lambda: _browse(url, env, opened))


def _browse(url: str, env: Mapping[str, str], opened: Callable[[bool], object]) -> None:
    for command in _browsers(url, env):
        try:
            with open(os.devnull, "r+b") as nowhere:  # its session is its own: it outlives this terminal
                program = subprocess.Popen(
                    command, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True
                )  # fmt: skip
        except OSError:
            continue
        try:
            if program.wait(BROWSER_SECONDS) == 0:
                opened(True)
                return
        except subprocess.TimeoutExpired:
            opened(True)
            program.wait()
            return
    opened(False)


def _browsers(url: str, env: Mapping[str, str]) -> Iterator[list[str]]:
    """The commands that open this address in a window of its own, in the order in which they are tried.

    $BROWSER as other programs read it: commands with colons between them; `%s` is the address, which comes last where
    there is none, `%c` a colon and `%%` a percent sign. Some hand it to a shell.
    """
    signs = {"%s": quote(url, safe=_HARMLESS), "%c": ":", "%%": "%"}
    for wanted in (env.get("BROWSER") or _desktop(env)).split(":"):
        try:
            words = shlex.split(wanted)
        except ValueError:
            continue
        if words[-1:] == ["&"]:
            words.pop()  # it runs apart anyway
        if words and not any("%s" in word.replace("%%", "") for word in words):
            words.append("%s")
        if words:
            yield [_SIGN.sub(lambda sign: signs[sign[0]], word) for word in words]


def _desktop(env: Mapping[str, str]) -> str:
    """What opens an address on this desktop; "" where there is none."""
    if sys.platform == "darwin":
        return "open"
    return "xdg-open" if env.get("DISPLAY") or env.get("WAYLAND_DISPLAY") else ""
