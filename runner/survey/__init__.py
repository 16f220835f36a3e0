"""What the model gets to see of the repository: a listing, the project's own rules, and the files that matter.

words      the task's own words: paths, quoted names, identifiers
listing    tracked files, without what no model should read; safe reading
tags       what one file defines, uses and imports, by the queries of its language
imports    from an import as it is written to a file
history    files that were changed together
graph      how files hang together
rank       which files the words point at, and which hang together with those
tree       the listing as bounded text
outline    the map: signatures in files that are not shown
excerpt    the telling parts of a file that is too large
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from runner.errors import RepoAnalysisError
from runner.survey import excerpt, listing, outline, rank, tree, words
from runner.survey.tags import Tags
from runner.survey.words import Words

BYTES_PER_TOKEN = 3.5
_GUIDES = ("AGENTS.md", "CLAUDE.md", "CONTRIBUTING.md", "CONTRIBUTING.rst", "CONTRIBUTING", ".github/CONTRIBUTING.md")
_CONVENTIONS = (
    *(".editorconfig", ".prettierrc", ".prettierrc.json", "biome.json", "eslint.config.js", "eslint.config.mjs"),
    *("ruff.toml", ".ruff.toml", ".flake8", "rustfmt.toml", ".clang-format", ".rubocop.yml", ".golangci.yml"),
    *("pyproject.toml", "setup.cfg", "tox.ini", "package.json", "go.mod", "Cargo.toml"),
)
"""How the project formats and lints its code, and what it depends on."""
_GUIDE_SHARE, _CONVENTIONS_SHARE = 0.25, 0.05
_TREE_SHARE, _OUTLINE_SHARE = 0.08, 0.08
_EXCERPT_SHARE = 0.25
"""Of the budget: the size above which a file is a large one, and what its excerpt may take."""
_LEAST_EXCERPT = 3000
"""Bytes below which an excerpt shows too little to change anything."""
_TOO_LARGE_SHOWN = 10
_HINT_EMPTY = (
    "Push a first commit with the files to work on, then `pithy-local retry ID`; "
    "or add the task again with `--base` and a branch that has files."
)
_HINT_NO_TEXT = "Add the task again with `--base` and a branch that has source files, or name another repository."


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One file with its real content: all of it or, if not `whole`, an excerpt with markers for what is left out."""

    path: str
    text: str
    whole: bool = True

    @property
    def size(self) -> int:
        """Bytes it takes in the prompt, its frame included."""
        return len(self.text.encode()) + len(self.path) + 40


@dataclass(frozen=True, kw_only=True)
class Survey:
    """The repository as the prompt shows it."""

    root: Path
    tracked: frozenset[str]
    """Every readable text file that git tracks."""
    tree: str
    outline: str
    """Signatures in files that matter and are not shown; "" when everything is."""
    guides: tuple[SourceFile, ...]
    files: tuple[SourceFile, ...]
    too_large: tuple[str, ...]
    """Files that matter and did not fit, not even as an excerpt, best first."""

    @property
    def tokens(self) -> int:
        """Estimated tokens of the listing, the outline, guides and files together."""
        texts = sum(file.size for file in (*self.guides, *self.files))
        return int((texts + len(self.tree.encode()) + len(self.outline.encode())) / BYTES_PER_TOKEN)

    def unseen(self, paths: tuple[str, ...], tokens: int) -> tuple[SourceFile, ...]:
        """Those of `paths` that are tracked and not shown whole yet, whole, inside a budget of `tokens`."""
        not_seen = self.not_seen
        wanted = [path for path in dict.fromkeys(paths) if path in not_seen]
        return _read(self.root, wanted, int(tokens * BYTES_PER_TOKEN))[0]

    @property
    def not_seen(self) -> frozenset[str]:
        """Files of which parts are shown, or nothing."""
        return self.tracked - {file.path for file in (*self.guides, *self.files) if file.whole}

    def showing(self, files: tuple[SourceFile, ...]) -> Survey:
        """This, with more files shown."""
        return replace(self, files=self.files + files)


