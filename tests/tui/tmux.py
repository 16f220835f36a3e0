"""A program in a real terminal (tmux), driven by keys and read as a user reads it; its screens as pictures."""

from __future__ import annotations

import io
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.ansi import AnsiDecoder
from rich.console import Console
from rich.terminal_theme import TerminalTheme

PATIENCE = 40.0
"""Seconds after which what a session waits for counts as never coming."""
LOOK_SECONDS = 0.02
THEME = TerminalTheme(
    (18, 18, 18), (224, 224, 224),
    [(18, 18, 18), (204, 85, 85), (110, 180, 110), (200, 170, 90), (90, 140, 220), (170, 110, 200), (90, 180, 190),
     (200, 200, 200)],
)  # fmt: skip


class Tmux:
    """One terminal of its own tmux server, which knows nothing of the user's."""

    def __init__(self, socket: Path, argv: Sequence[str], env: Mapping[str, str], size: tuple[int, int]) -> None:
        """`size`: columns and rows. The program gets `env` and nothing else, so that no secret is in an argument."""
        self._argv = ["tmux", "-f", "/dev/null", "-S", str(socket)]
        self._env = {"TERM": "xterm-256color", **env}
        columns, rows = map(str, size)
        self.width = size[0]
        self._ended = socket.with_name("ended")
        """The exit code goes there: now and then tmux does not wait for a program that has ended."""
        noting = ["sh", "-c", 'rm -f "$0"; "$@"; code=$?; echo $code >"$0"', str(self._ended)]
        options = {"remain-on-exit": "on", "status": "off", "default-terminal": "tmux-256color"}
        sets = [word for name, value in options.items() for word in ("set-option", "-g", name, value, ";")]
        self._tmux("start-server", ";", *sets, "new-session", "-d", "-x", columns, "-y", rows, *noting, *argv)

    def _tmux(self, *args: str) -> str:
        command = [*self._argv, *args]
        return subprocess.run(command, env=self._env, check=True, text=True, stdout=subprocess.PIPE, timeout=20).stdout

    def presses(self, *keys: str) -> None:
        """Keys by tmux's names: `Enter`, `Tab`, `C-s`, `Escape`, or characters."""
        self._tmux("send-keys", *keys)

    def types(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)

    @property
    def screen(self) -> str:
        """What is on the screen, as lines of text."""
        return self._tmux("capture-pane", "-p")

    def until(self, true: Callable[[str], bool], what: str, patience: float = PATIENCE) -> str:
        """Look until the screen is as wanted; the screen."""
        deadline = time.monotonic() + patience
        while not true(screen := self.screen):
            assert time.monotonic() < deadline, f"{what} never came; the screen:\n{screen}"
            time.sleep(LOOK_SECONDS)
        return screen

    def sees(self, *texts: str) -> str:
        return self.until(lambda screen: all(text in screen for text in texts), repr(texts))

    def sees_no(self, text: str) -> str:
        return self.until(lambda screen: text not in screen, f"no {text!r}")

    def ends(self) -> int:
        """The exit code of the program, once it has ended."""
        deadline = time.monotonic() + PATIENCE
        while not (self._ended.exists() and (code := self._ended.read_text().strip())):
            assert time.monotonic() < deadline, f"still runs; the screen:\n{self.screen}"
            time.sleep(LOOK_SECONDS)
        return int(code)

    def again(self) -> None:
        """Start the program anew in the same terminal, once it has ended."""
        self._ended.unlink()
        self._tmux("respawn-pane", "-k")

    def picture(self, title: str) -> str:
        """The screen as it is, with its colours, as SVG."""
        console = Console(
            width=self.width, record=True, file=io.StringIO(), force_terminal=True, color_system="truecolor"
        )
        for text in AnsiDecoder().decode(self._tmux("capture-pane", "-e", "-p", "-N").rstrip("\n")):
            text.truncate(self.width, pad=True)
            console.print(text, no_wrap=True, crop=True, highlight=False)
        svg = console.export_svg(title=title, theme=THEME)
        return svg.replace("<text ", '<text xml:space="preserve" ')

    def close(self) -> None:
        """Take the terminal away from whatever still runs in it."""
        subprocess.run([*self._argv, "kill-server"], env=self._env, stderr=subprocess.DEVNULL, check=False)


@contextmanager
def terminal(argv: Sequence[str], env: Mapping[str, str], size: tuple[int, int] = (120, 32)) -> Iterator[Tmux]:
    """A program in a terminal; the terminal is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="pj-") as folder:  # short: the path of a socket has 107 bytes at most
        opened = Tmux(Path(folder) / "tmux", argv, env, size)
        try:
            yield opened
        finally:
            opened.close()
