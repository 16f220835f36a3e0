"""Put an answer's whole change into the work tree, or nothing of it.

This step is strict: git judges, with no fuzz; only wrong hunk counts are forgiven (`--recount`).
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from runner.errors import AgentError, PatchCode, PatchRefused
from runner.gitio import Git
from runner.patch.extract import extract
from runner.patch.report import Applied
from runner.patch.sections import Section, split

_APPLY = ("apply", "--recount", "--whitespace=nowarn")
_UNREADABLE = re.compile(
    r"corrupt patch|No valid patches|without header|only garbage|bad git-diff|lacks filename|unrecognized input"
    r"|inconsistent|recount: unexpected line"
)
_ODD_MODE = re.compile(
    r"(?:new file mode|new mode|old mode|deleted file mode) (?!100644$|100755$).*|index \S+ 1[26]0000"
)
_WORDS_LIMIT = 4000
"""Characters of git's words that are passed on."""


def apply_answer(repo: Path, answer: str, *, truncated: bool = False) -> Applied:
    """Apply the diff in `answer` to the work tree `repo`. `truncated`: the model ran into its output limit.

    Raises PatchRefused, with nothing changed: patch_malformed where there is no diff git could read, patch_rejected
    where it does not fit the files or goes where it must not. Raises AgentError if git fails half-way, disk full say.
    """
    if truncated:
        raise PatchRefused("patch_malformed", "the answer was cut off at the output limit; nothing of it was applied")
    sections = split(extract(answer))
    paths = tuple(dict.fromkeys(path for section in sections for path in section.paths()))
    for section in sections:
        _refuse_unsafe(section)
    try:
        patch = "".join(section.text() for section in sections).encode()
    except UnicodeEncodeError as error:
        raise PatchRefused("patch_malformed", "the answer is not valid Unicode text", paths=paths) from error
    _apply(Git(cwd=repo.resolve()), patch, paths)
    return Applied(paths=paths)


def _apply(git: Git, patch: bytes, paths: tuple[str, ...]) -> None:
    checked = git.attempt(*_APPLY, "--check", "--verbose", stdin=patch)
    words = _words(checked.error)
    unreadable = _UNREADABLE.search(checked.error) is not None
    if unreadable or checked.code != 0:
        code: PatchCode = "patch_malformed" if unreadable else "patch_rejected"
        raise PatchRefused(code, words or f"git apply failed with exit code {checked.code}", paths=paths)
    applied = git.attempt(*_APPLY, stdin=patch)
    if applied.code != 0:
        raise AgentError(f"git apply failed after its own check had passed: {_words(applied.error)}")


def _words(said: str) -> str:
    """git's complaint without its progress lines."""
    lines = [line for line in said.splitlines() if not line.startswith("Checking patch ")]
    return "\n".join(lines).strip()[:_WORDS_LIMIT]


def _refuse_unsafe(section: Section) -> None:
    for line in section.extended:
        if _ODD_MODE.fullmatch(line):
            raise PatchRefused("patch_rejected", f"only plain files may be changed: {line}", paths=section.paths())
    for path in section.paths():
        if why := _unsafe(path):
            raise PatchRefused("patch_rejected", f"{path!r}: {why}", paths=section.paths())


def _unsafe(path: str) -> str | None:
    """Why `path` may not be written, or None. git refuses most of these too, in its own way; this is the rule."""
    if not path or path.startswith("/") or re.match(r"[A-Za-z]:", path):
        return "the path is not relative to the repository"
    if "\\" in path or any(unicodedata.category(char) == "Cc" for char in path):
        return "the path holds a backslash or a control character"
    for part in path.split("/"):
        if part in ("", ".", ".."):
            return "the path leaves the repository or is not in its plain form"
        if re.fullmatch(r"\.git|git~\d+", part.rstrip(" .").casefold()):
            return "git's own files may not be changed"
    return None