def take(root: Path, task: str, tokens: int) -> Survey:
    """Survey the work tree `root` for a task's text inside a budget of `tokens`.

    Raises RepoAnalysisError when there is no text file to work on.
    """
    found = listing.tracked(root)
    if not found.total:
        raise RepoAnalysisError("the base has no files at all: there is nothing to work on", hint=_HINT_EMPTY)
    budget = int(tokens * BYTES_PER_TOKEN)
    names = {file.path for file in found.text}
    guides, _ = _read(root, [path for path in _GUIDES if path in names], int(budget * _GUIDE_SHARE))
    overview = tree.render(found.paths, int(budget * _TREE_SHARE))
    budget -= len(overview.encode()) + sum(guide.size for guide in guides)
    rest = [file for file in found.text if file.path not in {guide.path for guide in guides}]
    everything = sum(file.size for file in rest) <= budget
    task_words = words.of_task(task)
    ranking = rank.best_first(root, rest, task_words, everything=everything)
    signatures = ""
    if everything:
        files, too_large = _read(root, ranking.order, budget)
    else:
        conventions, _ = _read(root, [path for path in _CONVENTIONS if path in names], int(budget * _CONVENTIONS_SHARE))
        budget -= sum(file.size for file in conventions)
        files, too_large, signatures = _chosen(
            root, ranking.without(file.path for file in conventions), task_words, budget
        )
        files += conventions
    if everything and not (guides or files or too_large):
        raise _no_text(found.total)
    return Survey(
        root=root,
        tracked=frozenset(names),
        tree=overview,
        outline=signatures,
        guides=guides,
        files=files,
        too_large=too_large[:_TOO_LARGE_SHOWN],
    )


def _no_text(total: int) -> RepoAnalysisError:
    files = "its one file is" if total == 1 else f"its {total:,} files are"
    return RepoAnalysisError(
        f"the base has no text that a model could work on: {files} binary, empty, generated, vendored, "
        f"not UTF-8 or larger than {listing.LARGEST // 1000} kB",
        hint=_HINT_NO_TEXT,
    )


def _chosen(
    root: Path, ranking: rank.Ranking, task_words: Words, budget: int
) -> tuple[tuple[SourceFile, ...], tuple[str, ...], str]:
    """What is shown in `budget` bytes of files that do not all fit: files, the paths of those left out, and the
    outline of what is not shown whole."""
    files, left_out = _fill(root, ranking, task_words, int(budget * (1 - _OUTLINE_SHARE)))
    rest = ranking.without(file.path for file in files if file.whole)
    return files, left_out, outline.render(rest.order, rest.tags, budget - sum(file.size for file in files))


def _fill(
    root: Path, ranking: rank.Ranking, task_words: Words, budget: int
) -> tuple[tuple[SourceFile, ...], tuple[str, ...]]:
    """As `_read`, but large files become excerpts, so that none of them takes the place of all that come after."""
    taken: list[SourceFile] = []
    left_out: list[str] = []
    largest = int(budget * _EXCERPT_SHARE)
    for position, path in enumerate(ranking.order):
        text = listing.read_text(root, path)
        if text is None:
            continue
        file = SourceFile(path=path, text=text)
        if file.size > min(budget, largest * (2 if position == 0 else 1)):
            file = _excerpt(file, ranking.tags.get(path), task_words, min(budget, largest))
        if file.text:
            taken.append(file)
            budget -= file.size
        else:
            left_out.append(path)
    return tuple(taken), tuple(left_out)


def _excerpt(file: SourceFile, found: Tags | None, task_words: Words, limit: int) -> SourceFile:
    frame = SourceFile(path=file.path, text="", whole=False)
    text = excerpt.of(file.text, found, task_words, limit - frame.size) if limit >= _LEAST_EXCERPT else ""
    return replace(frame, text=text)


def _read(root: Path, paths: list[str], budget: int) -> tuple[tuple[SourceFile, ...], tuple[str, ...]]:
    """The files that fit into `budget` bytes, in order, and the paths of those that did not."""
    taken: list[SourceFile] = []
    left_out: list[str] = []
    for path in paths:
        text = listing.read_text(root, path)
        if text is None:
            continue
        file = SourceFile(path=path, text=text)
        if file.size <= budget:
            taken.append(file)
            budget -= file.size
        else:
            left_out.append(path)
    return tuple(taken), tuple(left_out)
