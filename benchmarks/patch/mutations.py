"""What models do to a diff, as functions: each takes a real diff and returns its text spoiled in one way, or None.

All of these leave the meaning certain (`oracle.is_unique` is asked where they take location away).
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from dataclasses import replace
from random import Random

from benchmarks.patch.model import Commit, Diff, FileText, HunkText, each_hunk, text_of
from benchmarks.patch.oracle import is_unique

Mutation = Callable[[Random, Commit, Diff], Diff | None]
LOOKALIKES = {"'": "\u2019", '"': "\u201c", "-": "\u2011", "...": "\u2026", " ": "\u00a0"}


def counts_wrong(rng: Random, commit: Commit, diff: Diff) -> Diff | None:
    def spoil(hunk: HunkText) -> HunkText:
        old, new = (max(1, len(side) + rng.randint(-4, 5)) for side in (hunk.old, hunk.new))
        return replace(hunk, header=f"@@ -{hunk.start},{old} +{hunk.new_start},{new} @@ {hunk.heading}".rstrip())

    return each_hunk(diff, spoil)


def lines_wrong(rng: Random, commit: Commit, diff: Diff) -> Diff | None:
    reach = rng.choice([2, 10, 300])
    spoilt = each_hunk(
        diff,
        lambda hunk: replace(hunk, start=max(1, hunk.start + rng.randint(-reach, reach)) if hunk.old else hunk.start),
    )
    return spoilt if is_unique(diff, commit.before) else None


def all_at_1(rng: Random, commit: Commit, diff: Diff) -> Diff | None:
    return each_hunk(diff, lambda hunk: replace(hunk, start=1, new_start=1)) if is_unique(diff, commit.before) else None


def bare_header(rng: Random, commit: Commit, diff: Diff) -> Diff | None:
    form = rng.choice(
        [
            "@@ ... @@",
            "@@",
            "@@ @@",
            "@@ @@ {h}",
            "@@ ... @@ {h}",
            "@@ line {n} @@",
            "@ -{n},3 +{n},4 @@",
            "@@ -{n} +{n} @@",
        ]
    )
    if not is_unique(diff, commit.before):
        return None
    return each_hunk(diff, lambda hunk: replace(hunk, header=form.format(h=hunk.heading, n=hunk.start).rstrip()))


def no_header(rng: Random, commit: Commit, diff: Diff) -> Diff | None:
    if any(len(part.hunks) > 1 for part in diff) or not is_unique(diff, commit.before):
        return None
    return each_hunk(diff, lambda hunk: replace(hunk, header=""))


def names(rng: Random, commit: Commit, diff: Diff) -> Diff | None:
    """Other forms of the file header."""
    if not all(part.is_plain for part in diff):
        return None
    form = rng.choice(["plain", "one side", "plus alone", "dots", "times", "no git", "devnull", "index"])

    def spoil(part: FileText) -> FileText:
        path = str(part.old)
        forms = {
            "plain": (f"--- {path}", f"+++ {path}"),
            "one side": (f"--- {path}", f"+++ b/{path}"),
            "plus alone": (f"+++ b/{path}",),
            "dots": (f"--- ./{path}", f"+++ ./{path}"),
            "times": (f"--- a/{path}\t2024-01-02 03:04:05.000000000 +0000", f"+++ b/{path}\t2024-01-02 03:04:06 +0000"),
            "no git": (f"--- a/{path}", f"+++ b/{path}"),
            "devnull": (f"diff --git a/{path} b/{path}", "--- /dev/null", f"+++ b/{path}"),
            "index": (
                f"diff --git a/{path} b/{path}",
                "index 1a2b3c4..5d6e7f8 100755",
                f"--- a/{path}",
                f"+++ b/{path}",
            ),
        }
        return replace(part, header=forms[form])

    return tuple(map(spoil, diff))


def path_spoilt(rng: Random, commit: Commit, diff: Diff) -> Diff | None:
    """Folders too few, or one too many."""
    if not all(part.is_plain and "/" in str(part.old) for part in diff):
        return None
    short = rng.random() < 0.5
    for part in diff:
        tail = str(part.old).rsplit("/", 1)[1]
        if short and sum(path.endswith(f"/{tail}") or path == tail for path in commit.before) > 1:
            return None
        if len("".join("".join(hunk.old) for hunk in part.hunks)) < 20:
            return None

    def spoil(part: FileText) -> FileText:
        path = str(part.old).rsplit("/", 1)[1] if short else f"project/{part.old}"
        return replace(part, header=(f"--- a/{path}", f"+++ b/{path}"))

    return tuple(map(spoil, diff))


def bare_blanks(rng: Random, commit: Commit, diff: Diff) -> Diff | None:
    """Blank context lines without their blank."""
    return each_hunk(diff, lambda hunk: hunk.mapped(lambda line: "" if line == " " else line))


def added_blanks(rng: Random, commit: Commit, diff: Diff) -> Diff | None:
    """Blank added lines between added lines without their plus."""

    def spoil(hunk: HunkText) -> HunkText:
        lines = list(hunk.lines)
        for at in range(1, len(lines) - 1):
            if lines[at] == "+" and all(hunk.lines[i][:1] == "+" and len(hunk.lines[i]) > 1 for i in (at - 1, at + 1)):
                lines[at] = ""
        return replace(hunk, lines=tuple(lines), header=hunk.text().split("\n", 1)[0])

    return each_hunk(diff, spoil)


def lost_markers(rng: Random, commit: Commit, diff: Diff) -> Diff | None:
    if any(line[:2] in (" +", " -", " @", " \\") for part in diff for hunk in part.hunks for line in hunk.lines):
        return None
    kept = each_hunk(diff, lambda hunk: replace(hunk, header=hunk.text().split("\n", 1)[0]))
    return each_hunk(kept, lambda hunk: hunk.mapped(lambda line: line[1:] if line[:1] == " " else line))


def trailing_blanks(rng: Random, commit: Commit, diff: Diff) -> Diff | None:
    return each_hunk(
        diff, lambda hunk: hunk.mapped(lambda line: line + "  " if line[:1] == " " and line.strip() else line)
    )


def stripped(rng: Random, commit: Commit, diff: Diff) -> Diff | None:
    """Blanks at the end of context and deleted lines lost."""
    return each_hunk(
        diff, lambda hunk: hunk.mapped(lambda line: line[:1] + line[1:].rstrip(" \t") if line[:1] in " -" else line)
    )


def tabs_as_blanks(rng: Random, commit: Commit, diff: Diff) -> Diff | None:
    if "\t" not in commit.truth or any(part.old is None for part in diff):
        return None
    blanks, everywhere = " " * rng.choice([2, 4, 8]), rng.random() < 0.6

    def spoil(line: str) -> str:
        if line[:1] not in " +-" or (not everywhere and line[:1] != " "):
            return line
        return line[:1] + re.sub(r"^[\t ]*", lambda match: match[0].replace("\t", blanks), line[1:])

    return each_hunk(diff, lambda hunk: hunk.mapped(spoil))


def extra_blank(rng: Random, commit: Commit, diff: Diff) -> Diff | None:
    """One blank more before every line that is not blank."""
    if any(part.old is None for part in diff):
        return None
    return each_hunk(
        diff,
        lambda hunk: hunk.mapped(
            lambda line: line[:1] + " " + line[1:] if line[:1] in " +-" and line[1:].strip() else line
        ),
    )


def dedented(rng: Random, commit: Commit, diff: Diff) -> Diff | None:
    """The indentation that all lines of a hunk share taken off."""

    def spoil(hunk: HunkText) -> HunkText:
        depth = min((len(line[1:]) - len(line[1:].lstrip(" ")) for line in hunk.lines if line[1:].strip()), default=0)
        return hunk.mapped(
            lambda line: line[:1] + line[1 + depth :] if line[1:].strip() and line[:1] in " +-" else line
        )

    changed = each_hunk(diff, spoil)
    return changed if changed != diff and is_unique(diff, commit.before) else None


def less_context(rng: Random, commit: Commit, diff: Diff) -> Diff | None:
    keep = rng.choice([0, 1, 2])
    leading_alone = rng.random() < 0.3

    def spoil(hunk: HunkText) -> HunkText:
        tags = "".join(line[:1] for line in hunk.lines)
        head = max(len(tags) - len(tags.lstrip(" ")) - (3 if leading_alone else keep), 0)
        tail = max(len(tags) - len(tags.rstrip(" ")) - (0 if leading_alone else keep), 0)
        lines = hunk.lines[head : len(hunk.lines) - tail]
        return replace(hunk, lines=lines, start=hunk.start + head, new_start=hunk.new_start + head)

    changed = each_hunk(diff, spoil)
    if any(not hunk.old for part in changed for hunk in part.hunks if part.old):
        return None
    return changed if is_unique(changed, commit.before) else None


def context_dropped(rng: Random, commit: Commit, diff: Diff) -> Diff | None:
    """One context line between two others left out."""
    done = False

    def spoil(hunk: HunkText) -> HunkText:
        nonlocal done
        choices = [
            at for at in range(1, len(hunk.lines) - 1) if all(hunk.lines[i][:1] == " " for i in (at - 1, at, at + 1))
        ]
        anchors = sum(1 for line in hunk.old if line.strip())
        if done or not choices or anchors < 6:
            return hunk
        done, at = True, rng.choice(choices)
        return replace(hunk, lines=hunk.lines[:at] + hunk.lines[at + 1 :])

    changed = each_hunk(diff, spoil)
    return changed if done and is_unique(diff, commit.before) else None


def joined(rng: Random, commit: Commit, diff: Diff) -> Diff | None:
    """Two hunks as one, with `...` for what lies between them."""
    part = next((part for part in diff if len(part.hunks) > 1 and part.is_plain), None)
    if part is None or not is_unique(diff, commit.before):
        return None
    first, second = part.hunks[:2]
    if first.lines[-1][:1] != " " or second.lines[0][:1] != " " or "\\" in {line[:1] for line in first.lines}:
        return None
    dots = rng.choice([" ...", " # ...", " // ... existing code ..."])
    merged = replace(first, lines=(*first.lines, dots, *second.lines))
    return tuple(replace(each, hunks=(merged, *each.hunks[2:])) if each is part else each for each in diff)


def lookalikes(rng: Random, commit: Commit, diff: Diff) -> Diff | None:
    plain, fancy = rng.choice(list(LOOKALIKES.items()))
    if rng.random() < 0.5:
        plain, fancy = fancy, plain
    changed = each_hunk(
        diff,
        lambda hunk: hunk.mapped(
            lambda line: " " + line[1:].replace(plain, fancy) if line[:1] == " " and line.strip() else line
        ),
    )
    return changed if changed != diff and is_unique(diff, commit.before) else None


def twice(rng: Random, commit: Commit, diff: Diff) -> Diff | None:
    """A hunk sent twice."""
    part = diff[0]
    if not part.is_plain or not is_unique((replace(part, hunks=part.hunks[:1]),), commit.before):
        return None
    return (replace(part, hunks=(part.hunks[0], *part.hunks)), *diff[1:])


def shuffled(rng: Random, commit: Commit, diff: Diff) -> Diff | None:
    return tuple(replace(part, hunks=tuple(rng.sample(part.hunks, len(part.hunks)))) for part in diff)


def in_sections(rng: Random, commit: Commit, diff: Diff) -> Diff | None:
    """Each hunk in a section of its own."""
    if not all(part.is_plain for part in diff):
        return None
    return tuple(replace(part, hunks=(hunk,)) for part in diff for hunk in part.hunks)


def marker_too_many(rng: Random, commit: Commit, diff: Diff) -> Diff | None:
    part = diff[0]
    if not part.is_plain or part.hunks[0].lines[-1][:1] != " ":
        return None
    hunk = replace(part.hunks[0], lines=(*part.hunks[0].lines, "\\ No newline at end of file"))
    return (replace(part, hunks=(hunk, *part.hunks[1:])), *diff[1:])


def no_rename_lines(rng: Random, commit: Commit, diff: Diff) -> Diff | None:
    if not any(part.old and part.new and part.old != part.new and part.hunks for part in diff):
        return None
    return tuple(
        replace(part, header=(f"--- a/{part.old}", f"+++ b/{part.new}"))
        if part.old and part.new and part.hunks
        else part
        for part in diff
    )


SURE: dict[str, Mutation] = {
    function.__name__: function
    for function in (
        counts_wrong, lines_wrong, all_at_1, bare_header, no_header, names, path_spoilt, bare_blanks, added_blanks,
        lost_markers, trailing_blanks, stripped, tabs_as_blanks, extra_blank, dedented, less_context, context_dropped,
        joined, lookalikes, twice, shuffled, in_sections, marker_too_many, no_rename_lines,
    )
}  # fmt: skip
"""Mutations after which the answer still means the same."""


def packed(rng: Random, text: str) -> str:
    """The answer as JSON, or escaped for HTML, or with a carriage return at every line's end."""
    form = rng.choice(["json", "html", "crlf"])
    if form == "json":
        return "```json\n" + json.dumps({"thought": "fix it", "patch": text}) + "\n```\n"
    if form == "html":
        return html.escape(text)
    return text.replace("\n", "\r\n")


__all__ = ["SURE", "Mutation", "packed", "text_of"]
