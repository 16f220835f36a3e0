"""The header of the selected task: what it says, and that it never takes more lines than it has."""

from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from pithy_local.models import Patch, Phase, Status, Task, TaskError, Usage
from pithy_local.tui.keymap import Keymap
from pithy_local.tui.models.header import header
from pithy_local.tui.records import Entry
from tests.tui.records import a_task

ASKED = TaskError(code="clarification", message="the model has a question", hint="")
LINES, LINES_LOW, LINES_TINY = 4, 3, 2
"""What the style sheet gives it: also on a narrow terminal, and on a very low one."""
LONG = "the diff touches .github/workflows/ci.yml and 日本語 " * 8


def lines(task: Task, *, doing: str = "", held: str = "", most: int = LINES, width: int = 60) -> list[str]:
    entry = Entry(task=task, doing=doing, held=held)
    return header(entry, 63_000, lines=most, width=width, console=Console(), keymap=Keymap()).plain.split("\n")


def failed(message: str = "no answer within 180 s", hint: str = "Try again later.") -> Task:
    return a_task(status=Status.FAILED, error=TaskError(code="llm_timeout", message=message, hint=hint))


def running(**fields: Any) -> Task:
    return a_task(status=Status.RUNNING, phase=Phase.AGENT, finished_at=None, **fields)


def test_it_says_what_went_wrong_and_what_to_do() -> None:
    state, target, wrong, advice = lines(failed())
    assert state.startswith("✗ failed 1m")
    assert target == "acme/api main → pj/0dx0tnz3ef · gpt-4o · docker"
    assert wrong == "llm_timeout: no answer within 180 s"
    assert advice == "→ Try again later."
    assert "→" not in lines(failed(hint=""))[-1]


def test_what_needs_you_goes_before_where_it_goes() -> None:
    _, wrong, more, advice = lines(failed(LONG))
    assert wrong.startswith("llm_timeout: the diff touches")
    assert more.endswith("…")
    assert advice == "→ Try again later."
    cut = lines(failed(LONG, "`pithy-local show 0dx0tnz3ef` says where the answers are kept"), width=42)[-1]
    assert cut == "→ `4` (Info) says where the answers are k…"
    assert lines(failed(), most=LINES_LOW)[1:] == ["llm_timeout: no answer within 180 s", "→ Try again later."]


def test_a_change_that_waits_says_what_to_do_in_here() -> None:
    error = TaskError(code="awaiting_review", message="ready", hint="`pithy-local accept x`")
    patch = Patch(path="p", bytes=1, files=1, added=1, removed=0)
    shown = lines(a_task(status=Status.NEEDS_REVIEW, error=error, patch=patch), width=80)
    assert shown[1].startswith("acme/api")
    assert shown[2] == "→ Look at the diff, then accept it, send it back or reject it."


def test_a_running_task_keeps_its_target_whatever_it_does() -> None:
    short, long = lines(running(), doing="cloning", most=LINES_LOW), lines(running(), doing=LONG, most=LINES_LOW)
    assert short[1] == long[1] == "acme/api main → pj/0dx0tnz3ef · gpt-4o · docker"
    assert short[2] == "agent · cloning"
    assert long[2].startswith("agent · the diff")
    assert long[2].endswith("…")


def test_on_a_very_low_terminal_the_words_go_before_everything_else() -> None:
    assert lines(failed(), most=LINES_TINY)[1:] == ["llm_timeout: no answer within 180 s"]
    assert lines(running(), doing="cloning", most=LINES_TINY)[1:] == ["agent · cloning"]
    assert lines(a_task(), most=LINES_TINY)[1:] == ["acme/api main → pj/0dx0tnz3ef · gpt-4o · docker"]


def test_an_unisolated_attempt_says_so() -> None:
    assert lines(running(executor="local"))[1].endswith("local UNISOLATED")


@pytest.mark.parametrize("most", [LINES, LINES_LOW, LINES_TINY])
@pytest.mark.parametrize("width", [1, 20, 60, 196])
@pytest.mark.parametrize(
    ("task", "held"),
    [
        (failed(LONG, LONG), ""),
        (failed("", ""), ""),
        (running(usage=Usage(input_tokens=12_000, cost_usd=1.0), executor="local"), ""),
        (a_task(status=Status.QUEUED, started_at=None, finished_at=None), LONG),
        (a_task(status=Status.NEEDS_CLARIFICATION, question=LONG), ""),
        (a_task(status=Status.NEEDS_CLARIFICATION, question="Which?", error=ASKED), ""),
        (a_task(pr_number=4, pr_url=f"https://github.com/{LONG}", base=LONG, repo=LONG), ""),
    ],
)  # fmt: skip
def test_it_never_takes_more_room_than_it_has(task: Task, held: str, width: int, most: int) -> None:
    shown = lines(task, doing=LONG, held=held, most=most, width=width)
    assert len(shown) <= most
    assert all(cell_len(line) <= width for line in shown)
