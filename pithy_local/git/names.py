"""Paths as other file systems would read them: look-alikes of `.git`, folds, globs, and a form that is safe to show."""

from __future__ import annotations

import fnmatch
import functools
import re
import unicodedata

HFS_IGNORED = dict.fromkeys([*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])
"""Code points that HFS+ skips when it compares names (git's utf8.c, next_hfs_char)."""
BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")
"""Invisible characters that change the order or the lines in which a reader sees a name."""
DOT_GIT = re.compile(r"\.git|git~\d+")
DOT_GITMODULES = re.compile(r"\.gitmodules|gitmod~\d+|gi7eba~\d+")


def fold(name: str) -> str:
    """The name as a case-insensitive, normalising file system compares it."""
    if name.isascii():
        return name.lower()
    plain = name.translate(HFS_IGNORED)
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", plain).casefold())


def looks_like_git(component: str) -> bool:
    """Whether some file system takes this name for `.git`: case, ignored code points, NTFS streams, short names
    and dropped trailing dots and spaces (git's is_hfs_dotgit, is_ntfs_dotgit)."""
    return DOT_GIT.fullmatch(_on_windows(component)) is not None


def looks_like_gitmodules(component: str) -> bool:
    """The same for `.gitmodules`."""
    return DOT_GITMODULES.fullmatch(_on_windows(component)) is not None


def _on_windows(component: str) -> str:
    return fold(component).split(":", 1)[0].rstrip(". ")


def has_control(text: str) -> bool:
    """Whether the text has C0 or C1 controls, DEL, or characters that reorder what a reader sees."""
    return any(unicodedata.category(char) == "Cc" or char in BIDI for char in text)


def shown(path: bytes | str, limit: int = 200) -> str:
    """A path for people: every character that is not plainly visible is escaped, the middle of a long one left out."""
    text = path.decode("utf-8", "backslashreplace") if isinstance(path, bytes) else path
    if len(text) > limit:
        text = f"{text[: limit // 2]}…{text[-limit // 2 :]}"
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


class Globs:
    """Patterns as in .gitignore, without negation; compared folded, so that no other spelling slips through.

    A pattern with a slash (other than a last one) starts at the top, one without matches at any depth; `*`, `?`
    and `[…]` stay within one name, `**` as a whole name spans any number of them; what lies below a match matches.
    """

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._patterns = [(pattern, _compiled(pattern)) for pattern in patterns if pattern.strip("/ ")]

    def match(self, path: str) -> str | None:
        """The first pattern that covers this file, else None."""
        names = tuple(part.rstrip(". ") or part for part in fold(path).split("/"))
        return next((pattern for pattern, parts in self._patterns if _covers(parts, names)), None)


Part = re.Pattern[str] | None
"""One name of a pattern; None is `**`."""


def _compiled(pattern: str) -> tuple[Part, ...]:
    text = fold(pattern.strip())
    anchored = "/" in text.rstrip("/")
    names = [name for name in text.split("/") if name]
    if not anchored:
        names.insert(0, "**")
    if names[-1] == "**":
        names.append("*")  # `a/**` is what lies in a, not a itself
    return tuple(None if name == "**" else re.compile(_one_name(name)) for name in names)


def _one_name(name: str) -> str:
    return fnmatch.translate(name.replace("[^", "[!"))


def _covers(parts: tuple[Part, ...], names: tuple[str, ...]) -> bool:
    """Whether the pattern matches a leading part of `names`: steps over all places it can stand at, no backtracking."""
    places = _skip({0}, parts)
    for name in names:
        stay = {at for at in places if parts[at] is None}
        step = {at + 1 for at in places if (part := parts[at]) is not None and part.match(name)}
        places = _skip(stay | step, parts)
        if len(parts) in places:
            return True
    return False


@functools.lru_cache(maxsize=1024)
def _after(at: int, parts: tuple[Part, ...]) -> frozenset[int]:
    reached = {at}
    while at < len(parts) and parts[at] is None:
        at += 1
        reached.add(at)
    return frozenset(reached)


def _skip(places: set[int], parts: tuple[Part, ...]) -> set[int]:
    """`places` and those that a `**` which stands for nothing leads on to."""
    return {reached for at in places for reached in _after(at, parts)}
