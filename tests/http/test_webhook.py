"""`POST /api/webhook/github-actions`: every row of docs/api.md over real HTTP, beside a real git server and a forge."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from standardwebhooks import Webhook

from pithy_local import service
from pithy_local.config import Secrets
from pithy_local.errors import ErrorCode
from pithy_local.http.pool import SLOW
from pithy_local.models import Phase, Status, Stream, Task
from pithy_local.service import webhooks
from pithy_local.store.lease import Lease
from pithy_local.store.logs import Entry, Logs, Position
from pithy_local.store.processes import Processes
from pithy_local.store.stats import stats
from pithy_local.store.tasks import Tasks
from pithy_local.store.webhooks import Webhooks
from tests.fakes.git_http import GitHttpServer
from tests.fakes.github import FakeGitHub
from tests.fakes.github_state import Repo
from tests.http.served import SECRET, Served, error_of, serving
from tests.support import git, make_bare, make_repo, wait_until

PATH = "/api/webhook/github-actions"
TOKEN = "ghp_canaryA1b2C3d4E5f6G7h8I9j0"
SLUG = "acme/api"


class Outside:
    """A forge with one repository, whose branches and pull requests tests make as an executor outside would."""

    def __init__(self, root: Path) -> None:
        self._origin = make_repo(root / "origin", {"a.txt": "a\n"})
        self.bare = make_bare(root / "served" / f"{SLUG}.git", self._origin)
        self.github, self.git = FakeGitHub(), GitHttpServer(root / "served")

    def __enter__(self) -> Outside:
        self.github.start()
        self.git.start()
        self.git.add_token(TOKEN)
        self.github.add_token(TOKEN)
        self.repo: Repo = self.github.add_repo(SLUG, self.bare, self.git.url_of(SLUG))
        return self

    def __exit__(self, *_: object) -> None:
        self.github.stop()
        self.git.stop()
        assert self.github.violations == []

    def push(self, task: Task) -> str:
        """The task's branch with a commit of its own."""
        git("checkout", "-q", "-B", task.branch, "main", cwd=self._origin)
        git("commit", "-q", "--allow-empty", "-m", task.id, cwd=self._origin)
        git("push", "-q", "-f", str(self.bare), task.branch, cwd=self._origin)
        return git("rev-parse", "HEAD", cwd=self._origin)

    def open_pr(self, task: Task) -> int:
        return self.github.open_pr(self.repo, task.branch).number


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    with Outside(tmp_path_factory.mktemp("outside")) as world:
        yield world


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, outside: Outside) -> Iterator[Served]:
    github, secrets = {"api_url": outside.github.url}, Secrets(github_token_env=TOKEN)
    with serving(tmp_path_factory.mktemp("served"), secrets=secrets, github=github) as found:
        yield found


def report(task: Task | str, **changes: Any) -> bytes:
    body = {
        "type": "task.completed", "taskId": task if isinstance(task, str) else task.id, "workspaceId": "run-1",
        "branchName": None if isinstance(task, str) else task.branch, "prUrl": None, "error": None, "logs": "",
    }  # fmt: skip
    return json.dumps(body | changes).encode()


def signed(body: bytes, *, webhook_id: str | None = None, off: int = 0, secret: str = SECRET) -> dict[str, str]:
    at = int(time.time()) + off
    webhook_id = webhook_id or f"msg_{time.monotonic_ns()}"
    signature = Webhook(secret).sign(webhook_id, datetime.fromtimestamp(at, UTC), body.decode())
    return {"webhook-id": webhook_id, "webhook-timestamp": str(at), "webhook-signature": signature}


def send(served: Served, body: bytes, headers: dict[str, str] | None = None) -> httpx2.Response:
    with served.client(token=None) as client:
        return client.post(PATH, content=body, headers=signed(body) if headers is None else headers)


def status_of(served: Served, task: Task) -> Status:
    return service.find(served.app, task.id).status


def refused(served: Served) -> dict[str, int]:
    return service.gauges(served.app).webhooks_refused


def audit(served: Served) -> dict[str, Any]:
    """The newest refusal."""
    row = served.store.queue.row("SELECT * FROM refused_webhook ORDER BY id DESC")
    assert row is not None
    return dict(row)


