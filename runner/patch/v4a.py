"""The `*** Begin Patch` format: files by name, hunks without numbers, each found by its lines and its `@@` headings."""

from __future__ import annotations

import re

from runner.patch import hunks
from runner.patch.edit import Body, FileEdit, Hunk
from runner.patch.refusal import stop

BEGIN = "*** Begin Patch"
_END = "*** End Patch"
_END_OF_FILE = "*** End of File"
_FILE = re.compile(r"\*\*\* (Update|Add|Delete) File: (.+)")
_MOVE = re.compile(r"\*\*\* Move to: (.+)")


def starts(line: str) -> bool:
    """Whether a patch of this format begins at `line`, its first line left out perhaps."""
    return line.startswith("*** ") and (line.rstrip() == BEGIN or _FILE.fullmatch(line.rstrip()) is not None)


def read(lines: list[str], *, draft: int = 0, closed: bool = True) -> list[FileEdit]:
    """The files of every patch in `lines`. Raises Stop: truncated without its end (unless `closed`), malformed."""
    edits: list[FileEdit] = []
    at = 0
    while at < len(lines):
        if not starts(lines[at]):
            at += 1
            continue
        end = next((i for i in range(at, len(lines)) if lines[i].rstrip() == _END), None)
        if end is None and not closed:
            raise stop("truncated", f"the answer was cut off: `{_END}` is missing")
        end = len(lines) if end is None else end
        edits += _patch(lines[at + (lines[at].rstrip() == BEGIN) : end], draft)
        at = end + 1
    return edits


def _patch(lines: list[str], draft: int) -> list[FileEdit]:
    edits: list[FileEdit] = []
    at = 0
    while at < len(lines):
        match = _FILE.fullmatch(lines[at].rstrip())
        if match is None:
            if lines[at].strip():
                raise stop("malformed", f"this line is in no file's section: {lines[at][:120]!r}")
            at += 1
            continue
        end = next((i for i in range(at + 1, len(lines)) if _FILE.fullmatch(lines[i].rstrip())), len(lines))
        edits.append(_section(match[1], match[2], lines[at + 1 : end], draft))
        at = end
    return edits


def _section(verb: str, name: str, lines: list[str], draft: int) -> FileEdit:
    name = _path(name)
    names = (name,)
    if verb == "Delete":
        return FileEdit(old=names, new=None, deleted=True, unseen=True)
    if verb == "Add":
        return FileEdit(old=None, new=names, created=True, hunks=[_added(name, lines, draft)] if lines else [])
    edit = FileEdit(old=names, new=names)
    if lines and (moved := _MOVE.fullmatch(lines[0].rstrip())):
        edit.new, edit.moved, lines = (_path(moved[1]),), True, lines[1:]
    edit.hunks = _hunks(name, lines, draft)
    if not edit.hunks and not edit.moved:
        raise stop("malformed", f"no change follows `*** Update File: {name}`", name)
    return edit


def _path(name: str) -> str:
    """The path as the repository has it: quoted as code, or begun with `./`, it is still the same."""
    return name.strip(" `").removeprefix("./")


def _added(name: str, lines: list[str], draft: int) -> Hunk:
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    if any(not line.startswith("+") for line in lines if line):
        raise stop("malformed", "every line of an added file begins with +", name)
    body = Body(tags="+" * len(lines), texts=tuple(line[1:] for line in lines))
    return Hunk(header="", lines=tuple(lines), readings=((body,),), draft=draft)


def _hunks(name: str, lines: list[str], draft: int) -> list[Hunk]:
    found: list[Hunk] = []
    lossy = hunks.loses_markers([line for line in lines if not line.startswith(("@@", "***"))])
    at = 0
    while at < len(lines):
        headings: list[str] = []
        header = ""
        while at < len(lines) and lines[at].startswith("@@"):
            header = lines[at]
            headings += [heading] if (heading := hunks.start_of(header).heading) else []
            at += 1
        end = next((i for i in range(at, len(lines)) if lines[i].startswith(("@@", _END_OF_FILE))), len(lines))
        at_end = end < len(lines) and lines[end].startswith(_END_OF_FILE)
        body = lines[at:end]
        at = end + at_end
        if not any(line.strip() for line in body):
            continue
        read_ = hunks.hunk(header, body, lossy=lossy, draft=draft, headings=tuple(headings), at_end=at_end)
        if read_ is None:
            raise stop("malformed", f"this hunk has no lines that could be read: {body[0][:120]}", name)
        found.append(read_)
    return found
