"""What may leave a sandbox: the resulting tree is judged, never the text of the diff (docs/security.md)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.git.adapter import Git
from pithy_local.git.names import Globs, fold, has_control, looks_like_git, looks_like_gitmodules, shown
from pithy_local.git.secret_scan import leaks
from pithy_local.git.trees import (
    ABSENT,
    GITLINK,
    REGULAR,
    SYMLINK,
    Entry,
    all_paths,
    blob_contents,
    blob_sizes,
    changed,
)

MAX_FILES = 1000
"""Changed files: more is not a change that a person reviews."""
MAX_LINES = 100_000
"""Added and removed lines of text together; room for a lock file or two."""
MAX_FILE = 10_000_000
"""Bytes of one changed file: hosts warn from 50 MB on, and source is far below."""
MAX_TOTAL = 50_000_000
"""Bytes of all changed files together."""
MAX_PATH = 1024
"""Bytes of a path: what macOS can check out, and Windows with long paths."""
MAX_NAME = 255
"""Bytes of one name: the limit of every common file system."""
MAX_TARGET = 1024
"""Bytes of a symlink's target."""
MAX_LISTED = 50
"""Violations that an error lists; the rest are counted."""


@dataclass(frozen=True, kw_only=True)
class Violation:
    """A rule that a path breaks: `rule` is one word, `reason` a phrase for people."""

    rule: str
    path: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Stat:
    """Changed files, added and removed lines of text."""

    files: int
    added: int
    removed: int

    @classmethod
    def of_numstat(cls, listed: bytes) -> Stat:
        """From git's `--numstat -z` without renames: `added TAB removed TAB path NUL …`, "-" for binary files."""
        rows = [entry.split(b"\t", 2) for entry in listed.split(b"\0") if entry.count(b"\t") >= 2]
        return cls(
            files=len(rows),
            added=sum(int(row[0]) for row in rows if row[0].isdigit()),
            removed=sum(int(row[1]) for row in rows if row[1].isdigit()),
        )


def check(
    git: Git, base: str, tree: str, protected: tuple[str, ...], *, secrets: Sequence[str] = (), accepted: bool = False
) -> Stat:
    """Judge `tree` against `base` (both in git's repository) and count what changed.

    `secrets` are this process' own; `accepted`: a person has looked, protected paths and secrets are let through.
    Raises PithyError (policy): `detail` has `violations` that nobody may wave through, and what a person must look at
    first: `protected` paths and `secrets` found (never a secret itself). Each is a list of {rule, path, reason}, at
    most MAX_LISTED long; `more` counts what is beyond.
    """
    entries = changed(git, base, tree)
    sizes = blob_sizes(git, {entry.after for entry in entries if entry.after})
    hard = [*_sizes_broken(entries, sizes), *_modes_broken(entries), *_paths_broken(entries)]
    hard += _links_broken(git, entries, sizes)
    if any(entry.added for entry in entries):
        hard += _collisions(entries, all_paths(git, base))
    stat, found = Stat(files=len(entries), added=0, removed=0), list[Violation]()
    if not any(violation.rule == "size" for violation in hard):
        stat = Stat.of_numstat(git.run("diff-tree", "-r", "-z", "--numstat", "--no-renames", base, tree).stdout)
        hard += _lines_broken(stat)
        found = [] if accepted else list(_secrets(git, entries, secrets))
    guarded = [] if accepted else list(_protected(entries, Globs(protected)))
    if hard or guarded or found:
        raise _error(hard, guarded, found)
    return stat


def stopped(rule: str, path: str, reason: str) -> PithyError:
    """The policy error for one violation that git itself ran into."""
    return _error([Violation(rule=rule, path=path, reason=reason)], [], [])


def _sizes_broken(entries: list[Entry], sizes: dict[str, int]) -> Iterator[Violation]:
    if len(entries) > MAX_FILES:
        yield Violation(rule="size", path="", reason=f"{len(entries)} files changed, {MAX_FILES} allowed")
    total = 0
    for entry in entries:
        size = 0 if entry.gone else sizes.get(entry.blob, 0)
        total += size
        if size > MAX_FILE:
            reason = f"{size / 1e6:.1f} MB, {MAX_FILE / 1e6:.0f} MB allowed for one file"
            yield Violation(rule="size", path=shown(entry.path), reason=reason)
    if total > MAX_TOTAL:
        reason = f"{total / 1e6:.1f} MB in all, {MAX_TOTAL / 1e6:.0f} MB allowed"
        yield Violation(rule="size", path="", reason=reason)


def _lines_broken(stat: Stat) -> Iterator[Violation]:
    lines = stat.added + stat.removed
    if lines > MAX_LINES:
        yield Violation(rule="size", path="", reason=f"{lines} lines changed, {MAX_LINES} allowed")


def _modes_broken(entries: list[Entry]) -> Iterator[Violation]:
    for entry in entries:
        if entry.mode == GITLINK:
            yield Violation(rule="submodule", path=shown(entry.path), reason="a submodule")
        elif entry.mode not in (*REGULAR, SYMLINK, ABSENT):
            yield Violation(rule="mode", path=shown(entry.path), reason=f"file mode {entry.mode}")