def test_a_completed_task_is_checked_and_settled(served: Served, outside: Outside) -> None:
    task = served.elsewhere(repo=SLUG)
    sha, number = outside.push(task), outside.open_pr(task)

    answer = send(served, report(task, logs="one\ntwo\n"))

    after = service.find(served.app, task.id)
    assert (answer.status_code, answer.json()) == (200, {"taken": True, "task": after.to_json()})
    assert (after.status, after.head_sha, after.pr_number) == (Status.COMPLETED, sha, number)
    assert after.pr_url is not None
    assert after.base == "main"
    lines = service.log_page(served.app, task.id)
    assert [(line.seq, line.text) for line in lines[:2]] == [(1, "one"), (2, "two")]
    assert lines[2].text.startswith(f"completed: {sha[:12]}")
    told = served.store.queue.rows(
        "SELECT n.status FROM notification n JOIN task t ON t.n = n.task WHERE t.id = ?", (task.id,)
    )
    assert [row["status"] for row in told] == ["completed"]


def test_a_report_that_is_sent_again_changes_nothing(served: Served, outside: Outside) -> None:
    task = served.elsewhere(repo=SLUG)
    outside.push(task), outside.open_pr(task)
    body = report(task, logs="x")
    headers = signed(body, webhook_id=f"again_{task.id}")
    send(served, body, headers)
    before = service.find(served.app, task.id), service.last_seq(served.app, task.id)

    again = send(served, body, headers)
    other = report(task, error="no", logs="y")
    resigned = send(served, other, signed(other, webhook_id=f"again_{task.id}"))

    assert [answer.status_code for answer in (again, resigned)] == [200, 200]
    assert again.json() == resigned.json() == {"taken": False}
    assert (service.find(served.app, task.id), service.last_seq(served.app, task.id)) == before


def test_a_failed_task_needs_no_forge(served: Served) -> None:
    task = served.elsewhere(repo="acme/gone")

    answer = send(served, report(task, error=f"it broke\n\x1b[31m{TOKEN}", logs=f"token {TOKEN}"))

    after = service.find(served.app, task.id)
    assert answer.status_code == 200
    assert after.status is Status.FAILED
    assert after.error is not None
    assert (after.error.code, after.error.message) == ("agent_failed", "it broke ⏎ ***")
    assert after.error.hint == ErrorCode.AGENT_FAILED.hint.replace("ID", task.id)
    assert service.log_page(served.app, task.id)[0].text == "token ***"


def test_a_failure_without_a_reason_is_one(served: Served) -> None:
    task = served.elsewhere()

    assert send(served, report(task, type="task.failed")).status_code == 200
    assert status_of(served, task) is Status.FAILED


def test_what_the_forge_does_not_show_is_not_believed(served: Served, outside: Outside) -> None:
    task = served.elsewhere(repo=SLUG)

    no_branch = send(served, report(task, logs="x"))
    outside.push(task)
    no_pr = send(served, report(task, logs="x"))

    assert [no_branch.status_code, no_pr.status_code] == [409, 409]
    assert audit(served)["reason"] == "not_shown"
    assert (status_of(served, task), service.last_seq(served.app, task.id)) == (Status.RUNNING, 0)
    outside.open_pr(task)
    assert send(served, report(task)).status_code == 200


def test_a_forge_that_cannot_be_asked_is_503_and_asked_again(served: Served, outside: Outside) -> None:
    task = served.elsewhere(repo=SLUG)
    sha = outside.push(task)
    outside.open_pr(task)
    body = report(task, logs="once")
    headers = signed(body)
    outside.github.fail_next("repos/get", 502)

    later = send(served, body, headers)
    again = send(served, body, headers)

    assert (later.status_code, later.headers["retry-after"]) == (503, "60")
    assert (again.status_code, again.json()["task"]["head_sha"]) == (200, sha)
    assert [line.text for line in service.log_page(served.app, task.id)][:-1] == ["once"]


def test_a_forge_that_hangs_slows_no_other_path(served: Served, outside: Outside) -> None:
    tasks = [served.elsewhere(repo=SLUG) for _ in range(SLOW + 1)]
    gates = [outside.github.hold("repos/get") for _ in tasks]
    with ThreadPoolExecutor(len(tasks)) as threads:
        asked = [threads.submit(send, served, report(task)) for task in tasks]
        wait_until(lambda: sum(gate.reached.is_set() for gate in gates) == SLOW)
        statuses = [served.get(path).status_code for path in ("/healthz", "/api/task", "/api/stats", "/metrics")]
        for gate in gates:
            gate.release()
        answers = [answer.result(60).status_code for answer in asked]

    assert (statuses, answers) == ([200] * 4, [409] * len(tasks))


