"""A question is one only when nothing like a change stands beside it."""

from __future__ import annotations

import pytest

from runner import question
from tests.runner.support import DIFF, fenced


@pytest.mark.parametrize(
    ("answer", "asked"),
    [
        ("QUESTION: Which database?", "Which database?"),
        ("I cannot tell.\n\nQUESTION: Which one?\n- Postgres\n- MySQL\n", "Which one?\n- Postgres\n- MySQL"),
        ("**QUESTION:** Which?", "Which?"),
        ("**Question**: Which?", "Which?"),
        ("## QUESTION: Which?", "Which?"),
        ("> question : Which?", "Which?"),
        ("QUESTION:\nWhich?", "Which?"),
        ("<think>QUESTION: no</think>\nQUESTION: Which?", "Which?"),
        ("QUESTION: As in\n```python\nf(1)\n```\nor not?", "As in\n```python\nf(1)\n```\nor not?"),
    ],
)
def test_a_question_is_found_to_its_end(answer: str, asked: str) -> None:
    assert question.asked(answer) == asked


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "I would rather not.",
        "QUESTION:",
        "Which question: that is the question: none.",
        "<think>QUESTION: Which?</think>\nI will not.",
        "```text\nQUESTION: Which?\n```",
        "QUESTION: Good?\n\n" + fenced(DIFF),
        "QUESTION: Good?\n\n" + DIFF,
        "QUESTION: Good?\n\n```diff\n-half a diff",
        "QUESTION: Good?\n\n*** Begin Patch\n*** Update File: x\n",
        "QUESTION: Good?\n\n<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE\n",
    ],
)
def test_anything_else_is_none(answer: str) -> None:
    assert question.asked(answer) is None


def test_a_question_is_bounded() -> None:
    asked = question.asked("QUESTION: " + "Why? " * 10_000)

    assert asked is not None
    assert len(asked) == 4_000