def _paths_broken(entries: list[Entry]) -> Iterator[Violation]:
    for entry in entries:
        reason = None if entry.gone else path_fault(entry.path)
        if reason is not None:
            yield Violation(rule="path", path=shown(entry.path), reason=reason)


def path_fault(path: bytes) -> str | None:
    """Why no change may write to this path, None where it may."""
    try:
        text = path.decode("utf-8")
    except UnicodeDecodeError:
        return "not valid UTF-8"
    if has_control(text):
        return "a control character in the name"
    if "\\" in text:
        return "a backslash in the name"
    names = text.split("/")
    if any(name in ("", ".", "..") for name in names) or re.match(r"[A-Za-z]:", text):
        return "not a relative path inside the repository"
    if len(path) > MAX_PATH or any(len(name.encode()) > MAX_NAME for name in names):
        return f"longer than {MAX_PATH} bytes, or a name longer than {MAX_NAME}"
    if any(looks_like_git(name) for name in names):
        return "some file system takes this for .git"
    if any(looks_like_gitmodules(name) for name in names):
        return "submodules are not changed by a task"
    return None


def _links_broken(git: Git, entries: list[Entry], sizes: dict[str, int]) -> Iterator[Violation]:
    links = [entry for entry in entries if entry.mode == SYMLINK]
    short = [entry for entry in links if sizes.get(entry.blob, 0) <= MAX_TARGET]
    targets = blob_contents(git, [entry.blob for entry in short])
    for entry in links:
        target = targets.get(entry.blob)
        reason = "the target is too long" if target is None else link_fault(entry.path, target)
        if reason is not None:
            yield Violation(rule="symlink", path=shown(entry.path), reason=f"a symlink: {reason}")


def link_fault(path: bytes, target: bytes) -> str | None:
    """Why a symlink at `path` may not point to `target`, None where it may.

    `..` is taken at the start alone: there it counts from the link's real folder. Behind a name it could follow
    another symlink first, and links that are each inside would lead outside together.
    """
    try:
        text = target.decode("utf-8")
    except UnicodeDecodeError:
        return "the target is not valid UTF-8"
    if not text or has_control(text) or "\\" in text or text.startswith("/") or re.match(r"[A-Za-z]:", text):
        return "the target is not a relative path"
    names = [name for name in text.split("/") if name not in ("", ".")]
    ups = next((index for index, name in enumerate(names) if name != ".."), len(names))
    if ups > path.count(b"/") or ".." in names[ups:]:
        return "the target may lie outside the repository"
    if any(looks_like_git(name) for name in names):
        return "the target is .git"
    return None


def _collisions(entries: list[Entry], base: list[bytes]) -> Iterator[Violation]:
    """New names (files and their folders) that a case-insensitive or normalising file system takes for another."""
    old = set(_with_folders(base))
    gone = {entry.path for entry in entries if entry.gone}
    new = {entry.path for entry in entries if entry.added}
    kept = set(_with_folders(path for path in base if path not in gone))
    spellings: dict[str, set[bytes]] = {}
    for name in kept | set(_with_folders(new)):
        spellings.setdefault(_fold_bytes(name), set()).add(name)
    for alike in spellings.values():
        introduced = alike - old
        for name in sorted(introduced if len(alike) > 1 else ()):
            other = min(alike - {name})
            yield Violation(rule="collision", path=shown(name), reason=f"the same as {shown(other)} on many systems")


def _with_folders(paths: Iterable[bytes]) -> Iterator[bytes]:
    """Every path and every folder above it."""
    for path in paths:
        yield from accumulate(path.split(b"/"), lambda above, name: above + b"/" + name)


def _fold_bytes(name: bytes) -> str:
    return fold(name.decode("utf-8", "surrogateescape"))


def _protected(entries: list[Entry], globs: Globs) -> Iterator[Violation]:
    for entry in entries:
        pattern = globs.match(entry.path.decode("utf-8", "surrogateescape"))
        if pattern is not None:
            yield Violation(rule="protected", path=shown(entry.path), reason=f"protected by {pattern}")


def _secrets(git: Git, entries: list[Entry], own: Sequence[str]) -> Iterator[Violation]:
    for leak in leaks(git, entries, own):
        yield Violation(rule="secret", path=shown(leak.path), reason=f"{leak.kind} in line {leak.line}")


def _error(hard: list[Violation], guarded: list[Violation], secrets: list[Violation]) -> PithyError:
    groups = {"violations": hard, "protected": guarded, "secrets": secrets}
    everything = [*hard, *secrets, *guarded]
    first = everything[0]
    what = f"{first.path}: {first.reason}" if first.path else first.reason
    more = f" (and {len(everything) - 1} more)" if len(everything) > 1 else ""
    opening = "the change breaks the rules for what may leave a sandbox" if hard else "the change needs a person's eye"
    detail: dict[str, object] = {name: [asdict(one) for one in group[:MAX_LISTED]] for name, group in groups.items()}
    detail["more"] = sum(max(0, len(group) - MAX_LISTED) for group in groups.values())
    return PithyError(ErrorCode.POLICY, f"{opening}: {what}{more}", detail=detail)
