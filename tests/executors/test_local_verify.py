"""Verify commands in mock execution: the same results as in a container, nothing left, a scrubbed environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from pithy_local.door.loop import EventLoop
from pithy_local.errors import Cancelled, ErrorCode, LeaseLost, PithyError
from pithy_local.executors.base import Executor, VerifyRun
from pithy_local.executors.local import LocalExecutor
from pithy_local.models import Stream
from pithy_local.paths import Home
from tests.executors.local_host import RecordingHost
from tests.executors.stand_ins import DAEMON, STAY, pid_in, python, wait_until_gone
from tests.executors.verify_jobs import TASK, make_verify_job

ROOM = f"{TASK}-a1-vpatch"

Verify = Callable[..., list[VerifyRun]]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(root=tmp_path / "home").prepare()


@pytest.fixture
def executor(home: Home) -> Iterator[Executor]:
    children = set(psutil.Process().children())
    with EventLoop() as loop:
        yield LocalExecutor(home, loop)
    assert list(home.scratch.iterdir()) == []
    assert set(psutil.Process().children()) <= children


@pytest.fixture
def host() -> RecordingHost:
    return RecordingHost()


@pytest.fixture
def verify(executor: Executor, tmp_path: Path, host: RecordingHost) -> Verify:
    """Runs commands on a small repository; keyword arguments are the job's."""
    return lambda *commands, **job: executor.verify(make_verify_job(tmp_path, *commands, **job), host)


def shell(source: str) -> str:
    """The command that runs `source` with this Python; it holds no double quote, dollar or backslash."""
    program, option, text = python(source.replace('"', "'"))
    return f'{program} {option} "{text}"'


def test_exit_codes_and_outputs_are_each_commands_own(verify: Verify, host: RecordingHost) -> None:
    runs = verify("echo out; echo err >&2; exit 3", "true", "kill -TERM $$", "no-such-command")

    assert [run.exit_code for run in runs] == [3, 0, 143, 127]
    assert runs[0].output == "out\nerr\n"
    assert host.written[Stream.OUT].startswith(b"out\nerr\n")
    assert host.said[0].startswith("UNISOLATED")


def test_the_commit_is_checked_out_and_one_tree_serves_all_commands(verify: Verify) -> None:
    look = "cat hello.txt; git status -sb; git remote; cat kept 2>/dev/null; echo kept > kept"

    first, second = verify(look, look)

    assert first.output == "hello\n## main\n"
    assert second.output == "hello\n## main\n?? kept\nkept\n"


def test_the_environment_is_scrubbed(verify: Verify, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-key")
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_canary_token")

    (run,) = verify("env -u PWD -u OLDPWD -u _ -u SHLVL | cut -d= -f1 | sort | tr '\\n' ' '")

    assert run.output == "HOME LANG PATH PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED TMPDIR "


def test_a_command_over_its_time_is_dead_and_the_rest_not_run(verify: Verify, host: RecordingHost) -> None:
    runs = verify("trap '' TERM; echo slow; sleep 600", "true", seconds=2.0)

    assert [(run.exit_code, run.output) for run in runs] == [(124, "slow\n"), (None, "")]
    assert any("longer than 2 s" in line for line in host.said)


def test_what_a_command_leaves_running_ends_with_it(verify: Verify) -> None:
    left = "sleep 600 > /dev/null & echo $! > pid; exit 3"

    runs = verify(left, "test -s pid && ! kill -0 $(cat pid)")

    assert [run.exit_code for run in runs] == [3, 0]


@pytest.mark.parametrize("reason", [Cancelled(), LeaseLost()])
def test_a_round_that_must_stop_is_dead_at_once(
    executor: Executor, home: Home, tmp_path: Path, host: RecordingHost, reason: Cancelled | LeaseLost
) -> None:
    job = make_verify_job(tmp_path, shell(DAEMON + STAY))
    with ThreadPoolExecutor() as pool:
        running = pool.submit(executor.verify, job, host)
        pids = [pid_in(home.scratch / ROOM / "home", name) for name in ("runner", "daemon")]
        (found,) = executor.sandboxes("instance")
        host.stop(reason)
        with pytest.raises(type(reason)):
            running.result(60)

    wait_until_gone(*pids)
    assert (found.task, found.attempt, found.fence, found.role, found.handle) == (TASK, 1, 3, "vpatch", ROOM)


def test_effects_are_written_down_and_no_phase_is_entered(
    executor: Executor, tmp_path: Path, host: RecordingHost
) -> None:
    executor.verify(make_verify_job(tmp_path, "true", role="vbase"), host)

    room = f"{TASK}-a1-vbase"
    assert host.effects[:2] == [("intend", "create", room), ("done", "create", room)]
    assert [effect[:2] for effect in host.effects[2:]] == [("intend", "remove"), ("done", "remove")]
    assert host.phases == []


def test_a_log_that_cannot_be_written_ends_the_round(executor: Executor, tmp_path: Path) -> None:
    class FullDisk(RecordingHost):
        def output(self, stream: Stream, data: bytes, frame: int | None = None) -> bool:
            raise PithyError(ErrorCode.STORE, "cannot write the log")

    with pytest.raises(PithyError) as caught:
        executor.verify(make_verify_job(tmp_path, "yes"), FullDisk())
    assert caught.value.code is ErrorCode.STORE


def test_a_commit_that_is_not_in_the_bundle_is_an_error_of_ours(
    executor: Executor, tmp_path: Path, host: RecordingHost
) -> None:
    with pytest.raises(PithyError, match="could not be checked out") as caught:
        executor.verify(replace(make_verify_job(tmp_path, "true"), sha="0" * 40), host)
    assert caught.value.code is ErrorCode.INTERNAL


def test_what_a_command_removes_is_not_there_for_the_next_one(verify: Verify) -> None:
    runs = verify("rm -rf ../repo", "true")

    assert runs[0].exit_code == 0
    assert runs[1].exit_code == 2
    assert "repo" in runs[1].output


def test_a_result_here_depends_on_this_machine(executor: Executor, host: RecordingHost) -> None:
    assert executor.environment_key(host) == "local"
