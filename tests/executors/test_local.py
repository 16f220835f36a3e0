"""Mock execution: the real runner as a subprocess, and that nothing of an attempt is left however it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from pithy_local.door.loop import EventLoop
from pithy_local.errors import Cancelled, ErrorCode, LeaseLost, PithyError
from pithy_local.executors.base import Executor, Job
from pithy_local.executors.local import RUNNER, LocalExecutor
from pithy_local.models import Phase, Stream
from pithy_local.paths import Home
from tests.door.stand_ins import Unhurried, make_unhurried
from tests.executors.local_host import TASK, RecordingHost, make_job, scripted
from tests.executors.stand_ins import DAEMON, STAY, WAIT_FOR_JOB, pid_in, python, wait_until_gone
from tests.support import git, make_repo

ROOM = f"{TASK}-a1"
REPORT = """
import json, urllib.request

def report(n, kind, data):
    request = urllib.request.Request(
        os.environ["PITHY_HOST_URL"] + "/event", json.dumps({"n": n, "kind": kind, "data": data}).encode(),
        {"Authorization": "Bearer " + os.environ["PITHY_HOST_TOKEN"], "Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=60).read()

def result(outcome):
    report(1, "result", {"outcome": outcome, "code": None, "message": "", "detail": {}})
"""
READY = DAEMON + REPORT + WAIT_FOR_JOB + '\nresult("ready")' + STAY


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(root=tmp_path / "home").prepare()


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    with EventLoop() as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_left(home: Home) -> Iterator[None]:
    threads, children = set(threading.enumerate()), set(psutil.Process().children())
    yield
    assert list(home.scratch.iterdir()) == []
    assert set(psutil.Process().children()) <= children
    left = [thread for thread in set(threading.enumerate()) - threads if thread.name == "local-output"]
    assert left == []


@pytest.fixture
def executor(home: Home, loop: EventLoop) -> Callable[..., LocalExecutor]:
    """Makes an executor; keyword arguments are commands in the place of the real ones."""
    return lambda **commands: LocalExecutor(home, loop, **commands)


@contextmanager
def running(executor: LocalExecutor, job: Job, host: RecordingHost) -> Iterator[list[BaseException]]:
    """The attempt in a thread; the list gets what it raised."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            executor.run(job, host)
        except (PithyError, Cancelled, LeaseLost) as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    yield raised
    thread.join(60)
    assert not thread.is_alive()


def unhurried(host: RecordingHost) -> Unhurried:
    """In the place of the host's own gateway."""
    host.gateway = gateway = make_unhurried(reports=host.gateway.reports, token=host.gateway.token)
    return gateway


def failure(executor: LocalExecutor, job: Job, host: RecordingHost | None = None) -> PithyError:
    with pytest.raises(PithyError) as caught:
        executor.run(job, host or RecordingHost())
    return caught.value


def test_the_real_runner_changes_the_repository_and_its_diff_is_collected(
    executor: Callable[..., LocalExecutor], tmp_path: Path
) -> None:
    host, job = RecordingHost(), make_job(tmp_path)
    local: Executor = executor()

    collected = local.run(job, host)

    (tmp_path / "patch").write_bytes(collected.diff)
    checkout = make_repo(tmp_path / "fresh", {"hello.txt": "one\nhello\nthree\n"})
    git("apply", str(tmp_path / "patch"), cwd=checkout)
    assert (checkout / "hello.txt").read_text() == "one\nhello, world\nthree\n"
    assert host.phases == [Phase.STARTING, Phase.AGENT, Phase.COLLECTING]
    assert host.diffs[-1] == collected.diff
    assert b"asking scripted" in host.written[Stream.OUT]


def test_it_says_first_that_it_is_not_isolated(executor: Callable[..., LocalExecutor], tmp_path: Path) -> None:
    host = RecordingHost()

    executor().run(make_job(tmp_path), host)

    assert host.said[0].startswith("UNISOLATED")
    assert executor().isolated is False


def test_every_effect_is_announced_before_it_and_told_after_it(
    executor: Callable[..., LocalExecutor], tmp_path: Path
) -> None:
    host = RecordingHost()

    executor().run(make_job(tmp_path), host)

    assert [effect[:2] for effect in host.effects] == [
        ("intend", "create"), ("done", "create"), ("intend", "start"), ("done", "start"),
        ("intend", "remove"), ("done", "remove"),
    ]  # fmt: skip
    assert host.effects[0][2] == ROOM


def test_a_runner_that_reports_failure_gives_an_empty_diff(
    executor: Callable[..., LocalExecutor], tmp_path: Path
) -> None:
    host = RecordingHost()

    collected = executor().run(make_job(tmp_path, replies=scripted("I would rather not.")), host)

    assert collected.diff == b""
    assert host.gateway.reports.result is not None
    assert host.gateway.reports.result.code == "patch_malformed"
    assert Phase.COLLECTING not in host.phases


def test_the_environment_is_scrubbed(
    executor: Callable[..., LocalExecutor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-key")
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_canary_token")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:canary@proxy.example")
    show = "import os, json; print(json.dumps(dict(os.environ)), flush=True); raise SystemExit(3)"
    host = RecordingHost()

    failure(executor(runner=python(show)), make_job(tmp_path), host)

    seen = json.loads(host.written[Stream.OUT])
    token = host.gateway.token
    assert "canary" not in json.dumps(seen)
    assert set(seen) - {"LC_CTYPE"} == {
        "PATH", "HOME", "TMPDIR", "LANG", "PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PITHY_JOB",
        "PITHY_HOST_URL", "PITHY_HOST_TOKEN", "OPENAI_BASE_URL", "OPENAI_API_KEY", "ANTHROPIC_BASE_URL",
        "ANTHROPIC_API_KEY",
    }  # fmt: skip
    assert {seen["PITHY_HOST_TOKEN"], seen["OPENAI_API_KEY"], seen["ANTHROPIC_API_KEY"]} == {token}
    origin = seen["PITHY_HOST_URL"].removesuffix("/host")
    assert (seen["OPENAI_BASE_URL"], seen["ANTHROPIC_BASE_URL"]) == (f"{origin}/openai/v1", f"{origin}/anthropic")
    assert f"/{ROOM}/home" in seen["HOME"]


def test_the_job_appears_whole_with_the_paths_of_the_room(
    executor: Callable[..., LocalExecutor], home: Home, tmp_path: Path
) -> None:
    host = RecordingHost()
    show = (
        "import os, time\nfrom pathlib import Path\n"
        + WAIT_FOR_JOB
        + 'print(Path(os.environ["PITHY_JOB"]).read_text())'
    )

    failure(executor(runner=python(show)), make_job(tmp_path), host)

    job = json.loads(host.written[Stream.OUT])
    assert job["bundle"] == str(home.scratch / ROOM / "repo.git")
    assert job["repo"] == str(home.scratch / ROOM / "repo")
    assert job["prompt"] == "Greet the world"


def test_a_runner_that_dies_is_lost_with_its_exit_code(executor: Callable[..., LocalExecutor], tmp_path: Path) -> None:
    error = failure(executor(runner=python("raise SystemExit(42)")), make_job(tmp_path))

    assert error.code is ErrorCode.CONTAINER_LOST
    assert error.detail == {"exit_code": 42}


def test_a_timeout_ends_daemons_that_ignore_sigterm(
    executor: Callable[..., LocalExecutor], home: Home, tmp_path: Path
) -> None:
    host = RecordingHost()
    gateway = unhurried(host)  # until both are there, the time does not run
    with running(executor(runner=python(DAEMON + STAY)), make_job(tmp_path, seconds=0.2), host) as raised:
        pids = [pid_in(home.scratch / ROOM / "home", name) for name in ("runner", "daemon")]
        gateway.no_more()

    (error,) = raised
    assert isinstance(error, PithyError)
    assert error.code is ErrorCode.TIMEOUT
    wait_until_gone(*pids)


def test_the_time_limit_does_not_run_while_the_gateway_waits(
    executor: Callable[..., LocalExecutor], tmp_path: Path
) -> None:
    host = RecordingHost()
    unhurried(host)
    slow = DAEMON + REPORT + WAIT_FOR_JOB + '\ntime.sleep(1.0)\nresult("ready")' + STAY

    executor(runner=python(slow)).run(make_job(tmp_path, seconds=0.5), host)

    assert Phase.COLLECTING in host.phases


@pytest.mark.parametrize("reason", [Cancelled(), LeaseLost()])
def test_an_attempt_that_must_stop_is_dead_at_once(
    executor: Callable[..., LocalExecutor], home: Home, tmp_path: Path, reason: Cancelled | LeaseLost
) -> None:
    host = RecordingHost()
    with running(executor(runner=python(DAEMON + STAY)), make_job(tmp_path), host) as raised:
        pids = [pid_in(home.scratch / ROOM / "home", name) for name in ("runner", "daemon")]
        host.stop(reason)

    assert raised == [reason]
    wait_until_gone(*pids)


def test_a_log_that_cannot_be_written_ends_the_attempt(executor: Callable[..., LocalExecutor], tmp_path: Path) -> None:
    class FullDisk(RecordingHost):
        def output(self, stream: Stream, data: bytes, frame: int | None = None) -> bool:
            raise PithyError(ErrorCode.STORE, "cannot write the log")

    chatty = executor(runner=python("import time\nprint('x' * 1_000_000, flush=True)\ntime.sleep(600)"))

    assert failure(chatty, make_job(tmp_path), FullDisk()).code is ErrorCode.STORE


def test_a_cancelled_attempt_does_not_even_start(executor: Callable[..., LocalExecutor], tmp_path: Path) -> None:
    host = RecordingHost()
    host.stop(Cancelled())

    with pytest.raises(Cancelled):
        executor().run(make_job(tmp_path), host)


def test_collecting_can_be_cancelled(executor: Callable[..., LocalExecutor], home: Home, tmp_path: Path) -> None:
    host = RecordingHost()
    hanging = executor(
        runner=python(READY), collector=python(DAEMON.replace('note("runner")', 'note("collector")') + STAY)
    )
    with running(hanging, make_job(tmp_path), host) as raised:
        pids = [pid_in(home.scratch / ROOM / "home", name) for name in ("runner", "collector", "daemon")]
        host.stop(Cancelled())

    assert [type(error) for error in raised] == [Cancelled]
    wait_until_gone(*pids)


@pytest.mark.parametrize(
    ("collector", "code"),
    [
        ("raise SystemExit(1)", ErrorCode.AGENT_FAILED),
        ("print('short')", ErrorCode.AGENT_FAILED),
        ("import sys; sys.stdout.buffer.write(bytes(8) + b'x' * 32)", ErrorCode.AGENT_FAILED),
        ("import sys; sys.stdout.buffer.write(b'\\xff' * 40 + b'x' * 50_000_000)", ErrorCode.POLICY),
        ("import os, time; os.write(1, (1001).to_bytes(8, 'big')); time.sleep(600)", ErrorCode.POLICY),
    ],
)  # fmt: skip
def test_a_diff_that_is_not_whole_or_too_large_is_refused(
    executor: Callable[..., LocalExecutor], tmp_path: Path, collector: str, code: ErrorCode
) -> None:
    broken = executor(runner=python(READY), collector=python(collector))

    assert failure(broken, make_job(tmp_path, max_diff_bytes=1000)).code is code


def test_files_the_agent_leaves_cannot_take_the_collectors_place(
    executor: Callable[..., LocalExecutor], tmp_path: Path
) -> None:
    plant = """
home = Path(os.environ["HOME"])
user_site = home / (".local/lib/python%d.%d/site-packages" % sys.version_info[:2])
user_site.mkdir(parents=True)
(home.parent / "runner").mkdir()
for place in (user_site / "usercustomize.py", home.parent / "runner/collect.py", home.parent / "json.py"):
    place.write_text("raise SystemExit('planted')")
"""
    host = RecordingHost()
    source = DAEMON + REPORT + plant + WAIT_FOR_JOB + '\nresult("ready")' + STAY

    collected = executor(runner=python(source)).run(make_job(tmp_path), host)

    assert collected.diff == b""  # a whole frame, from the real one: the stand-in changed nothing
    assert b"planted" not in host.written[Stream.ERR]


def test_nothing_of_an_attempt_survives_the_sigkill_of_its_host(home: Home, loop: EventLoop, tmp_path: Path) -> None:
    victim = subprocess.Popen([sys.executable, "-m", "tests.executors.local_victim", str(tmp_path)])
    try:
        pids = [pid_in(home.scratch / ROOM / "home", name) for name in ("runner", "daemon")]
    finally:
        victim.kill()
        victim.wait()

    wait_until_gone(*pids)
    executor = LocalExecutor(home, loop)
    (left,) = executor.sandboxes("instance")
    assert (left.task, left.attempt, left.fence, left.handle) == (TASK, 1, 3, ROOM)
    assert left.created_ms > 0
    executor.remove(left.handle)


def test_a_leftover_of_the_same_attempt_gives_way(
    executor: Callable[..., LocalExecutor], home: Home, tmp_path: Path
) -> None:
    (home.scratch / ROOM / "repo.git").mkdir(parents=True)

    assert executor().run(make_job(tmp_path), RecordingHost()).diff != b""


def test_what_a_later_owner_of_the_attempt_has_made_is_left_to_it(
    executor: Callable[..., LocalExecutor], home: Home, tmp_path: Path
) -> None:
    """Its first owner was stopped for so long that it lost the attempt, and goes on only now."""
    job, late, meta = make_job(tmp_path), RecordingHost(), home.scratch / ROOM / "owner.json"
    with running(executor(runner=python(DAEMON + STAY)), job, late) as raised:
        pid_in(home.scratch / ROOM / "home", "runner")
        meta.write_text(json.dumps({"instance": job.instance, "fence": job.fence + 1}))
        late.stop(LeaseLost())

    assert ([type(error) for error in raised], meta.exists()) == ([LeaseLost], True)
    executor().remove(ROOM)


def test_removing_ends_what_still_runs_there(
    executor: Callable[..., LocalExecutor], home: Home, tmp_path: Path
) -> None:
    room = home.scratch / ROOM
    (room / "home").mkdir(parents=True)
    left = subprocess.Popen(python("import time; time.sleep(600)"), env={"HOME": str(room / "home")})

    executor().remove(ROOM)

    assert left.wait(60) == -signal.SIGKILL


def test_only_directories_of_this_instance_are_listed(executor: Callable[..., LocalExecutor], home: Home) -> None:
    for name, meta in [
        ("aaa-a1", '{"instance": "mine", "fence": 7}'), ("bbb-a12", '{"instance": "other", "fence": 7}'),
        ("ccc-a1", "spoilt"), ("ddd-a1", '["spoilt"]'), ("not-ours", ""), ("eee-ax", ""),
    ]:  # fmt: skip
        (home.scratch / name).mkdir()
        (home.scratch / name / "owner.json").write_text(meta)

    found = {sandbox.handle: sandbox.fence for sandbox in executor().sandboxes("mine")}

    assert found == {"aaa-a1": 7, "ccc-a1": 0, "ddd-a1": 0}
    for path in list(home.scratch.iterdir()):
        path.joinpath("owner.json").unlink()
        path.rmdir()


@pytest.mark.parametrize("handle", ["../mirrors", "/", "", "not-ours", "missing-a1"])
def test_removing_touches_nothing_else(executor: Callable[..., LocalExecutor], home: Home, handle: str) -> None:
    executor().remove(handle)

    assert home.mirrors.is_dir()
    assert home.scratch.is_dir()


def test_a_bundle_that_cannot_be_read_is_an_error_and_leaves_nothing(
    executor: Callable[..., LocalExecutor], tmp_path: Path
) -> None:
    job = make_job(tmp_path)
    job.bundle.unlink()

    assert failure(executor(), job).code is ErrorCode.INTERNAL


def test_attempts_run_side_by_side_and_do_not_see_each_other(
    executor: Callable[..., LocalExecutor], tmp_path: Path
) -> None:
    jobs = [replace(make_job(tmp_path / str(n)), attempt=n) for n in range(1, 5)]
    hosts = [RecordingHost() for _ in jobs]
    local = executor()
    diffs: list[bytes] = []
    threads = [
        threading.Thread(target=lambda job=job, host=host: diffs.append(local.run(job, host).diff))
        for job, host in zip(jobs, hosts, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(diffs) == 4
    assert len(set(diffs)) == 1


def test_this_python_can_start(executor: Callable[..., LocalExecutor]) -> None:
    executor().check()


def test_the_default_command_is_the_real_runner() -> None:
    assert RUNNER[0] == sys.executable
    assert RUNNER[-2:] == ("-m", "runner")
