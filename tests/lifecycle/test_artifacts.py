"""What is kept with an attempt: the diff, refused answers with their reason, within bounds, without secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pithy_local.door.reports import Event
from pithy_local.git.policy import Stat
from pithy_local.lifecycle.artifacts import (
    MAX_REASON,
    MAX_REJECTED,
    MAX_REPLIES,
    MAX_STEP_TEXT,
    MAX_TOLD,
    MAX_VERDICT,
    Artifacts,
)
from pithy_local.paths import Home
from pithy_local.redact import Redactor

SECRET = "sk-canary-0d9c8b7a6f5e4d3c"


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(Home(root=tmp_path), "0abc123def", 2, Redactor([SECRET]))


def rejected(number: int = 1, patch: str = "the patch", reason: str = "why") -> Event:
    data = {"round": number, "code": "patch_rejected", "reason": reason, "patch": patch}
    return Event(number, "rejected", data)


class Told:
    """Implements `artifacts.History`."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.answers: list[tuple[int, str]] = []
        self.reports: list[int | None] = []

    def record_step(self, text: str, *, report: int | None = None) -> None:
        self.steps.append(text)
        self.reports.append(report)

    def record_answer(self, round_: int, verdict: str, *, report: int | None = None) -> None:
        self.answers.append((round_, verdict))
        self.reports.append(report)

    def record_report(self, number: int, result: Mapping[str, Any] | None = None) -> None:
        self.reports.append(number)


def step(text: str, number: int = 1) -> Event:
    return Event(number, "step", {"name": "ask", "round": 1, "text": text})


def test_a_diff_is_a_private_file_of_the_attempt_and_its_numbers_are_told(artifacts: Artifacts, tmp_path: Path) -> None:
    patch = artifacts.keep_diff(b"+x\n", Stat(files=1, added=1, removed=0))

    assert (patch.path, patch.bytes, patch.files, patch.added, patch.removed) == (
        "artifacts/0abc123def/2/patch.diff", 3, 1, 1, 0,
    )  # fmt: skip
    assert (tmp_path / patch.path).read_bytes() == b"+x\n"
    assert artifacts.folder.stat().st_mode & 0o077 == 0


def test_a_later_round_replaces_the_earlier_and_leaves_no_parts(artifacts: Artifacts) -> None:
    artifacts.keep_round(b"first, and longer")
    artifacts.keep_round(b"second")

    assert {path.name: path.read_bytes() for path in artifacts.folder.iterdir()} == {"patch.diff": b"second"}


def test_a_refused_answer_is_kept_masked_with_its_reason(artifacts: Artifacts, tmp_path: Path) -> None:
    take = artifacts.event_sink(Told())

    take(rejected(patch=f"key {SECRET}", reason=f"because {SECRET}"))

    [entry] = artifacts.rejected_detail()["rejected"]
    assert (entry["round"], entry["code"], entry["reason"]) == (1, "patch_rejected", "because ***")
    assert (tmp_path / entry["path"]).read_text() == "key ***"


def test_refused_answers_are_bounded_in_number_and_reason(artifacts: Artifacts) -> None:
    take = artifacts.event_sink(Told())

    for number in range(MAX_REJECTED + 5):
        take(rejected(number, reason="r" * 100_000))

    kept = artifacts.rejected_detail()["rejected"]
    assert len(kept) == len(list(artifacts.folder.glob("rejected-*.diff"))) == MAX_REJECTED
    assert max(len(entry["reason"]) for entry in kept) <= MAX_REASON


def test_a_patch_that_is_no_text_is_kept_all_the_same(artifacts: Artifacts, tmp_path: Path) -> None:
    artifacts.event_sink(Told())(rejected(patch="half \ud800 a character"))

    assert (tmp_path / artifacts.rejected_detail()["rejected"][0]["path"]).read_bytes() == b"half ? a character"


def reply(round_: int, text: str) -> Event:
    words = {"finish_reason": "length", "provider": "openai", "model": "gpt-4o"}
    return Event(round_, "reply", {"round": round_, "text": text, **words})


