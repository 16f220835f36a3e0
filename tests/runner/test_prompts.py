"""What the model is told: the task, its past, its checks, a reviewer's findings, each inside its budget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner import prompts, survey
from runner.errors import PatchRefused, VerifyFailed
from runner.job import Job
from runner.providers.base import Message, Reply, meant_for
from tests.runner.support import DIFF, FILES, make_job
from tests.support import make_repo

NOTHING = Reply(text="I would rather not.", finish_reason="stop")


def opening(job: Job, tmp_path: Path) -> list[Message]:
    told = prompts.background(job)
    root = make_repo(tmp_path / "view", FILES)
    return prompts.opening(job, told, survey.take(root, prompts.about(job), job.context_tokens - told.tokens))


def asked(tmp_path: Path, **spec: Any) -> str:
    """The user's first message for a job."""
    return opening(make_job(tmp_path, **spec), tmp_path)[-1].text


def past(kind: str, text: str) -> dict[str, str]:
    return {"kind": kind, "text": text}


def finding(number: int, text: str = "leaks") -> dict[str, Any]:
    return {"path": f"src/f{number}.py", "line": number, "severity": "major", "text": text, "source": "coderabbit"}


def test_steps_are_for_anthropic_alone_and_the_rest_for_all(tmp_path: Path) -> None:
    talk = opening(make_job(tmp_path), tmp_path)

    claude = [message.text for message in meant_for("anthropic", talk) if message.role == "system"]
    gpt = [message.text for message in meant_for("openai", talk) if message.role == "system"]
    assert claude[:1] == gpt
    assert "Work through these steps in order" in claude[1]
    assert "unified diff" in gpt[0]
    assert "QUESTION:" in gpt[0]


def test_without_a_past_nothing_is_said_of_it(tmp_path: Path) -> None:
    text = asked(tmp_path)

    assert "# What happened before" not in text
    assert "# Commands" not in text
    assert "reviewer" not in text


def test_the_past_is_told_in_its_order(tmp_path: Path) -> None:
    history = [
        past("question", "Which greeting?"),
        past("answer", "Hello, as before."),
        past("patch", DIFF),
        past("problem", "$ pytest -q failed"),
        past("feedback", "Keep the semicolon; costs $5"),
    ]

    text = asked(tmp_path, history=history)

    positions = [text.index(item["text"].strip("\n")) for item in history]
    assert positions == sorted(positions)
    assert "<feedback> (the author's feedback)\nKeep the semicolon; costs $5\n</feedback>" in text
    assert text.index("# What happened before") < text.index("# Repository")


def test_a_long_past_keeps_what_was_said_last(tmp_path: Path) -> None:
    history = [past("patch", "+old\n" * 50_000), past("feedback", "F" * 2_000), past("answer", "last words")]

    text = asked(tmp_path, history=history, context_tokens=4_000)

    assert "last words" in text
    assert "F" * 2_000 in text
    assert "bytes more]" in text
    assert len(text) < 4_000 * 3.5 + 4_000


def test_what_does_not_fit_at_all_is_said_to_be_left_out(tmp_path: Path) -> None:
    text = asked(tmp_path, history=[past("question", "Which?"), past("answer", "A" * 100_000)], context_tokens=4_000)

    assert "(What came before this is left out.)" in text
    assert "Which?" not in text


def test_the_past_and_its_files_say_where_to_look(tmp_path: Path) -> None:
    job = make_job(tmp_path, history=[past("patch", DIFF), past("feedback", "see docs/usage.md")])

    about = prompts.about(job)

    assert "src/greeter.py\n" in about
    assert "see docs/usage.md" in about
    assert "f'Hello" not in about


def test_each_command_is_told_with_its_end_on_the_base(tmp_path: Path) -> None:
    verify = [
        {"command": "ruff check", "base_exit": 0, "base_output": "All good"},
        {"command": "pytest -q", "base_exit": 1, "base_output": "x\n" * 9_000 + "\x1b[31m1 failed\x1b[0m\n"},
        {"command": "make slow", "base_exit": 124, "base_output": ""},
        {"command": "make never", "base_exit": None, "base_output": ""},
    ]

    text = asked(tmp_path, verify=verify)

    assert "$ ruff check\npasses on the base\n" in text
    assert "$ pytest -q\nfails with exit code 1 on the base. The end of its output:\n\nx\n" in text
    assert "\n1 failed\n\n$ make slow\ntakes too long on the base\n" in text
    assert "$ make never\nwas not run on the base" in text
    assert "All good" not in text
    assert text.count("x\n") < 4_500


def test_findings_come_in_their_order_until_their_budget_is_spent(tmp_path: Path) -> None:
    text = asked(tmp_path, findings=[finding(number, "leaks " * 40) for number in range(1, 100)], context_tokens=6_000)

    assert "- src/f1.py:1 [major, coderabbit] leaks" in text
    assert "- src/f99.py" not in text
    assert "more, less important" in text
    assert len(text) < 6_000 * 3.5


def test_a_finding_without_a_line_and_one_too_long(tmp_path: Path) -> None:
    text = asked(tmp_path, findings=[{**finding(1), "line": None}, finding(2, "L" * 5_000)])

    assert "- src/f1.py [major, coderabbit] leaks\n" in text
    assert "L" * 600 + "\n[… 4,400 bytes more]" in text


def test_the_background_is_taken_out_of_the_repositorys_budget(tmp_path: Path) -> None:
    job = make_job(tmp_path, history=[past("patch", "+x\n" * 50_000)], context_tokens=10_000)

    assert 2_500 < prompts.background(job).tokens < 3_500


@pytest.mark.parametrize(
    ("reply", "problem", "words"),
    [
        (NOTHING, PatchRefused("patch_rejected", "does not fit"), "Your answer was refused"),
        (Reply(text="half", finish_reason="length"), PatchRefused("patch_malformed", "cut"), "in a shorter answer"),
        (NOTHING, VerifyFailed("$ pytest -q\nfailed"), "broke what worked before"),
    ],
)
def test_a_repair_says_what_was_wrong(reply: Reply, problem: PatchRefused | VerifyFailed, words: str) -> None:
    said, asked_again = prompts.repair(reply, problem, [])

    assert (said.role, said.text) == ("assistant", reply.text)
    assert words in asked_again.text
    assert problem.message in asked_again.text
    assert "Send the complete corrected diff" in asked_again.text


def test_an_empty_answer_is_quoted_in_words() -> None:
    said, _ = prompts.repair(Reply(text=" \n", finish_reason="stop"), PatchRefused("patch_malformed", "empty"), [])

    assert said.text == "(an empty answer)"


def test_of_a_large_file_the_model_gets_an_excerpt_that_says_so_and_the_map(tmp_path: Path) -> None:
    functions = "".join(f"def number_{n}():\n    return {n}\n\n\n" for n in range(2_000))
    other = "".join(f"def other_{n}():\n    return {n}\n\n\n" for n in range(2_000))
    root = make_repo(tmp_path / "view", {"numbers.py": functions, "others.py": other})
    job = make_job(tmp_path, prompt="number_1234 must return 1 more")

    view = survey.take(root, prompts.about(job), 4_000)
    text = prompts.opening(job, prompts.background(job), view)[-1].text

    assert '<file path="numbers.py" excerpt="yes"' in text
    assert "def number_1234():" in text
    assert "## Defined in files not shown whole" in text
    assert len(text) < 4_000 * 4
