"""`pithy-local serve` as its users meet it: start, token, clash, end, and a kill -9 in the middle of streams."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import httpx2
import pytest

from pithy_local.http.server import listen
from pithy_local.models import Status, TaskError
from pithy_local.service.serving import token
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.tasks import Tasks
from tests.cli.support import Cli
from tests.http.served import Writer, events
from tests.seeding import claim, enqueue
from tests.support import free_port, make_repo, wait_until

FAILED = TaskError(code="oom", message="too much", hint="")
FIX = json.dumps(["Done.\n\n```diff\n--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-a\n+b\n```\n"])


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "user")


@contextmanager
def serve(cli: Cli, *args: str) -> Iterator[tuple[subprocess.Popen[bytes], httpx2.Client]]:
    """The process and a client with its token; killed at the end, if it is still there."""
    process = cli.start("serve", *(args or ("--no-worker",)), *(() if "--port" in args else ("--port", "0")))
    assert process.stdout is not None
    try:
        url = process.stdout.readline().decode().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url), process.communicate()[1]
        headers = {"authorization": f"Bearer {token(cli.home)}"}
        with httpx2.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as client:
            yield process, client
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[bytes], *signals: int) -> tuple[int, str]:
    """Send it these signals; its exit code and what it said."""
    for number in signals:
        process.send_signal(number)
    _, err = process.communicate(timeout=100)
    return process.returncode, err.decode()


def test_the_token_is_made_once_and_is_its_owners_alone(cli: Cli) -> None:
    with serve(cli) as (process, client):
        assert client.get("/api/task").status_code == 200
        assert client.get("/api/task", headers={"authorization": "Bearer x"}).status_code == 401
        code, err = ended(process, signal.SIGTERM)
    file = cli.home.root / "serve.token"

    assert (code, err) == (0, "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(file.read_text().strip()) >= 43
    assert token(cli.home) == file.read_text().strip()


def test_a_token_file_that_others_could_read_is_closed(cli: Cli) -> None:
    cli.home.prepare()
    file = cli.home.root / "serve.token"
    file.write_text("my-own-token\n")
    file.chmod(0o644)

    assert token(cli.home) == "my-own-token"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_home_has_one_server_and_an_address_one_listener(cli: Cli, tmp_path: Path) -> None:
    other = Cli(tmp_path / "other")
    with serve(cli) as (process, client):
        again = cli("serve", "--no-worker")
        clash = other("serve", "--no-worker", "--port", str(client.base_url.port))

    assert again.code == 6
    assert f"is served already by process {process.pid}" in again.err
    assert clash.code == 3
    assert "Address already in use" in clash.err
    assert "--port" in clash.err


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.7", "a..b"])
def test_an_address_that_is_not_this_machines_is_refused(cli: Cli, host: str) -> None:
    done = cli("serve", "--no-worker", "--host", host, "--port", "0")

    assert (done.code, done.out) == (3, "")
    assert f"cannot listen on {host}" in done.err


@pytest.mark.parametrize(("host", "warned"), [("0", True), ("127.1", False)])
def test_another_address_than_loopback_says_what_it_means(cli: Cli, host: str, warned: bool) -> None:
    process = cli.start("serve", "--no-worker", "--host", host, "--port", "0")
    assert process.stdout is not None
    url = process.stdout.readline().decode().strip()
    status = httpx2.get(f"{url}/healthz", trust_env=False).status_code
    code, err = ended(process, signal.SIGINT)

    assert (status, code) == (200, 0)
    assert ("every network of this machine" in err) is warned


def test_a_server_without_a_worker_says_that_it_tells_nobody(cli: Cli) -> None:
    cli.config.write_text('[notify]\nurls = ["json://127.0.0.1:9/"]\n')
    with serve(cli) as (process, _):
        _, err = ended(process, signal.SIGTERM)

    assert err == "this process sends no notifications: whoever works the queue does (`pithy-local run`)\n"


def test_with_json_the_address_is_an_object(cli: Cli) -> None:
    process = cli.start("serve", "--no-worker", "--port", "0", "--json")
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    ended(process, signal.SIGTERM)

    assert told["token_file"] == str(cli.home.root / "serve.token")
    assert told["url"].startswith("http://127.0.0.1:")


def test_it_works_the_queue_and_streams_the_log(cli: Cli, tmp_path: Path) -> None:
    repo, replies = make_repo(tmp_path / "repo", {"a.txt": "a\n"}), tmp_path / "replies.json"
    replies.write_text(FIX)
    cli.config.write_text(f'executor = "local"\n[model]\nprovider = "scripted"\n[model.scripted]\nfile = "{replies}"\n')
    with serve(cli, "--port", "0") as (process, client):
        task = client.post("/api/task", json={"prompt": "b", "repo": str(repo)}).json()["id"]
        with client.stream("GET", f"/api/task/{task}/logs", headers={"accept": "text/event-stream"}) as response:
            found = list(events(response))
        shown = client.get(f"/api/task/{task}").json()
        diff = client.get(f"/api/task/{task}/diff").text
        code, _ = ended(process, signal.SIGTERM)

    lines = [json.loads(event.data) for event in found if event.event == "message"]
    assert (shown["status"], code) == ("completed", 0)
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert json.loads(found[-1].data) == shown
    assert diff.endswith("-a\n+b\n")


@pytest.fixture
def slow(cli: Cli, tmp_path: Path) -> dict[str, object]:
    """A request for a task whose verify command goes on until there is a file `go`; `local` works it."""
    repo, replies = make_repo(tmp_path / "repo", {"a.txt": "a\n"}), tmp_path / "replies.json"
    replies.write_text(FIX)
    cli.config.write_text(f'executor = "local"\n[model]\nprovider = "scripted"\n[model.scripted]\nfile = "{replies}"\n')
    return {"prompt": "b", "repo": str(repo), "verify": [f"until [ -e '{tmp_path}/go' ]; do sleep 0.02; done"]}


def begin(client: httpx2.Client, request: dict[str, object]) -> str:
    """Queue it and wait until a worker has it; its path."""
    path = f"/api/task/{client.post('/api/task', json=request).json()['id']}"
    wait_until(lambda: client.get(path).json()["status"] == "running")
    return path


def test_a_drain_waits_for_what_runs_and_answers_meanwhile(cli: Cli, slow: dict[str, object], tmp_path: Path) -> None:
    with serve(cli, "--port", "0", "--drain") as (process, client):
        path = begin(client, slow)
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        assert any(b"waiting for 1 running" in line for line in iter(process.stderr.readline, b""))
        with client.stream("GET", f"{path}/logs", headers={"accept": "text/event-stream"}) as response:
            (tmp_path / "go").touch()
            last = list(events(response))[-1]
        code, _ = ended(process)

    assert (json.loads(last.data)["status"], code) == ("completed", 0)


def test_without_it_what_runs_is_left_to_the_next(cli: Cli, slow: dict[str, object]) -> None:
    with serve(cli, "--port", "0") as (process, client):
        path = begin(client, slow)
        code, err = ended(process, signal.SIGTERM)
    with closing(cli.store()) as store:
        left = Tasks(store).get(path.rpartition("/")[2])

    assert (code, left.status) == (0, Status.QUEUED)  # `local` ends with its host
    assert "leaving 1 running" in err


def test_a_hang_up_that_was_to_be_ignored_is(cli: Cli) -> None:
    argv = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *cli.argv("serve", "--no-worker", "--port", "0")]
    with subprocess.Popen(argv, env=cli.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = process.stdout.readline().decode().strip()
        process.send_signal(signal.SIGHUP)
        status = httpx2.get(f"{url}/healthz", trust_env=False).status_code
        code, _ = ended(process, signal.SIGTERM)

    assert (status, code) == (200, 0)


def test_a_silent_engine_is_said_and_shown(cli: Cli) -> None:
    cli.config.write_text('executor = "docker"\n')
    with serve(cli, "--port", "0") as (process, client):
        wait_until(lambda: client.get("/healthz").json()["engine"] == "down")
        assert "pithy_engine_up 0\n" in client.get("/metrics").text
        assert process.stderr is not None
        said = process.stderr.readline().decode()

    assert said.endswith(": its tasks stay queued\n")


def test_an_engine_that_nobody_asks_is_not_called_up(cli: Cli) -> None:
    cli.config.write_text('executor = "local"\n')
    with serve(cli, "--port", "0") as (_, client):
        assert client.get("/healthz").json()["engine"] is None
        assert "pithy_engine_up" not in client.get("/metrics").text


def test_a_lock_file_that_cannot_be_opened_is_no_bug(cli: Cli) -> None:
    cli.home.prepare()
    cli.home.lock("serve").mkdir()

    done = cli("serve", "--no-worker", "--port", "0")

    assert (done.code, done.out) == (3, "")
    assert f"cannot use {cli.home.lock('serve')}" in done.err


def test_a_second_signal_ends_it_at_once(cli: Cli) -> None:
    with serve(cli) as (process, _):
        os.kill(process.pid, signal.SIGSTOP)  # both signals wait, and come together
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        code, _ = ended(process, signal.SIGCONT)

    assert code in (-signal.SIGINT, -signal.SIGTERM)


def test_killed_under_load_its_clients_go_on_and_nothing_is_lost(cli: Cli) -> None:
    seen: list[list[int]] = [[] for _ in range(5)]
    kills, port = 3, str(free_port())
    with closing(cli.store()) as store, ThreadPoolExecutor(6) as threads:
        lease = claim(store, enqueue(store))
        done = threading.Event()
        written = threads.submit(_write, store, lease, done)
        for turn in range(kills + 1):
            with serve(cli, "--no-worker", "--port", port) as (process, client):
                path = f"/api/task/{lease.task.id}/logs"
                readers = [threads.submit(_follow, client, path, numbers) for numbers in seen]
                if turn < kills:
                    wait_until(partial(_all_beyond, seen, 100 * (turn + 1)))
                    process.kill()
                else:
                    done.set()
                outcomes = [reader.result(60) for reader in readers]

    assert outcomes == ["ended"] * 5
    assert seen == [list(range(1, written.result() + 1))] * 5


def _all_beyond(seen: list[list[int]], number: int) -> bool:
    return all(len(numbers) > number for numbers in seen)


def _write(store: Store, lease: Lease, done: threading.Event) -> int:
    """Lines until `done`, then the end of the task; the number of the last line."""
    writer, last = Writer(store, lease), 0
    while not done.wait(0.002):
        last = writer.write("line", "line")
    lease.settle(Status.FAILED, FAILED)
    store.close_thread()
    return last


def _follow(client: httpx2.Client, path: str, seen: list[int]) -> str:
    """Go on after the last line that was seen: `ended` with the task, or `cut`."""
    headers = {"accept": "text/event-stream", "last-event-id": str(seen[-1] if seen else 0)}
    try:
        with client.stream("GET", path, headers=headers) as response:
            for event in events(response):
                if event.id:
                    seen.append(int(event.id))
    except httpx2.HTTPError:
        return "cut"
    return "ended"


def test_answers_are_not_held_back_by_nagles_delay() -> None:
    """asyncio turns it off where it knows that a socket speaks TCP; else each answer would take 40 ms more."""
    with listen("127.0.0.1", 0) as sock:
        assert sock.proto == socket.IPPROTO_TCP
