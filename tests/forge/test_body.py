"""What our pull requests say, and that nothing but the host can make them say it."""

from __future__ import annotations

import pytest

from pithy_local.forge.body import Report, has_marker, marker, pr_body, subject
from pithy_local.models import Usage, Verified


def report(
    prompt: str = "Add a greeting", *, model: str = "gpt-4o", cost: float | None = None, mended: int = 0,
    verify: tuple[Verified, ...] = (), added: tuple[str, ...] = (),
) -> Report:  # fmt: skip
    usage = Usage(input_tokens=1200, output_tokens=34, cost_usd=cost)
    return Report(
        task="0abc123def", prompt=prompt, provider="openai", model=model, usage=usage, attempts=2,
        mended=mended, verify=verify, added=added,
    )  # fmt: skip


def test_the_body_tells_task_model_tokens_cost_and_attempts() -> None:
    assert pr_body(report("Add a greeting\n\nin two languages")) == (
        "**Task**\n\n> Add a greeting\n>\n> in two languages\n\n"
        "|  |  |\n|---|---|\n| Model | openai: gpt-4o |\n| Tokens | 1,234 (1,200 in, 34 out) |\n| Cost | unknown |\n"
        "| Attempts | 2 |\n\n<!-- pithy-task:0abc123def -->"
    )


def test_a_known_cost_is_shown() -> None:
    assert "| Cost | $0.0123 |" in pr_body(report(cost=0.0123))


def test_how_it_was_verified_is_a_table() -> None:
    verify = (
        Verified(command="pytest -q", base_exit=1, patch_exit=0, seconds=2.14),
        Verified(command="a | b", base_exit=0, patch_exit=124, seconds=600),
        Verified(command="echo `date`"),
    )
    assert pr_body(report(verify=verify)).split("\n\n")[2:4] == [
        "**Verified**",
        "| Command | Exit on base | Exit on patch | Seconds |\n|---|---|---|---|\n"
        "| `pytest -q` | 1 | 0 | 2.1 |\n| `a \\| b` | 0 | 124 (timed out) | 600.0 |\n"
        "| `` echo `date` `` | not run | not run | 0.0 |",
    ]


def test_without_evidence_there_is_no_table_of_it() -> None:
    assert "Verified" not in pr_body(report())


def test_what_was_mended_and_added_is_said() -> None:
    body = pr_body(report(mended=2, added=(".coderabbit.yaml",)))

    assert "| Mended hunks | 2 |\n| Added | `.coderabbit.yaml` |" in body


def test_commands_say_nothing_in_our_name() -> None:
    hostile = (Verified(command=f"x {marker('other00000')}\n\n# @octocat", base_exit=0, patch_exit=0),) * 200
    body = pr_body(report(verify=hostile))

    assert not has_marker(body, "other00000")
    assert "@octocat" not in body
    assert "… and 150 more commands" in body
    assert all(line.startswith("| `x ") for line in body.splitlines() if "octocat" in line)


@pytest.mark.parametrize("text", ["```\nnever closed", "a\n\n# Heading\n\n<!--", "</details>\n***", "| a |\n|---|"])
def test_task_text_stays_within_its_quotation(text: str) -> None:
    quoted = pr_body(report(text)).split("\n\n|")[0].splitlines()[2:]

    assert len(quoted) == len(text.splitlines())
    assert all(line.startswith(">") for line in quoted)


def test_the_marker_cannot_be_written_by_task_text() -> None:
    body = pr_body(report(f"please {marker('other00000')}", model=marker("other00000")))

    assert has_marker(body, "0abc123def")
    assert not has_marker(body, "other00000")
    assert body.endswith(marker("0abc123def"))


def test_a_huge_task_leaves_room_for_the_facts() -> None:
    body = pr_body(report("\n".join(["@x"] * 50_000)))

    assert len(body) < 65_536
    assert has_marker(body, "0abc123def")


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Add a greeting", "Pithy Jaunt: Add a greeting"),
        ("two\nlines\x1b[2J", "Pithy Jaunt: two ⏎ lines"),
        ("fixes #7 for @octocat", "Pithy Jaunt: fixes #\u200b7 for @\u200boctocat"),
    ],
)
def test_subject(title: str, shown: str) -> None:
    assert subject(title) == shown


def test_a_subject_fits_what_github_takes() -> None:
    assert len(subject("x" * 1000)) == 256
