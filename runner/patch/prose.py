"""Words among the code: explanations around a diff, and marks that stand for code the model did not write out."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

_BULLET = re.compile(r"(?:[-+*•]|\d+[.)]) (?:\*\*|`|[A-Z][a-z']* |[a-z]+ [a-z]+ |[A-Z][a-z]+[.:]?\s*$)")
_RULE = re.compile(r"[-*_]{3,} *|- - -.*")
_SIGNATURE = re.compile(r"-- ?")
_TRIES = 20
_VERSION = re.compile(r"\d+\.\d+")
_LEADER = r"(?:(?:#+|//+|--|;+|%+|\*|/\*+|<!--|\{/\*|REM) ?)?"
_COMMENT = r"(?:#+|//+|--|;+|%+|/\*+|<!--|\{/\*) ?"
_OPEN, _CLOSE = r"(?:[(\[<]|-{2,})? ?", r"[.!]? ?(?:[)\]>]|-{2,})?[.!]?"
_DOTS = r"(?:\.{3,}|…)"
_CLOSER = r" ?(?:\*/\}?|-->)?"
_WHAT = (
    r"(?:(?:the|your|all|some|keep) )*(?:existing|rest|remaining|remainder|unchanged|omitted|previous code|same as|"
    r"snip|keep|everything else|implementation|more (?:code|lines|tests|methods)|"
    r"code (?:here|goes|unchanged|above|below)|"
    r"other (?:code|methods|functions|imports|fields|tests|options|cases|existing))\b(?! ?[=.(\[])"
)
_PART = (
    r"(?:files?|code|class(?:es)?|functions?|methods?|module|implementation|contents?|imports|logic|tests?|script|"
    r"document)"
)
_STOCK = (
    rf"unchanged(?: {_PART})?|no (?:other |further |more )?changes?(?: needed| required| here| below| above)*|"
    rf"same as (?:before|above)|existing(?: {_PART})?|snip(?:ped)?|(?:the )?rest of (?:the |this |your )?{_PART}|"
    r"omitted(?: for brevity)?"
)
_BARE = re.compile(rf"{_LEADER}{_DOTS}{_CLOSER}")
_BARE_DOTS = re.compile(_DOTS)
_ELISIONS = (
    _BARE,
    re.compile(rf"{_LEADER}[(\[<]? ?{_DOTS} ?[(\[]? ?{_WHAT}.*", re.IGNORECASE),
    re.compile(
        rf"{_COMMENT}{_OPEN}{_WHAT}.*(?:{_DOTS}|unchanged|as before|as (?:is|they are|it (?:is|was))|omitted|here|same)"
        rf"{_CLOSE}{_CLOSER}",
        re.IGNORECASE,
    ),
    re.compile(rf"{_COMMENT}{_OPEN}(?:{_STOCK}){_CLOSE}{_CLOSER}|[\[<](?:{_STOCK})[\]>]", re.IGNORECASE),
    re.compile(r"\[… lines \d+-\d+ are not shown …\]"),  # how `survey.excerpt` marks them
)
_LONGEST_ELISION = 200
_HEADING = re.compile(r"#+ [^.…]*\Z")
_TEXTS = frozenset({".md", ".rst", ".txt", ".adoc", ".markdown", ".mdx", ".tex", ""})
_DOTS_ARE_CODE = _TEXTS | {".yaml", ".yml", ".r"}
_BEFORE_A_BODY = (":", '"""', "'''", ",", "(", "[", "{")


def is_prose(lines: Sequence[str]) -> bool:
    """Whether what follows a hunk is an explanation (or nothing, or a mail's signature) and no part of the diff.

    A line that adds or deletes is none, unless it is a bullet; the first line must not look like a diff's.
    """
    written = [line for line in lines if line.strip()]
    if not written:
        return True
    if _SIGNATURE.fullmatch(written[0]):
        return len(written) > 1 and _VERSION.match(written[1]) is not None and is_prose(written[2:])
    if written[0][0] in " +-\\@" and not (lines[0] == "" and _BULLET.match(written[0])):
        return False
    return all(line[0] not in "+-" or _BULLET.match(line) or _RULE.fullmatch(line) for line in written) and not any(
        line.startswith("@@") for line in written
    )


def prose_from(lines: Sequence[str]) -> int | None:
    """Index from which on the lines of a hunk are prose, blank lines before it included; None: they end without."""
    tried = 0
    for at in range(_after_changes(lines), len(lines)):
        line = lines[at]
        after_blank = at > 0 and not lines[at - 1]
        unprefixed = line != "" and line[0] not in " +-\\"
        if unprefixed or (after_blank and _BULLET.match(line)) or _SIGNATURE.fullmatch(line):
            start = at - 1 if after_blank else at
            if is_prose(lines[start:]):
                return start
            tried += 1
            if tried > _TRIES:
                return None
    return None


def _after_changes(lines: Sequence[str]) -> int:
    """Index after the last line that only a diff has."""
    for at in range(len(lines) - 1, -1, -1):
        if lines[at][:1] in ("+", "-", "@") and not any(form.match(lines[at]) for form in (_BULLET, _RULE, _SIGNATURE)):
            return at + 1
    return 0


def is_bullet_list(lines: Sequence[str]) -> bool:
    """Whether every line that is not blank is a bullet."""
    return all(_BULLET.match(line) for line in lines if line.strip())


def is_elision(line: str) -> bool:
    """Whether a line says that lines were left out: `...`, `# ...`, `// ... existing code ...`, `# rest unchanged`."""
    words = _words(line)
    return any(form.fullmatch(words) for form in _ELISIONS)


def _words(line: str) -> str:
    """The line without needless blanks; "" where it is too long to stand for others."""
    line = line.strip()
    return " ".join(line.split()) if len(line) <= _LONGEST_ELISION else ""


def placeholder(path: str, added: Sequence[str], before: Sequence[str], known: Collection[str]) -> str | None:
    """The first of the `added` lines that stands for code the model did not write, or None.

    `before[i]` is the line that comes before `added[i]`; `known` are the file's own lines, stripped, which may look
    like that too.
    """
    suffix = PurePosixPath(path).suffix.lower()
    for line, previous in zip(added, before, strict=True):
        if line.strip() in known or not is_elision(line):
            continue
        if _BARE_DOTS.fullmatch(_words(line)):
            if suffix in _DOTS_ARE_CODE:
                continue
            if suffix in (".py", ".pyi") and previous.rstrip().endswith(_BEFORE_A_BODY):
                continue
        elif suffix in _TEXTS and (_BARE.fullmatch(_words(line)) or _HEADING.match(line)):
            continue
        return line
    return None
