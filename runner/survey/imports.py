"""From an import as it is written to the files of this repository that it may mean."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

MOST_MEANT = 3
"""An import that fits more files than this says nothing."""
_SEPARATOR = re.compile(r"::|\\|\.(?=\w)|\.\Z")
_FOLDER_FILES = frozenset(("__init__", "index", "mod", "lib", "main"))
"""Files that stand for the folder they are in."""


class Resolver:
    """The files of a repository by the ends of their paths."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._by_last: dict[str, list[tuple[str, int]]] = {}
        for index, path in enumerate(paths):
            stem = posixpath.splitext(path)[0]
            folder, _, name = stem.rpartition("/")
            if name in _FOLDER_FILES and folder:
                stem = folder
            self._by_last.setdefault(stem.rpartition("/")[2], []).append((stem, index))

    def meant(self, importer: str, written: str) -> tuple[int, ...]:
        """Indexes of the files that `written`, in the file `importer`, may mean; () when that is unclear."""
        module = _as_path(importer, written)
        found = self._ending_in(module)
        if not found and "/" in module:  # the last word may be a class or a function
            found = self._ending_in(module.rpartition("/")[0])
        return found

    def _ending_in(self, module: str) -> tuple[int, ...]:
        if not module:
            return ()
        candidates = self._by_last.get(module.rpartition("/")[2], ())
        exact = tuple(index for stem, index in candidates if stem == module)
        if exact or "/" not in module:
            return exact[:MOST_MEANT]
        found = tuple(index for stem, index in candidates if stem.endswith(f"/{module}"))
        return found if len(found) <= MOST_MEANT else ()


def _as_path(importer: str, written: str) -> str:
    """`written` as a path without its ending; what is relative becomes a path from the root."""
    folder = posixpath.dirname(importer)
    if written.startswith(("./", "../")) or written in (".", ".."):
        return _stem(posixpath.normpath(posixpath.join(folder, written)))
    if written.startswith("."):  # Python's dots: one is this folder, each more is one folder up
        name = written.lstrip(".")
        for _ in range(min(len(written) - len(name) - 1, 50)):
            folder = posixpath.dirname(folder)
        return posixpath.join(folder, name.replace(".", "/"))
    if "/" in written:
        return _stem(posixpath.normpath(written))
    return re.sub(r"^(?:crate|self|super)/", "", _SEPARATOR.sub("/", written)).strip("/")


def _stem(path: str) -> str:
    """Without a source file's ending: `./a.js` means a.js, and `./a.test` means a.test.js."""
    return re.sub(r"\.(?:[cm]?[jt]sx?|json|h|hh|hpp|hxx|rb|php|py|sh|css)\Z", "", path)
