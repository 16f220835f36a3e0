"""The served description is true: of every path of docs/api.md, and under requests that nobody thought of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pithy_local import service
from pithy_local.models import Status
from tests.http.served import TOKEN, IdleWorker, Served, serving
from tests.seeding import settle
from tests.support import make_repo

CONTRACT = {
    "POST /api/task", "GET /api/task", "GET /api/task/{id}", "POST /api/task/{id}/execute",
    "POST /api/task/{id}/cancel", "POST /api/task/{id}/retry", "POST /api/task/{id}/answer",
    "POST /api/task/{id}/accept", "POST /api/task/{id}/reject", "GET /api/task/{id}/logs",
    "GET /api/task/{id}/logs.txt", "GET /api/task/{id}/diff", "GET /api/events", "GET /api/stats", "GET /healthz",
    "GET /metrics", "POST /api/webhook/github-actions",
}  # fmt: skip


def test_every_path_of_the_contract_is_described(served: Served) -> None:
    paths = served.get("/openapi.json").json()["paths"]

    assert {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods} == CONTRACT


def test_the_api_page_names_every_path() -> None:
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")

    assert [path for path in CONTRACT if f"`{path}`" not in page] == []


@pytest.mark.timeout(120)
def test_no_request_gets_a_500_or_an_answer_that_is_not_described(tmp_path: Path) -> None:
    """schemathesis: requests from the description, valid and not, against a server with tasks of each status.

    One worker: `ast.parse` in two threads at once, which hypothesis would do, fails at times in Python 3.11.
    """
    repo = make_repo(tmp_path / "repo", {"a.txt": "a\n"})
    with serving(tmp_path, worker=IdleWorker(), serve={"rate_limit": "5/hour"}) as served:
        for status in (Status.COMPLETED, Status.FAILED, Status.CANCELLED):
            settle(served.store, served.enqueue(repo=str(repo)), status, log=["x"], diff=b"diff\n")
        ids = [task.id for task in service.list_tasks(served.app)]
        (tmp_path / "schemathesis.toml").write_text(f'[parameters]\n"path.id" = {[*ids, "0000000000"]}\n')
        done = subprocess.run(
            [
                sys.executable, "-m", "schemathesis.cli", "run", f"{served.url}/openapi.json",
                "--header", f"Authorization: Bearer {TOKEN}", "--exclude-path", "/api/events",
                "--max-examples", "3", "--seed", "7", "--workers", "1", "--request-timeout", "20", "--no-color",
                "--phases", "coverage,fuzzing", "--generation-database", ":memory:",
                "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,"
                "response_schema_conformance,unsupported_method,ignored_auth",
            ],
            capture_output=True, text=True, timeout=110, check=False, cwd=tmp_path,
        )  # fmt: skip

    assert "Tested: 16" in done.stdout
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
