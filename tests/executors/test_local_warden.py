"""The warden: whatever a command starts, nothing of it outlives the word to end it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from pithy_local.errors import Cancelled
from pithy_local.executors import warden
from pithy_local.executors.warded import GRACE, Warded, end_strays
from tests.executors.stand_ins import DAEMON, STAY, is_running, pid_in, python, wait_until_gone
from tests.support import wait_until


class Output:
    """What a command wrote."""

    def __init__(self) -> None:
        self.out = bytearray()
        self.err = bytearray()


def warded(
    source: str, home: Path, output: Output | None = None, first_word: bytes = b"", grace: float = GRACE
) -> Warded:
    output = output or Output()
    return Warded(
        python(source), env={"HOME": str(home), "PATH": os.defpath}, cwd=home,
        on_out=output.out.extend, on_err=output.err.extend, first_word=first_word, grace=grace,
    )  # fmt: skip


def wait_for_exit(command: Warded) -> int:
    wait_until(lambda: command.exit_code is not None, what="the command's end")
    assert command.exit_code is not None
    return command.exit_code


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there is no child subreaper here")


@linux
def test_ending_it_ends_daemons_too(tmp_path: Path) -> None:
    with warded(DAEMON + STAY, tmp_path):
        runner, daemon = pid_in(tmp_path, "runner"), pid_in(tmp_path, "daemon")
        assert is_running(runner)
        assert is_running(daemon)

    assert not is_running(runner)
    assert not is_running(daemon)


@linux
def test_the_end_of_the_command_ends_what_it_left_behind(tmp_path: Path) -> None:
    source = DAEMON + '\nwhile not Path(os.environ["HOME"], "daemon").exists(): time.sleep(0.01)\nsys.exit(7)\n'

    with warded(source, tmp_path) as command:
        assert wait_for_exit(command) == 7
        assert not is_running(pid_in(tmp_path, "daemon"))


@linux
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_the_warden_ends_all(tmp_path: Path, number: int) -> None:
    with warded(DAEMON + STAY, tmp_path) as command:
        runner, daemon = pid_in(tmp_path, "runner"), pid_in(tmp_path, "daemon")
        os.kill(command.pid, number)

        assert wait_for_exit(command) == 128 + signal.SIGKILL
        assert not is_running(runner)
        assert not is_running(daemon)


CHAIN = """
import os, time
from pathlib import Path
home = Path(os.environ["HOME"])
beat = os.open(home / "beat", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
if os.fork():
    time.sleep(600)
while not (home / "stop").exists():
    os.write(beat, b".")
    time.sleep(0.001)
    if os.fork(): os._exit(0)
    os.setsid()
"""
"""Each process starts its successor and exits: whoever lists processes finds those that have just ended."""


@pytest.mark.parametrize("round_", range(12))
def test_a_command_that_forks_without_end_is_ended(tmp_path: Path, round_: int) -> None:
    beat = tmp_path / "beat"
    with warded(CHAIN, tmp_path) as command:
        wait_until(lambda: beat.exists() and beat.stat().st_size > 5)
        command.end()
        size = beat.stat().st_size

        time.sleep(0.1)  # a hundred of its lives
        try:
            assert beat.stat().st_size == size
        finally:
            (tmp_path / "stop").touch()


@pytest.mark.parametrize(
    ("source", "code"),
    [("", 0), ("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", 137), ("raise SystemExit(255)", 255)],
)
def test_the_exit_code_is_the_commands(tmp_path: Path, source: str, code: int) -> None:
    with warded(source, tmp_path) as command:
        assert wait_for_exit(command) == code


def test_what_cannot_be_started_says_so(tmp_path: Path) -> None:
    output = Output()
    with Warded(
        [str(tmp_path / "missing")], env={}, cwd=tmp_path, on_out=output.out.extend, on_err=output.err.extend
    ) as command:
        assert wait_for_exit(command) == 127
        command.read_out()

    assert b"No such file" in output.err


def test_input_and_output_are_the_commands(tmp_path: Path) -> None:
    output = Output()
    source = "import sys; word = sys.stdin.read(); print(word * 100_000); print('bad', file=sys.stderr)"
    with warded(source, tmp_path, output, first_word=b"ab") as command:
        wait_for_exit(command)
        command.read_out()

    assert output.out == b"ab" * 100_000 + b"\n"
    assert output.err == b"bad\n"


def test_output_is_taken_off_even_when_nobody_wants_it_any_more(tmp_path: Path) -> None:
    def refuse(data: bytes) -> None:
        raise Cancelled

    with Warded(
        python("print('x' * 1_000_000)"), env={}, cwd=tmp_path, on_out=refuse, on_err=lambda data: None
    ) as command:
        assert wait_for_exit(command) == 0


def test_the_command_does_not_inherit_the_lifeline(tmp_path: Path) -> None:
    output = Output()
    with warded("import os; print(sorted(map(int, os.listdir('/dev/fd'))))", tmp_path, output) as command:
        wait_for_exit(command)
        command.read_out()

    assert output.out.decode() in ("[0, 1, 2, 3]\n", "[0, 1, 2]\n")  # 3 is the listing itself


def test_a_stopped_warden_does_not_save_its_command(tmp_path: Path) -> None:
    with warded(DAEMON + STAY, tmp_path, grace=0.2) as command:
        runner, daemon = pid_in(tmp_path, "runner"), pid_in(tmp_path, "daemon")
        os.kill(command.pid, signal.SIGSTOP)

    wait_until_gone(runner, daemon)


def test_what_a_killed_warden_left_is_found_by_its_home(tmp_path: Path) -> None:
    with warded("import os, time\n" + DAEMON.replace(", {})", ", dict(os.environ))") + STAY, tmp_path) as command:
        runner, daemon = pid_in(tmp_path, "runner"), pid_in(tmp_path, "daemon")
        os.kill(command.pid, signal.SIGKILL)
        wait_for_exit(command)

        end_strays(tmp_path)

        wait_until_gone(runner, daemon)


@pytest.mark.skipif(not Path("/bin/ps").exists(), reason="there is no ps")
def test_where_there_is_no_proc_ps_tells_the_same() -> None:
    parent_and_group, ours = (os.getppid(), os.getpgid(0)), {child.pid for child in psutil.Process().children()}

    assert warden._ps_table()[os.getpid()] == parent_and_group
    assert {pid for pid, (parent, _) in warden._ps_table().items() if parent == os.getpid()} <= ours, "ps itself"


def test_no_thread_is_left(tmp_path: Path) -> None:
    before = set(threading.enumerate())

    with warded("print('done')", tmp_path) as command:
        wait_for_exit(command)

    assert set(threading.enumerate()) <= before


ENDS_FIRST = """
import os, subprocess, sys
from pithy_local.executors import warden

class EndsFirst(subprocess.Popen):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)

subprocess.Popen = EndsFirst
sys.exit(warden.main(os.pipe()[0], ["sh", "-c", "exit 3"]))
"""
"""A warden whose command has always ended when its start returns."""


def test_a_command_that_ends_at_once_is_seen_to_have_ended() -> None:
    assert subprocess.run(python(ENDS_FIRST), timeout=60).returncode == 3
