"""What the sandbox is told; `runner.job` reads all of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pithy_local.config import Secrets
from pithy_local.errors import PithyError
from pithy_local.lifecycle import job_spec, source
from pithy_local.lifecycle.job_spec import MAX_HISTORY_TEXT, read_replies
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Patch, Phase, Status, TaskError, Verified
from pithy_local.store.lease import Lease
from pithy_local.store.processes import Processes
from pithy_local.store.settled import Settled
from pithy_local.store.tasks import Tasks
from runner.job import Job
from tests.lifecycle.bench import REPLY, SECRET, hosted, queue

VERIFIED = (
    Verified(command="pytest -q", base_exit=1, base_output="1 failed"),
    Verified(command="ruff check", base_exit=None),
)
FAILED = TaskError(code="verify_failed", message="`pytest -q` fails", hint="h", detail={"verify": [{"output": "boom"}]})


class World:
    """One task on the bench, with as many attempts as the test says."""

    def __init__(
        self, bench: Workbench, repo: Path, *, provider: str = "openai", model: str = "gpt-4o", **changes: Any
    ) -> None:
        self.bench = bench
        self.task = queue(bench, repo, provider=provider, model=model, **changes)
        self.owner = Processes(bench.store).register("test")

    def earlier(
        self, status: Status, feedback: str | None = None, *, diff: str = "", error: TaskError | None = None,
        question: str | None = None,
    ) -> None:  # fmt: skip
        """One attempt ended like that, and the next was asked for."""
        claimed = Tasks(self.bench.store).claim(self.owner, executors=["local"], concurrency=9, ids=[self.task.id])
        assert claimed is not None
        lease = Lease(self.bench.store, claimed, self.owner)
        lease.enter(Phase.AGENT)
        if diff:
            folder = self.bench.home.artifacts(claimed.id, claimed.attempts)
            folder.mkdir(parents=True)
            path = folder / "patch.diff"
            path.write_text(diff)
            lease.record_patch(Patch(
                path=str(path.relative_to(self.bench.home.root)), bytes=len(diff), files=1, added=1, removed=0
            ))  # fmt: skip
        lease.settle(status, error, question=question)
        Settled(self.bench.store).again(self.task.id, feedback=feedback)

    def spec(self, verified: tuple[Verified, ...] = ()) -> dict[str, Any]:
        with hosted(self.bench, Tasks(self.bench.store).get(self.task.id)) as host:
            return job_spec.make(self.bench, host, source.prepare(self.bench, host, None), verified)


@pytest.fixture
def world(bench: Workbench, repo: Path) -> World:
    return World(bench, repo)


def read(spec: dict[str, Any]) -> Job:
    """As the runner does, from JSON."""
    paths = {"bundle": "/job/repo.git", "repo": "/job/repo"}
    return Job.from_raw(json.loads(json.dumps(spec)) | paths)


def with_model(bench: Workbench, **changes: object) -> None:
    model = msgspec.structs.replace(bench.settings.model, **changes)
    bench.settings = msgspec.structs.replace(bench.settings, model=model)


def past(spec: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each.kind, each.text) for each in read(spec).history]


def test_the_runner_reads_what_the_host_writes(bench: Workbench, world: World) -> None:
    with_model(bench, fallback="anthropic:claude-sonnet-5-5", reasoning="low")
    bench.secrets = Secrets(openai_api_key=SECRET, anthropic_api_key="sk-ant-another-0d9c8b7a")

    job = read(world.spec(VERIFIED))

    assert (job.model.provider, job.model.model, job.task, job.attempt) == ("openai", "gpt-4o", world.task.id, 1)
    assert job.fallback is not None
    assert (job.fallback.provider, job.fallback.model) == ("anthropic", "claude-sonnet-5-5")
    assert [(each.command, each.base_exit, each.base_output) for each in job.verify] == [
        ("pytest -q", 1, "1 failed"), ("ruff check", None, ""),
    ]  # fmt: skip
    assert (job.reasoning, job.verify_timeout, job.history, job.findings, job.replies) == ("low", 600.0, (), (), ())
    assert 0 < job.model.max_output_tokens <= job_spec.MAX_OUTPUT_TOKENS


def test_a_scripted_task_has_its_replies_and_no_fallback(bench: Workbench, repo: Path) -> None:
    with_model(bench, fallback="openai:gpt-4o")

    job = read(World(bench, repo, provider="scripted", model="scripted").spec())

    assert ([reply.text for reply in job.replies], job.fallback) == ([REPLY], None)


def test_a_fallback_that_nobody_can_ask_is_none(bench: Workbench, world: World) -> None:
    """Its 401 would hide why the first model failed."""
    with_model(bench, fallback="anthropic:claude-sonnet-5-5")

    assert read(world.spec()).fallback is None


def test_history_is_told_in_order(world: World) -> None:
    world.earlier(Status.NEEDS_CLARIFICATION, "the second", question="Which one?")
    world.earlier(Status.NEEDS_REVIEW, "use tabs", diff="--- the diff\n", error=FAILED)

    kinds = past(world.spec())

    assert [kind for kind, _ in kinds] == ["question", "answer", "patch", "problem", "feedback"]
    assert [text for _, text in kinds][:3] == ["Which one?", "the second", "--- the diff\n"]
    assert "boom" in kinds[3][1]
    assert kinds[4][1] == "use tabs"


def test_the_last_change_is_told_although_an_attempt_without_one_came_after_it(world: World) -> None:
    world.earlier(Status.NEEDS_REVIEW, "use tabs", diff="--- the first\n", error=FAILED)
    world.earlier(Status.NEEDS_REVIEW, "and spaces", diff="--- the second\n", error=FAILED)
    world.earlier(Status.FAILED, error=TaskError(code="llm_timeout", message="too slow", hint="h"))

    history = past(world.spec())

    assert [kind for kind, _ in history] == ["feedback", "patch", "problem", "feedback"]
    assert ("patch", "--- the second\n") in history


def test_what_failed_around_the_model_is_not_its_to_know(world: World) -> None:
    world.earlier(Status.FAILED, error=TaskError(code="push_rejected", message="no right", hint="h"))

    assert past(world.spec()) == []


@pytest.mark.parametrize("place", ["feedback", "question", "diff", "error"])
def test_no_secret_goes_into_the_sandbox(world: World, place: str) -> None:
    error = TaskError(code="policy", message=f"a secret: {SECRET}", hint="h", detail={"git": SECRET})
    what: dict[str, dict[str, Any]] = {
        "feedback": {"feedback": f"use {SECRET}"}, "question": {"question": f"is {SECRET} right?"},
        "diff": {"diff": f"+key = '{SECRET}'\n"}, "error": {"error": error},
    }  # fmt: skip
    world.earlier(Status.NEEDS_REVIEW, **what[place])

    spec = world.spec()

    assert SECRET not in json.dumps(spec)
    assert "***" in json.dumps(spec)


def test_a_secret_that_became_one_after_the_task_was_added_stays_out_too(bench: Workbench, repo: Path) -> None:
    spec = World(bench, repo, title=f"Use {SECRET}", prompt=f"Use {SECRET}").spec()

    assert SECRET not in json.dumps(spec)


def test_huge_texts_are_cut(world: World) -> None:
    error = TaskError(code="policy", message="m" * 60_000, hint="h", detail={"git": "d" * 60_000})
    world.earlier(Status.NEEDS_REVIEW, diff="x" * 3_000_000, error=error)

    assert all(len(text) <= MAX_HISTORY_TEXT for _, text in past(world.spec()))


def test_a_diff_whose_file_is_gone_is_left_out(bench: Workbench, world: World) -> None:
    world.earlier(Status.NEEDS_REVIEW, diff="x\n", error=FAILED)
    (bench.home.artifacts(world.task.id, 1) / "patch.diff").unlink()

    assert [kind for kind, _ in past(world.spec())] == ["problem"]


@pytest.mark.parametrize("content", [None, "{", '{"a": 1}', "[1]"])
def test_replies_that_cannot_be_read_say_so(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "replies.json"
    if content is not None:
        file.write_text(content)

    with pytest.raises(PithyError) as caught:
        read_replies(str(file))

    assert caught.value.code.word == "agent_failed"
    assert "model.scripted.file" in caught.value.hint
