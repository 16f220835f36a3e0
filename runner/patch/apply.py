"""Put an answer's whole change into the work tree, or nothing of it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from runner.patch import answer as answers
from runner.patch import cutoff, dress
from runner.patch.plan import Plan, plan
from runner.patch.refusal import Refused, Stop, stop
from runner.patch.report import Applied
from runner.patch.tree import File, WorkTree
from runner.patch.write import write


def apply_answer(
    repo: Path, answer: str, *, truncated: bool = False, not_seen: Collection[str] = ()
) -> Applied:  # fmt: skip
    """Apply the change in `answer` to the work tree `repo`. `truncated`: the model ran into its output limit.

    `not_seen`: files of which the model saw parts, or nothing, so that it cannot send them whole.
    Raises PatchRefused (a Refused) with nothing changed: patch_malformed where there is no change that could be read,
    patch_rejected where it does not fit the files or goes where it must not. Raises AgentError if git failed half-way
    and the files could not be restored.
    """
    root = repo.resolve()
    try:
        if truncated:
            raise stop("truncated", "the answer was cut off at the output limit; nothing of it was applied")
        found = _planned(WorkTree(root, not_seen), answer)
        _write(root, found)
    except Stop as error:
        paths = [problem.path for problem in error.problems if problem.path]
        raise Refused(error.problems, paths=[*error.named, *paths], matched=error.matched) from error
    return Applied(paths=tuple(dict.fromkeys(found.named)), hunks=tuple(found.reports))


def _planned(tree: WorkTree, answer: str) -> Plan:
    """The plan for the answer as it stands or, where only that fits, with its HTML entities resolved."""
    if not dress.is_escaped(answer):
        return _plan(tree, answer)
    try:
        found = _plan(tree, answer)
    except Stop as error:
        try:
            return _plan(tree, dress.unescaped(answer))
        except Stop:
            raise error from None
    if all(dress.is_markup(path) for path in found.named):
        return found
    try:
        _plan(tree, dress.unescaped(answer))
    except Stop:
        return found
    raise stop("ambiguous", "are the entities in the added lines (such as &lt;) meant as they stand? Send plain text")


def _plan(tree: WorkTree, answer: str) -> Plan:
    read = answers.read(answer)
    cutoff.check(read)
    found = plan(read.edits, WorkTree(tree.root, tree.not_seen), read.asides)
    if found.problems:
        raise Stop(*found.problems, matched=found.matched, named=found.named)
    return found


def _write(root: Path, found: Plan) -> None:
    tree = WorkTree(root)
    before: dict[str, File | None] = {path: tree.file(path) if tree.is_file(path) else None for path in found.files}
    if before == found.files:
        paths = list(dict.fromkeys(found.named))
        raise Stop(*stop("no_change", "the answer changes nothing: every line is as it was").problems, named=paths)
    write(root, before, found.files)
