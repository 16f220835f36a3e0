"""What a pull request says: the host's template around text that is made inert (docs/contract.md §5)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pithy_local.models import Usage, Verified
from pithy_local.text import clip, markdown_inert, safe_line

TITLE_LIMIT = 256  # characters GitHub takes for a title
PROMPT_LIMIT = 20_000  # far below the 65,536 characters GitHub takes for a body
VERIFY_LIMIT = 50  # commands in the table
COMMAND_LIMIT = 200  # characters of one
TIMED_OUT = 124


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the body tells about a task. `usage` is that of all attempts together.

    `mended`: hunks of the model's patch that had to be mended; `added`: paths of files that we added on our own.
    """

    task: str
    prompt: str
    provider: str
    model: str
    usage: Usage
    attempts: int
    mended: int = 0
    verify: tuple[Verified, ...] = ()
    added: tuple[str, ...] = ()


def subject(title: str) -> str:
    """The pull request's title and the commit message's first line: `Pithy Jaunt: <title>`, one inert line."""
    return clip("Pithy Jaunt: " + markdown_inert(safe_line(title)), TITLE_LIMIT)


def pr_body(report: Report) -> str:
    """Markdown: the task's text as a quotation, how it was verified, the facts, our marker as the last line."""
    quoted = [f"> {line}".rstrip() for line in markdown_inert(clip(report.prompt.strip(), PROMPT_LIMIT)).split("\n")]
    blocks = ["**Task**", "\n".join(quoted), *_verified(report.verify), _table(("", ""), _facts(report))]
    return "\n\n".join([*blocks, marker(report.task)])


def marker(task: str) -> str:
    """The comment by which our pull requests are known; `markdown_inert` lets no other text say it."""
    return f"<!-- pithy-task:{task} -->"


def has_marker(body: str, task: str) -> bool:
    """Whether a pull request with this body was made for the task."""
    return marker(task) in body


def _facts(report: Report) -> list[tuple[str, str]]:
    usage = report.usage
    facts = [
        ("Model", _cell(f"{report.provider}: {report.model}")),
        ("Tokens", f"{usage.total_tokens:,} ({usage.input_tokens:,} in, {usage.output_tokens:,} out)"),
        ("Cost", "unknown" if usage.cost_usd is None else f"${usage.cost_usd:.4f}"),
        ("Attempts", str(report.attempts)),
    ]
    if report.mended:
        facts.append(("Mended hunks", str(report.mended)))
    if report.added:
        facts.append(("Added", ", ".join(map(_code, report.added))))
    return facts


def _verified(verify: tuple[Verified, ...]) -> list[str]:
    """The evidence: each command, how it ended before and after; no block where nothing was verified."""
    if not verify:
        return []
    rows = [
        (_code(one.command), _exit(one.base_exit), _exit(one.patch_exit), f"{one.seconds:.1f}")
        for one in verify[:VERIFY_LIMIT]
    ]
    more = len(verify) - len(rows)
    table = _table(("Command", "Exit on base", "Exit on patch", "Seconds"), rows)
    return ["**Verified**", table, *([f"… and {more} more commands"] if more else [])]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    first, *rest = ("| " + " | ".join(row) + " |" for row in (head, *rows))
    return "\n".join([first, "|" + "---|" * len(head), *rest])


def _exit(code: int | None) -> str:
    if code is None:
        return "not run"
    return f"{code} (timed out)" if code == TIMED_OUT else str(code)


def _cell(text: str) -> str:
    return markdown_inert(safe_line(text)).replace("|", "\\|")


def _code(text: str) -> str:
    """A code span in a table's cell. Its fence is longer than any in the text."""
    inside = _cell(clip(text, COMMAND_LIMIT)) or " "
    fence = "`" * (1 + max(map(len, re.findall("`+", inside)), default=0))
    space = " " if inside[0] == "`" or inside[-1] == "`" else ""
    return f"{fence}{space}{inside}{space}{fence}"
