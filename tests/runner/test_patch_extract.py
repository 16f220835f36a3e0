"""The diff is found in an answer, wherever a model puts it, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from runner.errors import PatchRefused
from runner.patch.extract import extract
from tests.runner.support import DIFF, MISFIT, fenced

NEW_FILE = "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+x = 1\n"
README = "--- a/README.md\n+++ b/README.md\n@@ -1,3 +1,4 @@\n ```\n old\n+new\n ```\n"


@pytest.mark.parametrize("label", ["diff", "patch", "", "Diff", "python"])
def test_a_fenced_diff_is_found_whatever_its_label(label: str) -> None:
    assert extract(fenced(DIFF, label)) == DIFF


def test_tilde_and_longer_fences_are_fences() -> None:
    assert extract(f"~~~diff\n{DIFF}~~~\n") == DIFF
    assert extract(f"````diff\n{README}````\n") == README


def test_a_bare_diff_is_found_after_prose() -> None:
    assert extract(f"Sure!\n\n{DIFF}") == DIFF


def test_several_fenced_diffs_are_joined_in_order() -> None:
    assert extract(fenced(DIFF) + "and\n" + fenced(NEW_FILE)) == DIFF + NEW_FILE


def test_a_bare_diff_after_a_fenced_one_is_not_lost() -> None:
    assert extract(fenced(DIFF) + "\n" + NEW_FILE) == DIFF + NEW_FILE


def test_other_fenced_blocks_are_not_diffs() -> None:
    assert extract("```python\nprint(1)\n```\n" + fenced(DIFF)) == DIFF


def test_a_fence_that_is_context_does_not_close_the_block() -> None:
    assert extract(f"```diff\n{README}```\n") == README


def test_blank_lines_before_the_closing_fence_are_layout() -> None:
    assert extract(f"```diff\n{DIFF}\n\n```\n") == DIFF


def test_a_draft_in_the_models_thinking_is_ignored() -> None:
    assert extract(f"<think>\n{fenced(MISFIT)}</think>\n{fenced(DIFF)}") == DIFF


def test_only_newlines_end_a_line() -> None:
    diff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\x0cb\u2028c\n+a\x0cb\u2028d\n"

    assert extract(fenced(diff)) == diff


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("I cannot do that.", "no diff"),
        ("```python\nprint(1)\n```\n", "no diff"),
        (f"```diff\n{DIFF}", "ends inside"),
    ],
)
def test_an_answer_without_a_whole_diff_is_malformed(answer: str, reason: str) -> None:
    with pytest.raises(PatchRefused, match=reason) as refused:
        extract(answer)

    assert refused.value.code == "patch_malformed"
