"""The dashboard on a real terminal: a pty, and what really reaches it."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pithy_local.models import Status, Stream, TaskError
from tests.tui.seeding import Seed

PROGRAM = """
import os, sys, time
from pathlib import Path
from pithy_local import service
from pithy_local.tui.app import run_board
from pithy_local.tui.board import Board


class Plain(Board):
    def __init__(self, app, worker):
        super().__init__(app, worker=worker, checks=lambda found: iter(()))


class Busy(Plain):
    def running_here(self):
        return 2

    def stop(self, leaving, say):
        Path(sys.argv[1], "stopped").write_text(leaving.value)


class Broken(Busy):
    def snapshot(self, limit):
        raise RuntimeError("a bug")


with service.open_app(home=sys.argv[1], env=dict(os.environ)) as app:
    mode = sys.argv[2]
    if mode == "slow doctor":
        checks = lambda found: (time.sleep(60) for _ in range(2))
        sys.exit(run_board(Board(app, worker=False, checks=checks)))
    board = {"watch": Plain, "worker": Plain, "busy": Busy, "broken": Broken}[mode]
    sys.exit(run_board(board(app, worker=mode == "worker")))
"""
ROOT = Path(__file__).parents[2]
REVERSED_ROW = re.compile(rb"\x1b\[(?:[0-9]+;)*7(?:;[0-9]+)*m[^\x1b]*First")
ALT_SCREEN, MAIN_SCREEN, SHOW_CURSOR = b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?25h"


class Terminal:
    """A dashboard on a pty of its own; `written` is every byte that reached the terminal."""

    def __init__(self, home: Path, mode: str, env: Mapping[str, str]) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.before = termios.tcgetattr(slave)
        clean = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
        clean |= {"HOME": str(home), "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", **env}
        clean |= {"PITHY_CONFIG": str(home.parent / "config.toml"), "PYTHONPATH": str(ROOT)}
        (home.parent / "config.toml").touch()
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(home), mode],
            stdin=slave, stdout=slave, stderr=slave, env=clean, cwd=ROOT, start_new_session=True,
        )  # fmt: skip
        self.slave = slave
        self.written = b""

    def types(self, text: str) -> None:
        os.write(self.master, text.encode())

    def reads(self, seconds: float = 0.05) -> bool:
        """Take what was written; False once the other end is closed."""
        if select.select([self.master], [], [], seconds)[0]:
            try:
                data = os.read(self.master, 65_536)
            except OSError:
                return False
            self.written += data
        return True

    def until(self, text: bytes, timeout: float = 20.0) -> None:
        deadline = time.monotonic() + timeout
        while text not in self.written:
            assert time.monotonic() < deadline, f"{text!r} never appeared; last: {self.written[-3000:]!r}"
            assert self.process.poll() is None or self.reads(), f"ended early: {self.written[-3000:]!r}"
            self.reads()

    def presses_until(self, keys: str, text: bytes) -> None:
        """Press keys until this text is written: while a dialog is being closed, they may go nowhere."""
        for _ in range(4):
            start, deadline = len(self.written), time.monotonic() + 5
            self.types(keys)
            while time.monotonic() < deadline:
                if text in self.written[start:]:
                    return
                self.reads()
        raise AssertionError(f"{text!r} never appeared; last: {self.written[-3000:]!r}")

    def goes_back(self) -> None:
        """Press esc, and let it be told from the beginning of a longer key."""
        self.types("\x1b")
        deadline = time.monotonic() + 0.3
        while time.monotonic() < deadline:
            self.reads()

    def ends(self, timeout: float = 20.0) -> int:
        """The exit code, everything read up to the end."""
        deadline = time.monotonic() + timeout
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"still runs; last: {self.written[-3000:]!r}"
            self.reads()
        while select.select([self.master], [], [], 0)[0] and self.reads():
            pass
        return self.process.returncode

    def is_restored(self) -> bool:
        attributes = termios.tcgetattr(self.slave)
        tail = self.written.rpartition(ALT_SCREEN)[2]
        return attributes == self.before and MAIN_SCREEN in tail and SHOW_CURSOR in tail.partition(MAIN_SCREEN)[2]

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        for descriptor in (self.master, self.slave):
            with contextlib.suppress(OSError):
                os.close(descriptor)


@contextlib.contextmanager
def terminal(seed: Seed, mode: str = "watch", env: Mapping[str, str] | None = None) -> Iterator[Terminal]:
    opened = Terminal(seed.app.home.root, mode, env or {})
    try:
        yield opened
    finally:
        opened.close()


def test_the_first_frame_appears_and_q_gives_the_terminal_back(seed: Seed) -> None:
    seed.queued("Fix the flaky test")
    with terminal(seed) as screen:
        screen.until(b"Fix the flaky")
        screen.types("q")
        assert screen.ends() == 0
        assert screen.is_restored()


HOSTILE = "[/foo]\x1b]52;c;aG9zdGlsZQ==\x07 \x1b[2J\x1b]0;owned\x07\x9b2J\u202eevil\u2066 [@click=app.quit]x[/] {0}"
NEVER = (b"\x1b]52", b"\x1b[2J", b"\x1b]0;", b"aG9zdGlsZQ", b"\xc2\x9b", "\u202e".encode(), "\u2066".encode())


def hostile(seed: Seed) -> None:
    """One task whose every text is the enemy's: title, repository, log, diff, file name, model's words, error."""
    lease = seed.running(HOSTILE.format("title"), repo="acme/" + HOSTILE.format("repo"))
    seed.log(lease, HOSTILE.format("log"), stream=Stream.ERR)
    seed.log(lease, "\x1b[31mcoloured\x1b[0m the end")
    lease.record_step(HOSTILE.format("step"))
    lease.settle(Status.CANCELLED)
    name = HOSTILE.format("name").replace("/", "").encode()
    patch = b"diff --git a/%b b/%b\n--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+%b\n" % (
        name,
        name,
        HOSTILE.format("diff").encode(),
    )
    error = TaskError(
        code="verify_failed", message=HOSTILE.format("message"), hint=HOSTILE.format("hint"),
        detail={HOSTILE.format("key"): HOSTILE.format("detail") + "\nmore"},
    )  # fmt: skip
    seed.settled(
        Status.NEEDS_REVIEW, HOSTILE.format("title"), error=error, diff=patch, question=HOSTILE.format("question")
    )


def test_no_escape_sequence_of_a_task_reaches_the_terminal(seed: Seed) -> None:
    hostile(seed)
    with terminal(seed) as screen:
        screen.until(b"review")
        screen.presses_until("2\t", b"unified")
        screen.presses_until("3", b"Attempt 1")
        screen.presses_until("4", b"pithy-local accept")
        screen.goes_back()
        screen.presses_until("j1", b"the end")
        screen.presses_until("x", b"nothing to cancel")
        screen.presses_until("3", b"preparing")
        for keys, seen in (("y", b"git command"), ("D", b"deleted"), ("S", b"By repository"), ("?", b"every command")):
            screen.presses_until(keys, seen)
            screen.goes_back()
        screen.presses_until("/", b"Filter")
        screen.goes_back()
        screen.presses_until("\x10", b"Search")
        screen.presses_until("title", b"Go to")
        screen.process.send_signal(signal.SIGTERM)
        assert screen.ends() == 130
        for never in NEVER:
            assert never not in screen.written


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_in_order(seed: Seed, number: signal.Signals) -> None:
    seed.queued("Fix the flaky test")
    with terminal(seed) as screen:
        screen.until(b"Fix the flaky")
        screen.process.send_signal(number)
        assert screen.ends() == 130
        assert screen.is_restored()


def test_a_closed_terminal_ends_it(seed: Seed) -> None:
    seed.queued("Fix the flaky test")
    with terminal(seed) as screen:
        screen.until(b"Fix the flaky")
        os.close(screen.slave)
        os.close(screen.master)
        screen.process.send_signal(signal.SIGHUP)  # the kernel sends it only for a controlling terminal
        assert screen.process.wait(timeout=20) == 130


def test_a_crash_gives_the_terminal_back_and_stops_the_work(seed: Seed) -> None:
    with terminal(seed, "broken") as screen:
        assert screen.ends() == 1
        assert screen.is_restored()
        assert b"a bug" in screen.written
        assert (seed.app.home.root / "stopped").exists()


def test_a_signal_stops_the_work_and_says_so_on_the_terminal_that_was_given_back(seed: Seed) -> None:
    with terminal(seed, "busy") as screen:
        screen.until(b"Type a task")
        screen.process.send_signal(signal.SIGTERM)
        assert screen.ends() == 130
        assert b"leaving 2 running attempts" in screen.written.rpartition(MAIN_SCREEN)[2]
        assert (seed.app.home.root / "stopped").read_text() == "leave"


def test_a_database_that_breaks_is_shown_and_the_dashboard_stays(seed: Seed) -> None:
    seed.queued("Fix the flaky test")
    with terminal(seed) as screen:
        screen.until(b"Fix the flaky")
        seed.app.store.queue.write("DROP TABLE call")
        screen.until(b"no such table")
        screen.types("q")
        assert screen.ends() == 0


def test_no_colour_has_shades_of_grey_alone(seed: Seed) -> None:
    seed.queued("Fix the flaky test")
    with terminal(seed, env={"NO_COLOR": "1"}) as screen:
        screen.until(b"Fix the flaky")
        screen.types("q")
        screen.ends()
        colours = re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", screen.written)
        assert colours
        assert all(len({*colour}) == 1 for colour in colours)
        assert len({*colours}) > 3


def test_without_any_colours_the_selected_row_is_reversed(seed: Seed) -> None:
    seed.queued("First")
    seed.queued("Second")
    with terminal(seed, env={"TERM": "vt100", "COLORTERM": ""}) as screen:
        screen.until(b"First")
        screen.types("j")
        deadline = time.monotonic() + 20
        while not REVERSED_ROW.search(screen.written):
            assert time.monotonic() < deadline, screen.written[-2000:]
            screen.reads()
        screen.types("q")
        assert screen.ends() == 0
        assert screen.is_restored()


def test_without_a_terminal_it_says_so(seed: Seed) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(seed.app.home.root), "watch"], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=30, check=False, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode != 0
    assert "the dashboard needs a terminal" in done.stderr


def test_a_worker_starts_and_ends_with_the_dashboard(seed: Seed) -> None:
    with terminal(seed, "worker") as screen:
        screen.until(b"Type a task")
        processes = "SELECT kind FROM process"
        deadline = time.monotonic() + 10
        while not [row for row in seed.app.store.queue.rows(processes) if row["kind"] == "tui"]:
            assert time.monotonic() < deadline
            screen.reads()
        screen.types("q")
        assert screen.ends() == 0
        assert seed.app.store.queue.rows(processes) == []


def editor(folder: Path, text: str, code: int = 0) -> dict[str, str]:
    """An $EDITOR that says it was there, and leaves this text."""
    script = folder / "editor.sh"
    script.write_text(f"#!/bin/sh\necho THE EDITOR\nprintf '%s\\n' '{text}' > \"$1\"\nexit {code}\n")
    script.chmod(0o755)
    return {"EDITOR": str(script)}


def test_the_prompt_of_a_queued_task_is_edited_in_the_users_editor(seed: Seed, tmp_path: Path) -> None:
    task = seed.queued("Fix the flaky test")
    with terminal(seed, env=editor(tmp_path, "Say hello\nto everybody")) as screen:
        screen.until(b"Fix the flaky")
        screen.presses_until("e", b"THE EDITOR")
        screen.until(b"has another prompt now")
        screen.until(b"Say hello")
        screen.types("q")
        assert screen.ends() == 0
        assert screen.is_restored()
    changed = seed.tasks.get(task.id)
    assert (changed.title, changed.prompt) == ("Say hello", "Say hello\nto everybody")


def test_an_editor_that_fails_changes_nothing(seed: Seed, tmp_path: Path) -> None:
    task = seed.queued("Fix the flaky test")
    with terminal(seed, env=editor(tmp_path, "gone", code=1)) as screen:
        screen.until(b"Fix the flaky")
        screen.presses_until("e", b"THE EDITOR")
        screen.until(b"ended with code 1")
        screen.types("q")
        assert screen.ends() == 0
    assert seed.tasks.get(task.id).prompt == "Fix the flaky test"


def test_a_new_task_is_written_in_the_users_editor(seed: Seed, tmp_path: Path) -> None:
    with terminal(seed, env=editor(tmp_path, "Written elsewhere")) as screen:
        screen.until(b"Type a task")
        screen.presses_until("n", b"What should change?")
        screen.presses_until("\x0f", b"THE EDITOR")
        screen.until(b"Written elsewhere")
        screen.process.send_signal(signal.SIGTERM)
        assert screen.ends() == 130
        assert screen.is_restored()


def test_an_editor_that_is_not_there_is_told(seed: Seed) -> None:
    seed.queued("Fix the flaky test")
    with terminal(seed, env={"EDITOR": "/nowhere/vi"}) as screen:
        screen.until(b"Fix the flaky")
        screen.presses_until("e", b"there is no editor")
        screen.types("q")
        assert screen.ends() == 0


def test_quitting_does_not_wait_for_the_doctor(seed: Seed) -> None:
    with terminal(seed, "slow doctor") as screen:
        screen.until(b"Looking at this machine")
        screen.types("q")
        assert screen.ends() == 0


def test_what_is_copied_goes_through_the_terminal(seed: Seed) -> None:
    task = seed.queued("Fix the flaky test")
    with terminal(seed) as screen:
        screen.until(b"Fix the flaky")
        screen.presses_until("y", b"git command")
        screen.types("i")
        screen.until(b"\x1b]52;c;" + base64.b64encode(task.id.encode()))
        screen.types("q")
        assert screen.ends() == 0
