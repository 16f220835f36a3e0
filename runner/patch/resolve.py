"""Which files an edit means: as named, without `a/` and `b/`, else the one file whose path ends alike and that fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from runner.patch import content
from runner.patch.edit import FileEdit, Names
from runner.patch.levels import Level
from runner.patch.refusal import Stop, stop
from runner.patch.tree import WorkTree

_TRIES = 500
"""Hunks that are looked for in files whose paths end alike; beyond that the whole path has to be named."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is to be done: `old` is the file that is there, `new` the path afterwards. `guessed`: a path was mended."""

    action: Literal["create", "modify", "delete", "move"]
    old: str | None
    new: str | None
    guessed: bool = False


class Resolver:
    """Names to paths, for all edits of one answer: what is wrong with one path is likely wrong with the others."""

    def __init__(self, tree: WorkTree, edits: Sequence[FileEdit]) -> None:
        self._tree = tree
        self._tries = _TRIES
        self._extra_root, self._short = self._habits(edits)

    def target(self, edit: FileEdit) -> Target:
        """What `edit` does to which path. Raises Stop: unsafe_path, missing_file, ambiguous_path, exists."""
        old = self._tree.existing(edit.old) if edit.old else None
        new = self._tree.existing(edit.new) if edit.new else None
        if edit.old and edit.new and not set(edit.old) & set(edit.new):
            return self._moved(edit, old, new)
        if edit.deleted and not edit.created:
            return self._deleted(edit, old)
        if old is not None and new is not None and old != new:
            raise stop("ambiguous_path", f"the header may mean {old} or {new}, which are both there", new)
        there = new or old
        adds_only = all(hunk.first.adds_only for hunk in edit.hunks)
        if there is not None and not (edit.created and adds_only and not edit.whole):
            return Target(action="modify", old=there, new=there)
        if there is not None:
            return self._filled(edit, there)
        if adds_only and self._may_create(edit):
            return self._created(edit)
        return self._similar(edit, edit.new or edit.old or (), "modify")

    def _habits(self, edits: Sequence[FileEdit]) -> tuple[str, bool]:
        """A folder that all paths have too much (`repo/`), and whether some path lacks folders."""
        roots: set[str] = set()
        short = False
        for edit in edits:
            names = edit.old
            if names is None or edit.created or self._tree.existing(names) is not None:
                continue
            for path in self._tree.similar(names[:1]):
                roots |= {names[0].removesuffix(path)} if names[0].endswith(f"/{path}") else set()
                short |= path.endswith(f"/{names[0]}")
        return (roots.pop(), short) if len(roots) == 1 else ("", short or bool(roots))

    def _may_create(self, edit: FileEdit) -> bool:
        """Whether a file that is not there is to be made: said so, or shown as lines from the first on."""
        if edit.created or edit.whole or edit.kind == "blocks":
            return True
        return bool(edit.hunks) and all(hunk.line in (0, 1) for hunk in edit.hunks)

    def _created(self, edit: FileEdit) -> Target:
        name = (edit.new or edit.old or ("",))[0]
        extra = bool(self._extra_root) and name.startswith(self._extra_root)
        if self._short or (self._extra_root and not extra):
            near = self._tree.similar((name,))
            why = f"did you mean {', '.join(near[:5])}?" if near else "other paths of this answer lack folders too"
            raise stop("missing_file", f"{name} is not in the repository; {why}", name)
        path = name.removeprefix(self._extra_root) if extra else name
        self._tree.existing((path,))
        self._tree.free(path)
        return Target(action="create", old=None, new=path, guessed=extra)

    def _filled(self, edit: FileEdit, path: str) -> Target:
        """A file said to be new that is there: right only if it is empty."""
        if self._tree.file(path).data or not edit.hunks:
            raise stop("exists", f"{path} exists already; to change it send hunks that match it", path)
        return Target(action="modify", old=path, new=path)

    def _deleted(self, edit: FileEdit, old: str | None) -> Target:
        if old is not None:
            return Target(action="delete", old=old, new=None)
        if edit.hunks and all(hunk.first.adds_only for hunk in edit.hunks) and self._may_create(edit):
            return self._created(edit)
        return self._similar(edit, edit.old or edit.new or (), "delete")

    def _moved(self, edit: FileEdit, old: str | None, new: str | None) -> Target:
        if old is not None and new is not None:
            raise stop("ambiguous_path", f"the header names two files that are both there: {old} and {new}", new)
        if old is not None and edit.new is not None:
            self._tree.free(edit.new[0], instead_of=old)
            return Target(action="move", old=old, new=edit.new[0])
        if new is not None and not edit.moved:
            return Target(action="modify", old=new, new=new)
        names, to = edit.old or (), (edit.new or ("",))[0]
        known = self._similar(edit, names, "move").old or ""
        root = next((name.removesuffix(known) for name in names if name.endswith(f"/{known}")), "")
        if not root or not to.startswith(root):
            raise stop("missing_file", f"{names[0]} is not in the repository", names[0])
        self._tree.existing((to.removeprefix(root),))
        self._tree.free(to.removeprefix(root), instead_of=known)
        return Target(action="move", old=known, new=to.removeprefix(root), guessed=True)

    def _similar(self, edit: FileEdit, names: Names, action: Literal["modify", "delete", "move"]) -> Target:
        """The one file with such a path in which the hunks have their places."""
        name = names[0] if names else "?"
        paths = self._tree.similar(names)
        self._tries -= len(paths) * len(edit.hunks)
        fitting = [path for path in paths if edit.hunks and self._tries >= 0 and self._fits(edit, path)]
        if len(fitting) > 1:
            raise stop("ambiguous_path", f"{name} may be any of {', '.join(fitting)}; name the whole path", name)
        if not fitting:
            hint = f"; did you mean {', '.join(paths[:5])}?" if paths else ""
            raise stop("missing_file", f"{name} is not in the repository{hint}", name)
        new = None if action == "delete" else fitting[0]
        return Target(action=action, old=fitting[0], new=new, guessed=True)

    def _fits(self, edit: FileEdit, path: str) -> bool:
        try:
            found = content.rewritten(edit, self._tree.source(path), path)
        except Stop:
            return False
        return all(report.level <= Level.FOLD for report in found.reports)
