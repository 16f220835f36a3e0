"""A file's text as lines, searchable at every level.

Lines end at `\\n` alone; a carriage return is content. Bytes that are not UTF-8 survive as surrogates.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from runner.patch import indent
from runner.patch.levels import KEYS, Level, keys_of


class Source:
    """The lines of one file. `bare`: the last line has no newline."""

    def __init__(self, lines: Sequence[str], bare: bool) -> None:
        self.lines = tuple(lines)
        self.bare = bare
        self._keys: dict[Level, list[str]] = {}
        self._codes: dict[Level, tuple[str, dict[str, str]]] = {}

    @classmethod
    def of(cls, text: str) -> Source:
        """The source that `text` is."""
        if not text:
            return cls((), False)
        lines = text.split("\n")
        if bare := lines[-1] != "":
            return cls(lines, bare)
        return cls(lines[:-1], bare)

    @property
    def text(self) -> str:
        """The file's text again."""
        if not self.lines:
            return ""
        return "\n".join(self.lines) + ("" if self.bare else "\n")

    @cached_property
    def carriage_returns(self) -> bool:
        """Whether most lines end in a carriage return."""
        return 2 * sum(line.endswith("\r") for line in self.lines) > len(self.lines)

    @cached_property
    def has_tabs(self) -> bool:
        """Whether lines are indented by tabs."""
        return indent.has_tabs(self.lines)

    @cached_property
    def has_blanks(self) -> bool:
        """Whether lines are indented by blanks."""
        return indent.has_blanks(self.lines)

    @cached_property
    def has_inner_tabs(self) -> bool:
        """Whether tabs stand within lines."""
        return indent.has_inner_tab(self.lines)

    def has(self, line: str, level: Level) -> bool:
        """Whether some line is `line`."""
        return KEYS[level](line) in self._code(level)[1]

    def keys(self, level: Level) -> list[str]:
        """Every line as it is compared at `level`."""
        if level not in self._keys:
            self._keys[level] = keys_of(self.lines, level)
        return self._keys[level]

    def find(self, lines: Sequence[str], level: Level, limit: int) -> list[int]:
        """Where `lines` stand in the file one after the other: at most `limit` indexes, in order.

        Each distinct line is one character, so that the search is a string's: linear, however repetitive the file.
        """
        code, alphabet = self._code(level)
        key = KEYS[level]
        try:
            pattern = "".join(alphabet[key(line)] for line in lines)
        except KeyError:
            return []
        found: list[int] = []
        at = code.find(pattern)
        while at >= 0 and len(found) < limit:
            found.append(at)
            at = code.find(pattern, at + 1)
        return found

    def fits(self, lines: Sequence[str], level: Level, at: int) -> bool:
        """Whether `lines` stand at index `at`."""
        if at < 0 or at + len(lines) > len(self.lines):
            return False
        keys, key = self.keys(level), KEYS[level]
        return all(keys[at + offset] == key(line) for offset, line in enumerate(lines))

    def _code(self, level: Level) -> tuple[str, dict[str, str]]:
        if level not in self._codes:
            alphabet: dict[str, str] = {}
            keys = self.keys(level)
            for line in keys:
                if line not in alphabet:
                    alphabet[line] = chr(len(alphabet))
            self._codes[level] = "".join(map(alphabet.__getitem__, keys)), alphabet
        return self._codes[level]
