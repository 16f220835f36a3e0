"""`python -m tests.tui.guide`: the keys of docs/dashboard.md written anew from the table of actions."""

from __future__ import annotations

from pathlib import Path

from pithy_local.tui.actions import as_markdown

GUIDE = Path(__file__).parents[2] / "docs" / "dashboard.md"
HEADING = "## Keys\n"


def with_keys(text: str) -> str:
    """The guide with the keys as they are; they are its last part."""
    head, heading, rest = text.partition(HEADING)
    introduction = rest.partition("###")[0]
    return f"{head}{heading}{introduction}{as_markdown()}"


if __name__ == "__main__":
    GUIDE.write_text(with_keys(GUIDE.read_text("utf-8")), "utf-8")