def test_every_reply_is_kept_in_order_masked_with_its_writer(artifacts: Artifacts) -> None:
    take = artifacts.event_sink(Told())

    take(reply(1, f"first, with {SECRET}"))
    take(reply(2, "half \ud800 a character"))

    assert json.loads((artifacts.folder / "replies.json").read_text()) == [
        {
            "report": 1,
            "round": 1,
            "text": "first, with ***",
            "finish_reason": "length",
            "provider": "openai",
            "model": "gpt-4o",
        },
        {
            "report": 2,
            "round": 2,
            "text": "half ? a character",
            "finish_reason": "length",
            "provider": "openai",
            "model": "gpt-4o",
        },
    ]


def test_replies_are_bounded_in_number(artifacts: Artifacts) -> None:
    take = artifacts.event_sink(Told())

    for number in range(MAX_REPLIES + 3):
        take(reply(number, "text"))

    assert len(json.loads((artifacts.folder / "replies.json").read_text())) == MAX_REPLIES


def test_nothing_refused_is_no_detail(artifacts: Artifacts) -> None:
    assert artifacts.rejected_detail() == {}


def test_steps_are_told_safe_masked_and_short(artifacts: Artifacts) -> None:
    told = Told()
    take = artifacts.event_sink(told)

    take(step(f"asking \x1b[31mwith {SECRET}"))
    take(step("x" * 100_000))

    assert told.steps[0] == "asking with ***"
    assert len(told.steps[1]) == MAX_STEP_TEXT


def test_steps_are_bounded_in_number(artifacts: Artifacts) -> None:
    told = Told()
    take = artifacts.event_sink(told)

    for number in range(1, MAX_TOLD + 10):
        take(step(str(number), number))

    assert len(told.steps) == MAX_TOLD
    assert told.reports == list(range(1, MAX_TOLD + 10))


def test_a_repeat_of_a_reply_or_refusal_is_taken_and_kept_once(artifacts: Artifacts, tmp_path: Path) -> None:
    """Its owner died between the file and the number: the sandbox tells the adopter again."""
    first = artifacts.event_sink(Told())
    first(reply(1, "the answer"))
    first(rejected(2))
    adopter = Artifacts(Home(root=tmp_path), "0abc123def", 2, Redactor([SECRET]), resumed=True)
    told = Told()

    for event in (reply(1, "the answer"), rejected(2), reply(3, "the next")):
        adopter.event_sink(told)(event)

    assert [entry["text"] for entry in json.loads((artifacts.folder / "replies.json").read_text())] == [
        "the answer", "the next",
    ]  # fmt: skip
    assert [entry["round"] for entry in adopter.rejected_detail()["rejected"]] == [1]
    assert told.reports == [1, 2, 3]


def test_an_attempt_that_starts_anew_has_nothing_of_before(artifacts: Artifacts, tmp_path: Path) -> None:
    artifacts.event_sink(Told())(reply(1, "of the first sandbox"))
    again = Artifacts(Home(root=tmp_path), "0abc123def", 2, Redactor([SECRET]))

    again.event_sink(Told())(reply(1, "of the second"))

    assert [entry["text"] for entry in json.loads((artifacts.folder / "replies.json").read_text())] == ["of the second"]


def test_what_became_of_an_answer_is_told_with_its_round(artifacts: Artifacts) -> None:
    told = Told()

    artifacts.event_sink(told)(Event(1, "answer", {"round": 2, "verdict": "patch_\x1b[31mrejected" + "x" * 100}))

    [(round_, verdict)] = told.answers
    assert (round_, verdict.startswith("patch_rejected"), len(verdict)) == (2, True, MAX_VERDICT)


def test_what_a_sandbox_calls_its_result_is_not_taken_here(artifacts: Artifacts) -> None:
    artifacts.event_sink(Told())(Event(1, "result", {"outcome": "failed", "message": "m"}))

    assert not artifacts.folder.exists()
