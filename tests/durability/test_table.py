"""The table of cases names tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| (?P<case>.+) \| (?P<file>tests/\S+\.py)::(?P<test>test_\w+) \|$", re.M)


def test_every_case_has_a_test_that_is_there() -> None:
    rows = list(ROW.finditer((Path(__file__).parent / "README.md").read_text("utf-8")))
    missing = [
        row["test"]
        for row in rows
        if not (ROOT / row["file"]).is_file() or f"def {row['test']}(" not in (ROOT / row["file"]).read_text("utf-8")
    ]
    assert (len(rows) >= 60, missing) == (True, [])
