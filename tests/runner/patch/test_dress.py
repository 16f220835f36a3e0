"""The change is found in an answer, whatever it wears, and nothing else is taken for one."""

from __future__ import annotations

import html
import json
from pathlib import Path

import pytest

from tests.runner.patch.support import after, reasons, refused, tree

BEFORE = "one\n<two>\nthree\nfour\n"
AFTER = b"one\n<TWO>\nthree\nfour\n"
DIFF = "diff --git a/f.txt b/f.txt\n--- a/f.txt\n+++ b/f.txt\n@@ -1,4 +1,4 @@\n one\n-<two>\n+<TWO>\n three\n four\n"
DRAFT = DIFF.replace("TWO", "DRAFT")
FENCED = f"```diff\n{DIFF}```\n"
BULLETS = "- Changed it.\n- Added nothing else.\n+ No dependencies.\n"


@pytest.mark.parametrize(
    "answer",
    [
        DIFF,
        f"Sure!\n\n{DIFF}",
        f"Sure!\n\n{FENCED}\nLet me know.\n",
        f"```\n{DIFF}```",
        f"```python\n{DIFF}```\n",
        f"~~~diff\n{DIFF}~~~\n",
        f"1. Do this:\n\n   ```diff\n{''.join(f'   {line}' for line in DIFF.splitlines(keepends=True))}   ```\n",
        f"`````markdown\n# Fix\n\n````diff\n{DIFF}````\n`````\n",
        f"Here:\n\n```diff\n{DIFF}",
        f"<think>\n```diff\n{DRAFT}```\n</think>\n{FENCED}",
        f"Hm, perhaps\n```diff\n{DRAFT}```\n</think>\n\n{FENCED}",
        "Change:\n\n" + "".join(f"    {line}" for line in DIFF.splitlines(keepends=True)) + "\nThat is all.\n",
        f"```bash\ncd /testbed && git apply <<'EOF'\n{DIFF}EOF\n```\n",
        f"From 0123456789 Mon Sep 17 00:00:00 2001\nSubject: [PATCH] x\n\n---\n 1 file\n\n{DIFF}-- \n2.39.5\n\n",
        f"Here:\n<patch>\n{DIFF}</patch>\n",
        f"{DIFF}\nSummary:\n\n{BULLETS}",
        f"diff\nCopy code\n{DIFF}",
        FENCED + FENCED,
        DIFF.replace("\n", "\r\n"),
        html.escape(DIFF),
        json.dumps({"reasoning": "x", "patch": DIFF}),
        "```json\n" + json.dumps({"edits": [{"diff": DIFF}]}) + "\n```\n",
        json.dumps(DIFF),
    ],
)
def test_a_change_is_found_in_any_dress(tmp_path: Path, answer: str) -> None:
    assert after(tmp_path, BEFORE, answer) == AFTER


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "empty_answer"),
        (" \n", "empty_answer"),
        ("I cannot do that.", "no_diff"),
        ("```python\nprint(1)\n```\n", "no_diff"),
        ('{"answer": "none"}', "no_diff"),
        (f"<think>\n{FENCED}", "truncated"),
        (f"```diff\n{DIFF}```\n\nOr rather:\n\n```diff\n{DRAFT}```\n", "conflicting_drafts"),
        (f"{FENCED}and\n\n    --- a/g.txt\n    +++ b/g.txt\n    @@ -1 +1 @@\n    -a\n    +b\n", "missing_file"),
        ("x" * 50_000_000, "too_large"),
        ("+a\n" * 200_000, "too_large"),
        (json.dumps({"patch": DIFF.replace("TWO", "\ud800")}), "not_unicode"),
    ],
)
def test_an_answer_without_one_certain_change_is_refused(tmp_path: Path, answer: str, reason: str) -> None:
    assert reasons(refused(tree(tmp_path, {"f.txt": BEFORE}), answer)) == [reason]


@pytest.mark.parametrize("cut", range(len(DIFF) - 60, len(DIFF) - 1, 3))
@pytest.mark.parametrize("start", ["", "Here:\n\n```diff\n"])
def test_half_an_answer_is_never_applied(tmp_path: Path, start: str, cut: int) -> None:
    half = start + DIFF[:cut].rstrip("\n")

    assert refused(tree(tmp_path, {"f.txt": BEFORE}), half).code in ("patch_malformed", "patch_rejected")


def test_entities_stay_where_they_are_meant(tmp_path: Path) -> None:
    answer = "--- a/f.html\n+++ b/f.html\n@@ -1,2 +1,2 @@\n a\n-b &lt; c\n+b &gt; c\n"

    assert after(tmp_path, "a\nb &lt; c\n", answer, "f.html") == b"a\nb &gt; c\n"


def test_entities_that_may_be_the_transports_are_refused(tmp_path: Path) -> None:
    answer = "--- a/f.py\n+++ b/f.py\n@@ -1,2 +1,2 @@\n a = 1\n-b = 2\n+b = a &lt; 2\n"

    assert reasons(refused(tree(tmp_path, {"f.py": "a = 1\nb = 2\n"}), answer)) == ["ambiguous"]


def test_a_fence_that_is_content_does_not_end_the_diff(tmp_path: Path) -> None:
    text = "# A\n\n```sh\nrun a\n```\n\nend\n"
    lossy = "--- a/f.txt\n+++ b/f.txt\n@@ -1,7 +1,7 @@\n # A\n\n```sh\n-run a\n+run b\n```\n\n-end\n+END\n"

    assert (
        after(tmp_path, text, f"```diff\n{lossy}```\n") == text.replace("run a", "run b").replace("end", "END").encode()
    )


def test_only_newlines_end_a_line(tmp_path: Path) -> None:
    answer = "```diff\n--- a/f.txt\n+++ b/f.txt\n@@ -1,2 +1,2 @@\n x\u2028y\n-a\x0cb\n+a\x0cc\n```\n"

    assert after(tmp_path, "x\u2028y\na\x0cb\n", answer) == "x\u2028y\na\x0cc\n".encode()
