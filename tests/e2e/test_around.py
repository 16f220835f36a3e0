"""What stands around the change: CodeRabbit's configuration and findings, notifications, numbers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.world import KEY, SLUG, TOKEN, World, fix
from tests.fakes.model_replies import Reply, unauthorized
from tests.notify.post import PostOffice
from tests.support import commit_files, git


def test_code_rabbit_is_turned_on_where_a_repository_has_no_configuration_of_it(local_world: World) -> None:
    local_world.configure(github__coderabbit=True)

    first, second = local_world.settle(), local_world.settle("add() must add", "--base", "main")

    assert (first["status"], second["status"]) == ("completed", "completed"), (first["error"], second["error"])
    ours, theirs = (git("rev-parse", f"{first['head_sha']}{back}", cwd=local_world.bare) for back in ("^", "^^"))
    assert theirs == first["base_sha"]
    assert git("diff", "--name-only", theirs, ours, cwd=local_world.bare) == "calc.py"
    assert git("diff", "--name-only", ours, first["head_sha"], cwd=local_world.bare) == ".coderabbit.yaml"
    assert "main" in local_world.file_at(first["head_sha"], ".coderabbit.yaml")
    assert all(".coderabbit.yaml" in (request.body or "") for request in local_world.github.prs)
    assert first["patch"]["files"] == 1


@pytest.mark.parametrize("name", [".coderabbit.yaml", ".coderabbit.yml"])
def test_a_repository_that_has_its_own_keeps_it(local_world: World, name: str) -> None:
    clone = local_world.root / "clone"
    git("clone", "-q", str(local_world.bare), str(clone))
    commit_files(clone, {name: "reviews: {}\n"})
    git("push", "-q", "origin", "main", cwd=clone)
    local_world.configure(github__coderabbit=True)

    task = local_world.settle()

    assert git("rev-parse", f"{task['head_sha']}^", cwd=local_world.bare) == task["base_sha"]
    assert ".coderabbit" not in (local_world.github.prs[0].body or "")


def test_findings_of_code_rabbit_reach_the_model(local_world: World) -> None:
    local_world.configure(github__coderabbit=True)
    other = git("commit-tree", "main^{tree}", "-p", "main", "-m", "other", cwd=local_world.bare)
    git("branch", "feature", other, cwd=local_world.bare)
    repo = local_world.github.add_repo(SLUG, local_world.bare, local_world.git_server.url_of(SLUG))
    seeded = local_world.github.open_pr(repo, "feature")
    local_world.github.add_comment(
        seeded, "calc.py", 2, "_⚠️ Potential issue_ | _🔴 Critical_\n\n**Minus, said the canary.**"
    )

    task = local_world.settle()

    assert task["status"] == "completed", task["error"]
    assert "said the canary" in local_world.model.completions[0].prompt


def test_findings_that_cannot_be_read_keep_nobody(local_world: World) -> None:
    local_world.configure(github__coderabbit=True)
    task = local_world.add()
    local_world.github.fail_next("pulls/list", 404, {"message": "Not Found"})

    local_world.ok("run", "--until-idle")

    assert local_world.show(task)["status"] == "completed"
    assert any("findings could not be read" in line["text"] for line in local_world.log(task))


@pytest.fixture
def post() -> Iterator[PostOffice]:
    with PostOffice() as office:
        office.open()
        yield office


def test_who_wants_to_know_gets_one_mail_for_each_task_that_ended(local_world: World, post: PostOffice) -> None:
    local_world.configure(notify__urls=[post.url()], notify__on=["completed", "failed"])
    local_world.script = lambda body: unauthorized() if "bad" in str(body) else fix()
    good, bad = local_world.add(), local_world.add("a bad one")

    local_world.ok("run", "--until-idle")
    local_world.ok("run", "--until-idle")

    mails = [str(mail) for mail in post.mails]
    assert len(mails) == 2
    assert sum(good in mail and "completed" in mail for mail in mails) == 1
    assert sum(bad in mail and "failed" in mail for mail in mails) == 1
    assert not any(secret in mail for mail in mails for secret in (KEY, TOKEN))


def test_the_numbers_tell_what_became_of_the_tasks(local_world: World) -> None:
    replies = iter([fix(), Reply(text="I would rather talk about it.")])
    local_world.script = lambda _: next(replies)
    local_world.configure(model__repair_rounds=0, concurrency=1)
    local_world.settle()
    local_world.settle()

    stats = local_world.ok("stats", "--json").json

    assert (stats["tasks"]["completed"], stats["tasks"]["needs_review"]) == (1, 1)
    assert stats["success_rate"] == 0.5
    assert stats["reasons"] == {"patch_malformed": 1}
    assert stats["input_tokens"] == 1210
    assert (stats["first_answers"], stats["first_answers_applied"]) == (2, 1)
    assert (stats["apply_rate"], stats["recoverable_apply_rate"]) == (0.5, 1.0)
    assert stats["under_3_minutes"] == 1.0
