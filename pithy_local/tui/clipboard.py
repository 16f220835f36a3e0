"""Bringing text to the user's clipboard: the desktop's own tool, the terminal (OSC 52), else a file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

OSC52_MOST = 70_000
"""Bytes of text that terminals take: xterm and others stop at 100,000 of base64."""
SECONDS = 3.0


def tool(env: Mapping[str, str]) -> list[str] | None:
    """The command that takes text on its standard input and keeps it; None: there is none for this session."""
    candidates = [
        (sys.platform == "darwin", ["pbcopy"]),
        (bool(env.get("WAYLAND_DISPLAY")), ["wl-copy"]),
        (bool(env.get("DISPLAY")), ["xclip", "-selection", "clipboard"]),
        (bool(env.get("DISPLAY")), ["xsel", "--clipboard", "--input"]),
        (bool(env.get("TMUX")), ["tmux", "load-buffer", "-w", "-"]),
    ]
    return next((argv for usable, argv in candidates if usable and shutil.which(argv[0])), None)


def by_tool(text: str, env: Mapping[str, str]) -> bool:
    """Hand the text to the session's tool; whether it took it. May block for a few seconds."""
    argv = tool(env)
    if argv is None:
        return False
    try:
        done = subprocess.run(
            argv, input=text.encode("utf-8", "replace"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            timeout=SECONDS, check=False, start_new_session=True,  # xclip keeps the text after this terminal is closed
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def by_terminal(text: str) -> bool:
    """Whether a terminal may take that much at once."""
    return len(text.encode("utf-8", "replace")) <= OSC52_MOST


def by_file(text: str) -> Path:
    """A new private file with the text: the last resort."""
    descriptor, name = tempfile.mkstemp(prefix="pithy-copy-", suffix=".txt")
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as target:
        target.write(text)
    return Path(name)
