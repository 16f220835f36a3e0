"""The text files beside this one, filled in. Values are never expanded themselves."""

from __future__ import annotations

from pathlib import Path
from string import Template

_HERE = Path(__file__).parent


def filled(name: str, **values: str) -> str:
    """The file `name` with each `$key` replaced."""
    return Template((_HERE / name).read_text(encoding="utf-8")).substitute(values)