def test_a_repository_without_a_forge_needs_the_branch_alone(served: Served, tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo", {"a.txt": "a\n"})
    task = served.elsewhere(repo=str(repo))
    git("branch", task.branch, cwd=repo)

    assert send(served, report(task)).status_code == 200
    assert service.find(served.app, task.id).pr_url is None


@pytest.mark.parametrize(
    "changes", [{"webhook-signature": "v1,AAAA"}, {"webhook-signature": None}, {"webhook-id": None},
                {"webhook-timestamp": None}, {"webhook-id": "another"}, {"webhook-timestamp": "1"}],
    ids=str,
)  # fmt: skip
def test_without_a_good_signature_nothing_changes(served: Served, changes: dict[str, str | None]) -> None:
    task = served.elsewhere()
    body = report(task, error="x")
    headers = {name: value for name, value in (signed(body) | changes).items() if value is not None}

    answer = send(served, body, headers)

    assert (answer.status_code, error_of(answer)["code"]) == (401, "unauthorized")
    assert (status_of(served, task), service.last_seq(served.app, task.id)) == (Status.RUNNING, 0)
    assert audit(served)["peer"] == "127.0.0.1"
    assert audit(served)["webhook_id"] == headers.get("webhook-id")
    assert task.id not in json.dumps(audit(served))


def test_a_changed_byte_is_401(served: Served) -> None:
    body = report("0000000000", error="x")

    assert send(served, body.replace(b'"x"', b'"y"'), signed(body)).status_code == 401
    assert audit(served)["reason"] == "signature"


@pytest.mark.parametrize("off", [420, -301, 100_000])
def test_a_report_that_is_too_old_or_too_new_is_401(served: Served, off: int) -> None:
    body = report("0000000000", error="x")

    assert send(served, body, signed(body, off=off)).status_code == 401
    assert audit(served)["reason"] == "timestamp"


def test_a_doubled_header_is_401(served: Served) -> None:
    body = report("0000000000", error="x")
    headers = signed(body)
    for name in headers:
        with served.client(token=None) as client:
            answer = client.post(PATH, content=body, headers=[*headers.items(), (name, headers[name])])
        assert answer.status_code == 401
        assert audit(served)["reason"] == "header"


def test_while_a_secret_is_changed_both_are_taken(tmp_path: Path) -> None:
    new = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldY"
    with serving(tmp_path, serve={"webhook_secret": f"{new} {SECRET}"}) as served:
        for secret in (SECRET, new):
            body = report(served.elsewhere(), error="x")
            assert send(served, body, signed(body, secret=secret)).status_code == 200


def test_without_a_secret_every_report_is_401(tmp_path: Path) -> None:
    with serving(tmp_path, serve={"webhook_secret": ""}) as served:
        answer = send(served, report(served.elsewhere(), error="x"))

    assert (answer.status_code, error_of(answer)["message"]) == (401, "this server has no serve.webhook_secret")


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"not json", b"\xff", report("x", type="task.begun"), report("x", taskId=1),
             report("x", logs=1), report("x", error={}), report("", error="x")],
)  # fmt: skip
def test_another_shape_is_422(served: Served, body: bytes) -> None:
    headers = signed(b"") if body == b"\xff" else signed(body)
    if body == b"\xff":  # the library signs text alone
        assert send(served, body, headers).status_code == 401
    else:
        assert send(served, body, headers).status_code == 422
        assert audit(served)["reason"] == "schema"


def test_an_unknown_task_is_404_and_said(served: Served) -> None:
    answer = send(served, report("0000000000", error="x"))

    assert (answer.status_code, error_of(answer)["code"]) == (404, "no_such_task")
    assert audit(served)["reason"] == "unknown_task"
    assert "no task has the id '0000000000'" in served.said[-1]


def test_a_task_that_is_not_running_there_is_409(served: Served) -> None:
    queued, settled, here = served.enqueue(executor="github-actions"), served.elsewhere(), served.enqueue()
    owner = Processes(served.store).register("run")
    claimed = Tasks(served.store).claim(owner, executors=["docker"], concurrency=64, ids=[here.id])
    assert claimed is not None
    Lease(served.store, claimed, owner).enter(Phase.AGENT)
    send(served, report(settled, error="x"))

    for task in (queued, settled, here):
        before = service.find(served.app, task.id)
        assert send(served, report(task, error="y", logs="y")).status_code == 409
        assert audit(served)["reason"] == "not_running"
        assert service.find(served.app, task.id) == before
        assert "y" not in [line.text for line in service.log_page(served.app, task.id)]


def test_another_branch_or_workspace_is_409(served: Served) -> None:
    task = served.elsewhere()
    served.store.queue.write(
        "UPDATE attempt SET container = 'run-2' WHERE task = (SELECT n FROM task WHERE id = ?)", (task.id,)
    )

    assert send(served, report(task, error="x", workspaceId="run-1")).status_code == 409
    assert send(served, report(task, error="x", workspaceId="run-2", branchName="main")).status_code == 409
    assert send(served, report(task, error="x", workspaceId="run-2")).status_code == 200


