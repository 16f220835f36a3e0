"""Which names an answer may use: plain paths below the repository's root that are none of git's own."""

from __future__ import annotations

import re
import unicodedata

_IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff\u2060-\u2064\u00ad]")
"""Characters that a Mac's file system does not see."""
LONGEST_PATH = 1024


def why_unsafe(path: str) -> str | None:
    """Why `path` may not be touched, or None. git refuses most of these too, in its own way; this is the rule."""
    if not path or path.startswith(("/", "~")) or re.match(r"[A-Za-z]:", path):
        return "the path is not relative to the repository"
    if "\\" in path or any(unicodedata.category(char) in ("Cc", "Cs") for char in path):
        return "the path holds a backslash or a control character"
    if len(path) > LONGEST_PATH:
        return "the path is too long"
    for part in path.split("/"):
        if part in ("", ".", ".."):
            return "the path leaves the repository or is not in its plain form"
        if _is_git(part):
            return "git's own files may not be changed"
    return None


def _is_git(part: str) -> bool:
    """Whether some file system would take `part` for `.git`: case, short names, streams, blanks and dots at the end."""
    plain = unicodedata.normalize("NFKC", _IGNORED.sub("", part)).casefold()
    plain = plain.split(":", 1)[0].rstrip(" .")
    return plain == ".git" or re.fullmatch(r"git~\d+", plain) is not None
