"""What the runner says, taken by the host's own report service: the two ends speak of the same events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pytest
from starlette.applications import Starlette

from pithy_local.door.loop import EventLoop
from pithy_local.door.reports import Event, Reports, Result
from pithy_local.door.serving import Loopback
from runner.errors import PatchRefused, Question, RepoAnalysisError
from runner.narrate import Narrator, Step, Verdict
from runner.providers import Reply
from runner.wire import Host


class Taken:
    """A host's report service and all that it took."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.diffs: list[bytes] = []
        self.reports = Reports(
            on_event=self.events.append, on_diff=lambda _, diff: self.diffs.append(diff), max_diff_bytes=1000
        )

    def data(self, kind: str) -> list[dict[str, object]]:
        return [event.data for event in self.events if event.kind == kind]


@pytest.fixture
def taken() -> Taken:
    return Taken()


@pytest.fixture
def tell(taken: Taken) -> Iterator[Narrator]:
    server = Loopback()
    with EventLoop() as loop:
        port = loop.call(server.start(Starlette(routes=taken.reports.routes)), 10)
        yield Narrator(Host(f"http://127.0.0.1:{port}/host", "sandbox", waits=()))
        loop.call(server.close(), 10)


def test_every_step_and_every_verdict_is_known(tell: Narrator, taken: Taken) -> None:
    for step in get_args(Step):
        tell.step(step, 1, "in words")
    for verdict in get_args(Verdict):
        tell.judged(2, verdict)

    assert [data["name"] for data in taken.data("step")] == list(get_args(Step))
    assert taken.data("answer") == [{"round": 2, "verdict": verdict} for verdict in get_args(Verdict)]


def test_a_change_is_ready(tell: Narrator, taken: Taken) -> None:
    tell.changed(b"diff --git", 2)
    tell.ready("done")

    assert taken.reports.diff == b"diff --git"
    assert taken.reports.result == Result("ready", None, "done", {}, mended=2)


def test_a_reply_is_handed_over_with_its_writer(tell: Narrator, taken: Taken) -> None:
    tell.answered(1, Reply(text="QUESTION: …?", finish_reason="stop", provider="openai", model="gpt-4o"))

    (reply,) = taken.data("reply")
    assert reply == {
        "round": 1, "text": "QUESTION: …?", "finish_reason": "stop", "provider": "openai", "model": "gpt-4o",
    }  # fmt: skip


def test_the_longest_reply_that_is_recorded_fits_into_an_event(tell: Narrator, taken: Taken) -> None:
    tell.answered(1, Reply(text="😀" * 1_000_000, finish_reason="stop"))

    (reply,) = taken.data("reply")
    assert reply["text"] == "😀" * 300_000


def test_a_refused_answer_is_kept_and_a_failure_says_what_to_do(tell: Narrator, taken: Taken) -> None:
    tell.rejected(1, PatchRefused("patch_malformed", "no diff"), "I would rather not.")
    tell.failed(RepoAnalysisError("nothing there", hint="Push a first commit."))

    (rejected,) = taken.data("rejected")
    assert rejected == {"round": 1, "code": "patch_malformed", "reason": "no diff", "patch": "I would rather not."}
    assert taken.reports.result == Result("failed", "repo_analysis", "nothing there", {"hint": "Push a first commit."})


def test_a_question_is_the_result(tell: Narrator, taken: Taken) -> None:
    tell.asked(Question("Which one?"))

    assert taken.reports.result == Result("question", "clarification", "Which one?", {})