def test_logs_up_to_their_limit_are_stored_and_longer_ones_are_413(served: Served) -> None:
    task = served.elsewhere()

    assert send(served, report(task, error="x", logs="é" * 51_201)).status_code == 413
    assert (audit(served)["reason"], status_of(served, task)) == ("too_large", Status.RUNNING)
    assert send(served, report(task, error="x", logs="y" * 100_000 + "\n" * 2_400)).status_code == 200
    assert service.last_seq(served.app, task.id) > 2_400


def test_a_large_body_is_refused_before_it_is_hashed(served: Served) -> None:
    body = b"x" * 25_000_000
    headers = signed(b"x") | {"webhook-signature": "v1,AAAA"}

    answer = send(served, body, headers)

    assert answer.status_code == 413
    assert audit(served)["reason"] == "too_large"


def test_two_reports_at_once_settle_a_task_once(served: Served) -> None:
    for _ in range(5):
        task = served.elsewhere()
        bodies = [report(task, error=f"{number}", logs=f"log {number}") for number in range(4)]
        with ThreadPoolExecutor(4) as threads:
            codes = [answer.status_code for answer in threads.map(lambda body: send(served, body), bodies)]

        assert sorted(codes) == [200, 409, 409, 409]
        assert service.last_seq(served.app, task.id) == 2


def test_one_report_sent_many_times_at_once_is_taken_once(served: Served) -> None:
    task = served.elsewhere()
    body = report(task, error="x", logs="log")
    headers = signed(body)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: send(served, body, headers), range(8)))

    assert sorted(answer.json()["taken"] for answer in answers) == [False] * 7 + [True]
    assert service.last_seq(served.app, task.id) == 2


def test_a_report_that_was_cut_short_writes_its_log_once(served: Served) -> None:
    task = served.elsewhere()
    n, logs = Webhooks(served.store).row_number(task), Logs(served.store)
    logs.open(n, 1, task.fence)
    logs.append(n, task.fence, [Entry(at=1, stream=Stream.OUT, text="line")], Position(source="cut_1"))
    # and then its process died

    webhooks.take(served.app, webhooks.Report(id="cut_1", task=task.id, error="x", logs="line"))

    assert status_of(served, task) is Status.FAILED
    assert [line.text for line in service.log_page(served.app, task.id)] == ["line"]


def test_a_burst_is_429_while_other_paths_answer(tmp_path: Path) -> None:
    with serving(tmp_path, serve={"rate_limit": "20/hour"}) as served, served.client() as client:
        body = report("0000000000", error="x")
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: send(served, body), range(60)))
            health = client.get("/healthz")

        codes = [answer.status_code for answer in answers]
        limited = [answer for answer in answers if answer.status_code == 429]
        metrics = client.get("/metrics").text

    assert (codes.count(404), codes.count(429), health.status_code) == (20, 40, 200)
    assert all(0 < int(answer.headers["retry-after"]) <= 180 for answer in limited)
    assert error_of(limited[0])["code"] == "rate_limited"
    assert 'pithy_webhooks_refused_total{reason="rate_limited"} 40\n' in metrics
    assert 'pithy_webhooks_refused_total{reason="unknown_task"} 20\n' in metrics


def test_refused_ones_are_in_the_stats(served: Served) -> None:
    before = stats(served.store).to_json()["webhooks"]["refused"].get("header", 0)

    send(served, b"{}", {})

    assert stats(served.store).to_json()["webhooks"]["refused"]["header"] == before + 1
    assert served.get("/api/stats").json()["webhooks"] == stats(served.store).to_json()["webhooks"]
    assert refused(served)["header"] == before + 1


def test_a_refusal_that_cannot_be_recorded_is_said_and_still_one(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        served.store.queue.write(
            "CREATE TRIGGER full BEFORE INSERT ON refused_webhook BEGIN SELECT RAISE(ABORT, 'no space'); END"
        )
        answer = send(served, b"{}", {})

    assert (answer.status_code, error_of(answer)["code"]) == (401, "unauthorized")
    assert served.said == ["webhook refused (header), which cannot be recorded: queue.db: no space"]


def test_what_is_remembered_of_refusals_is_bounded_and_safe(served: Served) -> None:
    webhooks.refuse(served.app, peer="127.0.0.1", reason="header", webhook_id="\x1b[31m" + "x" * 1000)

    assert audit(served)["webhook_id"].startswith("xxx")
    assert len(audit(served)["webhook_id"]) <= 200
