"""A question or a request for files is one only when nothing like a change stands beside it."""

from __future__ import annotations

import pytest

from runner import asks
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
    assert asks.question(answer) == asked


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
    assert asks.question(answer) is None


def test_a_question_is_bounded() -> None:
    asked = asks.question("QUESTION: " + "Why? " * 10_000)

    assert asked is not None
    assert len(asked) == 4_000


@pytest.mark.parametrize(
    ("answer", "paths"),
    [
        ("NEED: src/a.py", ("src/a.py",)),
        ("I must see its caller.\n\nNEED: `src/a.py`\nNEED: ./b.py (its caller)\n", ("src/a.py", "b.py")),
        ("- **NEED:** a.py, b.py\n1. NEED: a.py", ("a.py", "b.py")),
        ("```\nNEED: with space.py\n```", ("with space.py",)),
        ("<think>NEED: x.py</think>\nNEED: a.py – for its types\r\n", ("a.py",)),
    ],
)
def test_files_that_are_needed_are_found(answer: str, paths: tuple[str, ...]) -> None:
    assert asks.files(answer) == paths


@pytest.mark.parametrize(
    "answer",
    ["", "NEED:", "NEED: ``", "I need: nothing", "<think>NEED: a.py", "NEED: a.py\n" + fenced(DIFF), "NEED: a\0b"],
)
def test_nothing_else_is_a_request_for_files(answer: str) -> None:
    assert asks.files(answer) == ()


def test_requests_are_bounded() -> None:
    assert len(asks.files("".join(f"NEED: f{n}.py\n" for n in range(10_000)))) == asks.MOST_FILES
