"""What a pull request says: the host's template around text that is made inert (CONTRACT §5)."""

from __future__ import annotations

from dataclasses import dataclass

from pithy_local.models import Usage
from pithy_local.text import clip, markdown_inert, safe_line

TITLE_LIMIT = 256  # characters GitHub takes for a title
PROMPT_LIMIT = 20_000  # far below the 65,536 characters GitHub takes for a body


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the body tells about a task. `usage` is that of all attempts together."""

    task: str
    prompt: str
    provider: str
    model: str
    usage: Usage
    attempts: int


def subject(title: str) -> str:
    """The pull request's title and the commit message's first line: `Pithy Jaunt: <title>`, one inert line."""
    return clip("Pithy Jaunt: " + markdown_inert(safe_line(title)), TITLE_LIMIT)


def pr_body(report: Report) -> str:
    """Markdown: the task's text as a quotation, the facts as a table, our marker as the last line."""
    quoted = [f"> {line}".rstrip() for line in markdown_inert(clip(report.prompt.strip(), PROMPT_LIMIT)).split("\n")]
    usage = report.usage
    tokens = f"{usage.total_tokens:,} ({usage.input_tokens:,} in, {usage.output_tokens:,} out)"
    cost = "unknown" if usage.cost_usd is None else f"${usage.cost_usd:.4f}"
    facts = [
        ("Model", _cell(f"{report.provider}: {report.model}")),
        ("Tokens", tokens),
        ("Cost", cost),
        ("Attempts", str(report.attempts)),
    ]
    table = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts)]
    return "\n".join(["**Task**", "", *quoted, "", *table, "", marker(report.task)])


def marker(task: str) -> str:
    """The comment by which our pull requests are known; `markdown_inert` lets no other text say it."""
    return f"<!-- pithy-task:{task} -->"


def has_marker(body: str, task: str) -> bool:
    """Whether a pull request with this body was made for the task."""
    return marker(task) in body


def _cell(text: str) -> str:
    return markdown_inert(safe_line(text)).replace("|", "\\|")
