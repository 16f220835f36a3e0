"""`/api/task…` over real HTTP: every row of docs/api.md with its statuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pithy_local import service
from pithy_local.config import Secrets
from pithy_local.models import Status, TaskError
from pithy_local.service.reading import STEP
from tests.http.served import IdleWorker, Served, error_of, serving
from tests.seeding import settle
from tests.support import make_repo

REVIEW = TaskError(code="awaiting_review", message="look", hint="")
QUESTION = TaskError(code="clarification", message="Which one?", hint="")
UNKNOWN = "0000000000"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make_repo(tmp_path / "repo", {"hello.txt": "hello\n"})


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A server whose default model can be asked."""
    with serving(
        tmp_path, executor="docker", worker=IdleWorker(), secrets=Secrets(openai_api_key="sk-x1y2z3")
    ) as found:
        yield found


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server for requests that change nothing."""
    root = tmp_path_factory.mktemp("empty")
    make_repo(root / "repo", {"hello.txt": "hello\n"})
    with serving(root, executor="docker", worker=IdleWorker(), secrets=Secrets(openai_api_key="sk-x1y2z3")) as found:
        yield found


def test_a_task_is_created(served: Served, repo: Path) -> None:
    answer = served.post("/api/task", json={"prompt": "Fix it", "repo": str(repo), "priority": 3, "publish": "review"})

    assert answer.status_code == 201
    assert answer.json() == service.find(served.app, answer.json()["id"]).to_json()
    assert (answer.json()["status"], answer.json()["priority"], answer.json()["title"]) == ("queued", 3, "Fix it")


def test_every_field_of_add_is_taken(served: Served, repo: Path) -> None:
    first = served.enqueue()
    asked = {
        "prompt": "Fix it", "repo": str(repo), "title": "T", "base": "main", "executor": "docker", "model": "gpt-x",
        "provider": "openai", "publish": "review", "verify": ["make"], "priority": -1, "max_tokens": 5,
        "after": first.id, "at": "+2h", "unisolated": True,
    }  # fmt: skip

    task = service.find(served.app, served.post("/api/task", json=asked).json()["id"])

    assert (task.title, task.base, task.model, task.publish) == ("T", "main", "gpt-x", "review")
    assert (task.verify_commands, task.priority, task.max_tokens, task.unisolated) == (("make",), -1, 5, True)
    assert (task.after, task.not_before > task.created_at) == (first.id, True)


def test_a_request_with_one_idempotency_key_adds_one_task(served: Served, repo: Path) -> None:
    def create(_: int) -> tuple[int, str]:
        answer = served.post(
            "/api/task", json={"prompt": "Fix it", "repo": str(repo)}, headers={"idempotency-key": "k-1"}
        )
        return answer.status_code, answer.json()["id"]

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(create, range(8)))

    assert sorted(status for status, _ in answers) == [200] * 7 + [201]
    assert len({task for _, task in answers}) == len(service.list_tasks(served.app)) == 1


def test_a_key_that_was_used_for_something_else_is_a_conflict(served: Served, repo: Path) -> None:
    headers = {"idempotency-key": "k-1"}
    served.post("/api/task", json={"prompt": "Fix it", "repo": str(repo)}, headers=headers)

    answer = served.post("/api/task", json={"prompt": "Fix that", "repo": str(repo)}, headers=headers)

    assert (answer.status_code, error_of(answer)["code"]) == (409, "refused")


@pytest.mark.parametrize(
    "body",
    [
        {}, {"prompt": "Fix it"}, {"prompt": "", "repo": "{repo}"}, {"prompt": " ", "repo": "{repo}"},
        {"prompt": 1, "repo": "{repo}"}, {"prompt": "x", "repo": "{repo}", "colour": "red"},
        {"prompt": "x", "repo": "{repo}", "priority": 1e9}, {"prompt": "x", "repo": "{repo}", "priority": True},
        {"prompt": "x", "repo": "{repo}", "executor": "github-actions"}, {"prompt": "x\0y", "repo": "{repo}"},
        {"prompt": "x", "repo": "{repo}", "title": "a\nb"}, {"prompt": "x", "repo": "{repo}", "base": "no-such"},
        {"prompt": "x", "repo": "{repo}", "verify": "make"}, {"prompt": "x", "repo": "{repo}", "verify": [""]},
        {"prompt": "x", "repo": "/no/such/place"}, {"prompt": "x", "repo": "{repo}", "at": "whenever"}, [], "x", None,
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_used_is_422_and_adds_nothing(empty: Served, body: Any) -> None:
    content = json.dumps(body).replace("{repo}", str(empty.app.home.root.parent / "repo"))

    answer = empty.post("/api/task", content=content, headers={"content-type": "application/json"})

    assert answer.status_code == 422
    assert error_of(answer)["message"]
    assert service.list_tasks(empty.app) == []


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"prompt": "\\ud800", "repo": "x"}', b"[" * 100_000])
def test_what_is_no_json_is_422(empty: Served, body: bytes) -> None:
    answer = empty.post("/api/task", content=body, headers={"content-type": "application/json"})

    assert (answer.status_code, error_of(answer)["code"]) == (422, "usage")


def test_another_media_type_is_415(served: Served, repo: Path) -> None:
    body = json.dumps({"prompt": "Fix it", "repo": str(repo)})

    assert served.post("/api/task", content=body, headers={"content-type": "text/plain"}).status_code == 415
    assert served.post("/api/task", content=body).status_code == 415


def test_a_task_to_start_after_one_that_is_not_there_is_404(served: Served, repo: Path) -> None:
    answer = served.post("/api/task", json={"prompt": "x", "repo": str(repo), "after": UNKNOWN})

    assert (answer.status_code, error_of(answer)["code"]) == (404, "no_such_task")


def test_tasks_are_listed_newest_first_and_page_by_page(served: Served) -> None:
    ids = [served.enqueue().id for _ in range(5)]

    first = served.get("/api/task", params={"limit": 2}).json()
    second = served.get("/api/task", params={"limit": 2, "before": first[-1]["id"]}).json()

    assert [task["id"] for task in first + second] == ids[::-1][:4]


def test_a_list_says_how_to_go_on_while_there_are_more(served: Served) -> None:
    ids = [served.enqueue().id for _ in range(5)]
    served.enqueue(repo="acme/web")
    with served.client() as client:
        pages = [client.get("/api/task", params={"limit": 2, "repo": "acme/api"})]
        while "next" in pages[-1].links:
            pages.append(client.get(pages[-1].links["next"]["url"]))

    assert [[task["id"] for task in page.json()] for page in pages] == [ids[:2:-1], ids[2:0:-1], ids[:1]]


def test_a_list_of_long_tasks_ends_early_and_loses_none(served: Served) -> None:
    ids = [served.enqueue(prompt="x" * 3_000_000).id for _ in range(3)] + [served.enqueue(prompt="y" * 9_000_000).id]
    with served.client() as client:
        pages = [client.get("/api/task?limit=1000")]
        while "next" in pages[-1].links:
            pages.append(client.get(pages[-1].links["next"]["url"]))

    assert [[task["id"] for task in page.json()] for page in pages] == [ids[3:], ids[2:0:-1], ids[:1]]


def test_a_list_is_read_step_by_step(served: Served) -> None:
    ids = [served.enqueue().id for _ in range(STEP + 2)]

    assert [task["id"] for task in served.get("/api/task?limit=1000").json()] == ids[::-1]


def test_tasks_are_listed_by_status_and_repository(served: Served) -> None:
    done = settle(served.store, served.enqueue(repo="acme/web"), Status.COMPLETED)
    served.enqueue()

    assert [task["id"] for task in served.get("/api/task?status=completed").json()] == [done.id]
    assert [task["id"] for task in served.get("/api/task?repo=acme/web").json()] == [done.id]


@pytest.mark.parametrize("query", ["status=done", "limit=0", "limit=1001", "limit=x", "limit=1&limit=2", "limit=-1"])
def test_a_query_that_means_nothing_is_422(empty: Served, query: str) -> None:
    assert empty.get(f"/api/task?{query}").status_code == 422


def test_one_task_is_shown_by_id_or_beginning(served: Served) -> None:
    task = served.enqueue()

    assert served.get(f"/api/task/{task.id}").json() == task.to_json()
    assert served.get(f"/api/task/{task.id[:8]}").json()["id"] == task.id


@pytest.mark.parametrize(
    "path", ["", "/logs", "/logs.txt", "/diff", "/execute", "/cancel", "/retry", "/answer", "/accept", "/reject"]
)
@pytest.mark.parametrize("task", [UNKNOWN, "%00", "a%20b", "%F0%9F%A6%84"])
def test_an_unknown_task_is_404(empty: Served, path: str, task: str) -> None:
    with empty.client() as client:
        body = {"json": {"text": "x"}} if path == "/answer" else {}
        method = "GET" if path in ("", "/logs", "/logs.txt", "/diff") else "POST"
        answer = client.request(method, f"/api/task/{task}{path}", **body)  # type: ignore[arg-type]

    assert (answer.status_code, error_of(answer)["code"]) == (404, "no_such_task")


def test_execute_starts_a_queued_task_also_in_a_paused_queue(served: Served, repo: Path) -> None:
    service.pause(served.app)
    task = served.enqueue(repo=str(repo))

    answer = served.post(f"/api/task/{task.id}/execute")

    assert answer.status_code == 202
    assert (answer.json()["status"], answer.json()["phase"]) == ("running", "preparing")
    assert served.post(f"/api/task/{task.id}/execute").status_code == 409


def test_execute_of_an_unreachable_repository_is_422_and_changes_nothing(served: Served, tmp_path: Path) -> None:
    task = served.enqueue(repo=str(tmp_path / "gone"))

    answer = served.post(f"/api/task/{task.id}/execute")

    assert (answer.status_code, error_of(answer)["code"]) == (422, "repo_unreachable")
    assert service.find(served.app, task.id).status is Status.QUEUED


def test_execute_of_a_settled_task_is_409(served: Served, repo: Path) -> None:
    task = settle(served.store, served.enqueue(repo=str(repo)), Status.FAILED)

    assert served.post(f"/api/task/{task.id}/execute").status_code == 409


def test_execute_without_a_worker_is_503(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        answer = served.post(f"/api/task/{served.enqueue().id}/execute")

    assert (answer.status_code, error_of(answer)["code"]) == (503, "execution_disabled")


def test_what_people_decide(served: Served) -> None:
    cancelled = served.enqueue()
    asking = settle(served.store, served.enqueue(), Status.NEEDS_CLARIFICATION, error=QUESTION, question="Which one?")
    waiting = [
        settle(served.store, served.enqueue(), Status.NEEDS_REVIEW, error=REVIEW, diff=b"diff\n") for _ in range(2)
    ]
    failed = settle(served.store, served.enqueue(), Status.FAILED)

    assert served.post(f"/api/task/{cancelled.id}/cancel").json()["status"] == "cancelled"
    assert served.post(f"/api/task/{asking.id}/answer", json={"text": "Both"}).json()["status"] == "queued"
    assert served.post(f"/api/task/{waiting[0].id}/accept").json()["phase"] == "delivering"
    assert served.post(f"/api/task/{waiting[1].id}/reject").json()["status"] == "cancelled"
    assert served.post(f"/api/task/{failed.id}/retry").json()["attempts"] == 2
    assert service.attempts(served.app, asking.id)[-1].feedback == "Both"


def test_a_retry_takes_feedback(served: Served) -> None:
    task = settle(served.store, served.enqueue(), Status.COMPLETED)

    assert served.post(f"/api/task/{task.id}/retry").status_code == 409
    assert served.post(f"/api/task/{task.id}/retry", json={"feedback": "shorter"}).status_code == 200
    assert service.attempts(served.app, task.id)[-1].feedback == "shorter"


@pytest.mark.parametrize(
    ("verb", "body"), [("retry", None), ("answer", {"text": "x"}), ("accept", None), ("reject", None)]
)
def test_what_a_queued_task_does_not_allow_is_409(served: Served, verb: str, body: Any) -> None:
    answer = served.post(f"/api/task/{served.enqueue().id}/{verb}", json=body)

    assert (answer.status_code, error_of(answer)["code"]) == (409, "refused")


def test_an_answer_without_text_is_422(served: Served) -> None:
    asking = settle(served.store, served.enqueue(), Status.NEEDS_CLARIFICATION, error=QUESTION, question="Which one?")

    assert served.post(f"/api/task/{asking.id}/answer").status_code == 422
    assert served.post(f"/api/task/{asking.id}/answer", json={"text": "  "}).status_code == 422


def test_a_missing_key_is_422_and_says_what_to_set(tmp_path: Path, repo: Path) -> None:
    with serving(tmp_path, executor="docker") as served:
        answer = served.post("/api/task", json={"prompt": "Fix it", "repo": str(repo)})

    assert (answer.status_code, error_of(answer)["code"]) == (422, "llm_auth")
    assert "OPENAI_API_KEY" in error_of(answer)["hint"]
