"""From file edits to what becomes of each path, with every problem there is on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from runner.patch import asides as besides
from runner.patch import content, indent
from runner.patch.content import HunkReport
from runner.patch.edit import Aside, FileEdit, Whole
from runner.patch.indent import Habit
from runner.patch.levels import Level
from runner.patch.refusal import Problem, Stop, stop
from runner.patch.resolve import Resolver, Target
from runner.patch.source import Source
from runner.patch.tree import File, WorkTree

_PLAIN = "100644"


@dataclass(kw_only=True)
class Plan:
    """What becomes of each path (None: no file), the level each hunk needed, and what stands in the way.

    `named` are the paths in the answer's order, `matched` the hunks of files with problems that had none themselves.
    """

    files: dict[str, File | None] = field(default_factory=dict)
    reports: list[HunkReport] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    matched: int = 0


def plan(edits: Sequence[FileEdit], tree: WorkTree, asides: Sequence[Aside] = ()) -> Plan:
    """Plan all of `edits`, and of the blocks beside them, and gather the problems of all of them."""
    try:
        made = besides.new_files(asides, edits, tree)
        joined = _joined([*edits, *made])
        found = _with_one_habit(joined, Resolver(tree, joined), tree)
        others = [aside for aside in asides if aside.name not in {edit.name for edit in made}]
        if others and not found.problems:
            found.problems += besides.problems(others, _before_and_after(found, tree), tree)
    except Stop as error:
        return Plan(problems=list(error.problems))
    return found


def _before_and_after(found: Plan, tree: WorkTree) -> list[Source]:
    before = WorkTree(tree.root)
    states = ((state, path) for path in found.files for state in (before, tree))
    return [state.source(path) for state, path in states if state.is_file(path)]


def _with_one_habit(joined: Sequence[FileEdit], resolver: Resolver, tree: WorkTree) -> Plan:
    """What the hunks show together of the answer's indentation counts for those that show nothing: then all is planned
    again with that.
    """
    texts = (text for edit in joined for hunk in edit.hunks for text in hunk.first.changed)
    found = _planned(joined, resolver, tree, Habit(keeps_tabs=True))
    widths = {report.width for report in found.reports} - {None}
    if not (widths or any(report.silent for report in found.reports)) or indent.has_tabs(texts):
        return found
    tree.pending.clear()
    return _planned(joined, resolver, tree, Habit(width=widths.pop() if len(widths) == 1 else None))


def _planned(edits: Sequence[FileEdit], resolver: Resolver, tree: WorkTree, habit: Habit) -> Plan:
    found = Plan(files=tree.pending)
    for edit in edits:
        try:
            target = resolver.target(edit)
            found.named += [path for path in (target.old, target.new) if path]
            reports = _put(edit, target, tree, habit)
            found.reports += reports
            found.matched += len(reports)
        except Stop as error:
            found.problems += error.problems
            found.named += [problem.path for problem in error.problems if problem.path]
            found.matched += error.matched
    return found


def _joined(edits: Sequence[FileEdit]) -> list[FileEdit]:
    """One edit a file: later sections of the same one add their hunks, a repeated creation or deletion says nothing."""
    kept: dict[str, FileEdit] = {}
    for edit in edits:
        earlier = kept.setdefault(edit.name, edit)
        if earlier is edit or _says_the_same(edit, earlier):
            continue
        if earlier.unseen and edit.created and len(edit.hunks) == 1:
            fresh = Whole(lines=edit.hunks[0].first.new)
            kept[edit.name] = replace(edit, old=earlier.old, created=False, hunks=[], whole=fresh, afresh=True)
            continue
        plain = not (edit.created or edit.deleted or edit.whole or earlier.created or earlier.deleted or earlier.whole)
        if not plain or edit.kind != earlier.kind or edit.old != earlier.old:
            raise stop("conflicting_drafts", f"the answer changes {edit.name} twice, in different ways", edit.name)
        earlier.hunks += edit.hunks
        earlier.mode = edit.mode or earlier.mode
    return list(kept.values())


def _says_the_same(edit: FileEdit, earlier: FileEdit) -> bool:
    sides = (edit.old, edit.new, edit.created, edit.deleted, edit.whole)
    if sides != (earlier.old, earlier.new, earlier.created, earlier.deleted, earlier.whole):
        return False
    return [(hunk.header, hunk.lines) for hunk in edit.hunks] == [(hunk.header, hunk.lines) for hunk in earlier.hunks]


def _put(edit: FileEdit, target: Target, tree: WorkTree, habit: Habit) -> list[HunkReport]:
    """Put the target's new state into `tree.pending`."""
    if target.action == "create" or target.old is None:
        path = str(target.new)
        made = content.replaced(edit, None, path) if edit.whole else content.fresh(edit, path, habit)
        tree.pending[path] = _file(made, edit.mode or _PLAIN)
        return []
    before = tree.file(target.old)
    if target.action == "delete" and not edit.hunks:
        _refuse_unseen(edit, before, target.old)
        tree.pending[target.old] = None
        return []
    after, reports = _after(edit, target, tree, habit)
    if target.action == "delete":
        if after is not None and after.text.strip():
            raise stop("delete_mismatch", f"{target.old} has lines that the deletion does not show", target.old)
        tree.pending[target.old] = None
        return reports
    mode = edit.mode if edit.mode and not edit.created else before.mode
    if target.action == "move":
        tree.pending[target.old] = None
    tree.pending[str(target.new)] = File(data=before.data, mode=mode) if after is None else _file(after, mode)
    return reports


def _after(edit: FileEdit, target: Target, tree: WorkTree, habit: Habit) -> tuple[Source | None, list[HunkReport]]:
    """The file's new text (None: as it is) and how its hunks were found."""
    path = str(target.old)
    if not (edit.hunks or edit.whole):
        return None, []
    source = tree.source(path)
    if edit.whole:
        if path in tree.not_seen:
            text = f"{path}: you were not shown all of it; send a diff of the lines to change, not the whole file"
            raise stop("not_whole", text, path)
        after = content.replaced(edit, source, path)
        _refuse_mixed_encoding(source, after, path)
        return after, []
    if not source.lines and all(hunk.first.adds_only for hunk in edit.hunks):
        return content.fresh(edit, path, habit), []
    found = content.rewritten(edit, source, path, habit)
    level = Level.GAP if target.guessed else Level.EXACT
    reports = [replace(each, level=max(each.level, level)) for each in found.reports]
    _refuse_mixed_encoding(source, found.source, path)
    return found.source, reports


def _refuse_unseen(edit: FileEdit, before: File, path: str) -> None:
    if before.data and not edit.unseen:
        raise stop("delete_mismatch", f"to delete {path} show all of its lines as deleted", path)


def _is_utf8(source: Source) -> bool:
    try:
        source.text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _refuse_mixed_encoding(before: Source, after: Source, path: str) -> None:
    """Letters beyond ASCII cannot be added to a file whose encoding is not known."""
    if before.text.isascii() or _is_utf8(before):
        return
    known = set(before.lines)
    if any(not line.isascii() for line in after.lines if line not in known):
        raise stop("not_text", f"{path} is not UTF-8; only ASCII lines can be added to it", path)


def _file(source: Source, mode: str) -> File:
    return File(data=source.text.encode("utf-8", "surrogateescape"), mode=mode)
