"""What a client may name as a repository: where the server stands, and as whom it runs, is none of its business."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pithy_local.config import Secrets
from tests.fakes.github import FakeGitHub
from tests.http.served import Served, error_of, serving
from tests.support import make_repo

TOKEN = "ghp_canaryA1b2C3d4E5f6G7h8I9j0"


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`acme/api` in the server's working directory, which is its home directory, too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return make_repo(tmp_path / "acme" / "api", {"hello.txt": "hello\n"})


@pytest.fixture
def served(tmp_path: Path, repo: Path) -> Iterator[Served]:
    """It knows a GitHub that has no repository."""
    secrets = Secrets(openai_api_key="sk-x1y2z3", github_token_env=TOKEN)
    with FakeGitHub() as github:
        github.add_token(TOKEN)
        with serving(tmp_path, executor="docker", secrets=secrets, github={"api_url": github.url}) as found:
            yield found


@pytest.mark.parametrize("path", ["acme", "./acme/api", "acme/api/.git", "../{folder}/acme/api", "~/acme/api"])
@pytest.mark.parametrize("key", [{}, {"idempotency-key": "k-1"}], ids=["new", "again"])
def test_a_path_that_is_not_absolute_is_none(served: Served, repo: Path, path: str, key: dict[str, str]) -> None:
    relative, prompt = path.format(folder=repo.parent.parent.name), "Fix it"
    absolute = served.post("/api/task", json={"prompt": prompt, "repo": str(repo)}, headers=key)

    assert (absolute.status_code, absolute.json()["repo"]) == (201, str(repo))
    for answer in (
        served.post("/api/task", json={"prompt": prompt, "repo": relative}, headers=key),
        served.get("/api/task", params={"repo": relative}),
    ):
        assert (answer.status_code, error_of(answer)["code"]) == (422, "usage")
        assert "absolute path" in error_of(answer)["hint"]


def test_owner_and_name_are_githubs_whatever_lies_where_the_server_stands(served: Served) -> None:
    answer = served.post("/api/task", json={"prompt": "Fix it", "repo": "acme/api"})

    assert (answer.status_code, error_of(answer)["code"]) == (422, "repo_unreachable")
    assert "./acme" not in answer.text
