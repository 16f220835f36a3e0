"""docs/patches.md names every reason code, and no other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from runner.patch.refusal import Reason

PAGE = Path(__file__).parents[3] / "docs" / "patches.md"


def test_the_page_has_a_line_for_each_reason() -> None:
    table = PAGE.read_text("utf-8").partition("## Why it refuses")[2].partition("\n## ")[0]

    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(get_args(Reason))
