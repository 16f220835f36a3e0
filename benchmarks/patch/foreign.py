"""The same real change in the formats of other tools."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from benchmarks.patch.model import Commit, Diff
from benchmarks.patch.oracle import is_unique, places


def v4a(rng: Random, commit: Commit, diff: Diff) -> str | None:
    """`*** Begin Patch`."""
    if not is_unique(diff, commit.before) or not _ends_in_newlines(commit) or _has_modes(diff):
        return None
    out = ["*** Begin Patch"]
    for part in diff:
        if part.new is None:
            out.append(f"*** Delete File: {part.old}")
        elif part.old is None:
            out += [f"*** Add File: {part.new}", *(line for hunk in part.hunks for line in hunk.lines)]
        else:
            out.append(f"*** Update File: {part.old}")
            out += [f"*** Move to: {part.new}"] if part.new != part.old else []
            for hunk in part.hunks:
                out += ["@@", *hunk.lines]
    return "\n".join([*out, "*** End Patch"]) + "\n"


def blocks(rng: Random, commit: Commit, diff: Diff) -> str | None:
    """SEARCH/REPLACE."""
    out: list[str] = []
    for part in diff:
        if not part.is_plain or not _ends_in_newlines(commit):
            return None
        for hunk in part.hunks:
            if (
                not hunk.old
                or len(places(hunk, commit.before[str(part.old)])) != 1
                or any(line.startswith("```") for line in hunk.old + hunk.new)
            ):
                return None
            out += [
                str(part.old),
                "```",
                "<<<<<<< SEARCH",
                *hunk.old,
                "=======",
                *hunk.new,
                ">>>>>>> REPLACE",
                "```",
                "",
            ]
    return "\n".join(out)


def whole(rng: Random, commit: Commit, diff: Diff) -> str | None:
    """Every changed file in full."""
    out: list[str] = []
    for part in diff:
        if (
            part.new is None
            or part.old not in (None, part.new)
            or not _ends_in_newlines(commit)
            or "\r" in commit.after[part.new]
        ):
            return None
        out += [
            f"**{part.new}**" if rng.random() < 0.3 else part.new,
            "````",
            commit.after[part.new].removesuffix("\n"),
            "````",
            "",
        ]
    text = "\n".join(out)
    return text if len(text) < 200_000 else None


FOREIGN: dict[str, Callable[[Random, Commit, Diff], str | None]] = {"v4a": v4a, "blocks": blocks, "whole": whole}
"""Other formats that mean the same."""


def _ends_in_newlines(commit: Commit) -> bool:
    return all(text.endswith("\n") or not text for text in (*commit.before.values(), *commit.after.values()))


def _has_modes(diff: Diff) -> bool:
    return any("100755" in line for part in diff for line in part.header if not line.startswith("index"))
