"""Pages that must say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pithy_local.errors import ErrorCode
from tests import configuration_page

DOCS = Path(__file__).parent.parent / "docs"
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def test_the_configuration_page_is_what_the_code_says() -> None:
    assert (DOCS / "configuration.md").read_text("utf-8") == "\n".join(configuration_page.lines()) + "\n"


@pytest.mark.parametrize("code", ErrorCode, ids=lambda code: code.word)
def test_troubleshooting_tells_of_every_code(code: ErrorCode) -> None:
    headings = re.findall(r"^### (.*)$", (DOCS / "troubleshooting.md").read_text("utf-8"), re.M)

    assert [heading for heading in headings if f"`{code.word}`" in heading]


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_no_page_links_to_nothing(page: Path) -> None:
    targets = LINK.findall(page.read_text("utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []
