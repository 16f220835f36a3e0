"""How models put a diff into an answer."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

_BEFORE = ("Here is the change.\n\n", "Sure! This does it:\n\n", "## Fix\n\n- one\n- two\n\n", "")
_AFTER = (
    "",
    "\nLet me know if you need more.\n",
    "\n- The first change.\n- The second change.\n",
    "\n**Note**: run the tests.\n",
)


def raw(rng: Random, text: str) -> str:
    return text


def fenced(rng: Random, text: str) -> str:
    marks = rng.choice(["```", "````", "~~~"])
    return f"{rng.choice(_BEFORE)}{marks}{rng.choice(['diff', 'patch', ''])}\n{text}{marks}\n{rng.choice(_AFTER)}"


def unclosed(rng: Random, text: str) -> str:
    return f"Here it is:\n\n```diff\n{text}"


def nested(rng: Random, text: str) -> str:
    return f"`````markdown\n# Fix\n\n````diff\n{text}````\n`````\n"


def thinking(rng: Random, text: str) -> str:
    draft = text.replace("\n+", "\n+draft ")
    return f"<think>\nMaybe:\n```diff\n{draft}```\nNo.\n</think>\n\n```diff\n{text}```\n"


def heredoc(rng: Random, text: str) -> str:
    return f"Run:\n\n```bash\ngit apply <<'EOF'\n{text}EOF\n```\n"


def mail(rng: Random, text: str) -> str:
    head = "From 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\n"
    return f"{head}Subject: [PATCH] fix\n\nWords.\n---\n 1 file changed\n\n{text}-- \n2.39.5\n\n"


def tagged(rng: Random, text: str) -> str:
    tag = rng.choice(["patch", "diff", "answer"])
    return f"Here:\n<{tag}>\n{text}</{tag}>\n"


def followed(rng: Random, text: str) -> str:
    return f"{text}\nSummary:\n\n- Changed the function.\n- Added a guard.\n+ No new dependencies.\n"


def indented(rng: Random, text: str) -> str:
    return (
        "The change:\n\n"
        + "".join(f"    {line}\n" for line in text.removesuffix("\n").split("\n"))
        + "\nThat is all.\n"
    )


def copied(rng: Random, text: str) -> str:
    return f"diff\nCopy code\n{text}"


WRAPS: dict[str, Callable[[Random, str], str]] = {
    function.__name__: function
    for function in (raw, fenced, unclosed, nested, thinking, heredoc, mail, tagged, followed, indented, copied)
}
"""Dresses that change nothing of what an answer means."""
