"""Which files matter: those the task names, those its words point at, and those that hang together with them."""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from runner.survey import graph, history, tags
from runner.survey.imports import Resolver
from runner.survey.listing import TrackedFile, read_bytes
from runner.survey.tags import Tags
from runner.survey.words import Words

MOST_BYTES = 40_000_000
"""Text searched at most; one core folds and searches about 100 MB a second."""
MOST_PARSED, MOST_PARSED_BYTES = 150, 1_500_000
"""Files and bytes looked into at most; one core parses about 6 MB a second."""
_SECONDS = 5.0
"""Processor seconds after which no more files are looked into: only text made to be slow takes so long."""
_NAMED, _UNDER_NAMED, _MANIFEST = 1e6, 30.0, 0.01
_NAME_WORTH, _PATH_WORTH = 3.0, 0.5
"""What a term is worth as a word of the file's own name, and anywhere in its path, against one find in its text."""
_DEFINED, _KIN = 2.0, 0.5
"""What it is worth to define a name the task says, against one find of it; and the most that kinship adds, against the
best score."""
_PROSE = re.compile(r"\.(?:md|rst|txt|adoc|html?|json|ya?ml|xml|csv|tmpl|po|pot|d\.ts)$")
_PROSE_WORTH = 0.6
"""What a document or data is worth against code that says the same words."""
_FAINT = 0.08
"""Share of the best score below which a file is noise that costs tokens."""
_BESIDE = 0.7
"""What a test is worth beside the file it tests, and the other way round."""
_MANIFESTS = re.compile(
    r"(?:pyproject\.toml|setup\.cfg|requirements\.txt|package\.json|tsconfig\.json|Cargo\.toml|go\.mod|Gemfile"
    r"|pom\.xml|build\.gradle|composer\.json|Makefile|README(?:\.\w+)?)",
)
_NAME_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_TEST_STEM = re.compile(r"^(?:test_|spec_)|(?:[_.-](?:test|spec|tests)|Tests?|Spec)$")
_TEST_FOLDERS = frozenset(("test", "tests", "spec", "__tests__"))


@dataclass(frozen=True, kw_only=True)
class _Finds:
    """How often each term occurs, by file index."""

    in_path: list[Counter[str]]
    in_text: list[Counter[str]]


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """`order`: paths, best first. `tags`: of the files among them that were looked into."""

    order: list[str]
    tags: dict[str, Tags]

    def without(self, paths: Iterable[str]) -> Ranking:
        """This, but for `paths`."""
        left_out = set(paths)
        return replace(self, order=[path for path in self.order if path not in left_out])


def best_first(root: Path, files: list[TrackedFile], words: Words, *, everything: bool) -> Ranking:
    """Rank `files` by how much they matter; with `everything` also those that nothing points at, last."""
    finds = _search(root, files, words)
    rarity = _rarity(finds.in_text, words.terms)
    scores = _scores(files, finds, words, rarity)
    named = {index: bonus for index, file in enumerate(files) if (bonus := _named(file.path, words.paths))}
    looked_into = _look_into(root, files, scores, named)
    for index, found in looked_into.items():
        scores[index] += _defining(found, words, rarity)
    _add_kin(root, files, scores, named, looked_into)
    faint = max(scores, default=0.0) * _FAINT
    for index, file in enumerate(files):
        scores[index] = scores[index] if scores[index] >= faint else 0.0
        scores[index] += named.get(index, 0.0) + (_MANIFEST if _MANIFESTS.fullmatch(file.path) else 0.0)
    _share_with_tests(files, scores)
    order = sorted(range(len(files)), key=lambda i: (-scores[i], files[i].path.count("/"), files[i].path))
    return Ranking(
        order=[files[index].path for index in order if everything or scores[index] > 0],
        tags={files[index].path: found for index, found in looked_into.items()},
    )


def _look_into(root: Path, files: list[TrackedFile], scores: list[float], named: dict[int, float]) -> dict[int, Tags]:
    """The tags of the best files so far, by index."""
    found: dict[int, Tags] = {}
    left = MOST_PARSED_BYTES
    until = time.process_time() + _SECONDS
    best_first = sorted(range(len(files)), key=lambda i: (-named.get(i, 0.0), -scores[i]))
    for index in best_first[:MOST_PARSED]:
        left -= files[index].size
        if left < 0 or time.process_time() > until or not (scores[index] or index in named):
            break
        found[index] = tags.of(files[index].path, read_bytes(root, files[index].path))
    return found


def _defining(found: Tags, words: Words, rarity: dict[str, float]) -> float:
    """What it is worth that the task says the name of something a file defines, or most of the name's words."""
    best = 0.0
    for definition in found.definitions:
        folded = definition.name.lower()
        if folded in words.terms:
            best = max(best, words.terms[folded] * rarity.get(folded, 0.0) * _DEFINED)
            continue
        parts = [part.lower() for part in _NAME_WORDS.findall(definition.name)]
        said = {term for part in parts for term in words.terms if part.startswith(term)}
        if len(said) > 1:
            worth = sum(words.terms[term] * rarity.get(term, 0.0) for term in said)
            best = max(best, worth * len(said) / len(parts))
    return best


def _add_kin(
    root: Path, files: list[TrackedFile], scores: list[float], named: dict[int, float], looked_into: dict[int, Tags]
) -> None:
    """Add what reaches each file from the best and the named ones along imports, uses and common commits."""
    paths = [file.path for file in files]
    indexes = {path: index for index, path in enumerate(paths)}
    together = [[indexes[path] for path in commit if path in indexes] for commit in history.changed_together(root)]
    edges = graph.links(looked_into, paths, Resolver(paths), together)
    best = max(scores, default=0.0) or 1.0
    seeds = {index: (scores[index] / best) ** 2 + (index in named) for index in looked_into}
    reached = graph.spread(edges, seeds)
    most = max(reached.values(), default=0.0)
    for index, share in reached.items():
        scores[index] += _KIN * best * share / most


def _search(root: Path, files: list[TrackedFile], words: Words) -> _Finds:
    """Look for each term in each path and, until MOST_BYTES are read, in each text; files with a path hit first."""
    in_path = [Counter(term for term in words.terms if term in file.path.lower()) for file in files]
    in_text: list[Counter[str]] = [Counter() for _ in files]
    encoded = [(term, term.encode()) for term in words.terms]
    left = MOST_BYTES if encoded else 0
    for index in sorted(range(len(files)), key=lambda i: not in_path[i]):
        left -= files[index].size
        if left < 0:
            break
        folded = read_bytes(root, files[index].path).lower()
        for term, raw in encoded:
            if raw in folded:
                in_text[index][term] = folded.count(raw)
    return _Finds(in_path=in_path, in_text=in_text)


def _scores(files: list[TrackedFile], finds: _Finds, words: Words, text_rarity: dict[str, float]) -> list[float]:
    path_rarity = _rarity(finds.in_path, words.terms)
    scores = []
    for file, path, text in zip(files, finds.in_path, finds.in_text, strict=True):
        name = [word.lower() for word in _NAME_WORDS.findall(PurePosixPath(file.path).stem)]
        said = [word for word in name if any(word.startswith(term) for term in path)]
        by_path = sum(
            words.terms[term] * path_rarity[term] * (_PATH_WORTH + _NAME_WORTH * _share(term, said, name))
            for term in path
        )
        by_text = sum(words.terms[term] * text_rarity[term] * (1 + math.log(n)) for term, n in text.items())
        score = by_path + by_text / (1 + math.log1p(file.size / 4000))
        scores.append(score * _PROSE_WORTH if _PROSE.search(file.path) else score)
    return scores


def _share(term: str, said: list[str], name: list[str]) -> float:
    """How much of a file's name the task says, if `term` is part of that: `_input` beats `_masked_input`."""
    return len(said) / len(name) if any(word.startswith(term) for word in said) else 0.0


def _rarity(finds: list[Counter[str]], terms: Iterable[str]) -> dict[str, float]:
    """BM25's inverse document frequency: a word that is everywhere says little."""
    spread = Counter(term for found in finds for term in found)
    return {term: math.log1p((len(finds) - spread[term] + 0.5) / (spread[term] + 0.5)) for term in terms}


def _named(path: str, named: tuple[str, ...]) -> float:
    """The bonus of a file that the task names, by its whole path, the end of it, or a folder above it."""
    for position, name in enumerate(named):
        if path == name or path.endswith(f"/{name}"):
            return _NAMED / (1 + position)
        if "/" in name and path.startswith(f"{name}/"):
            return _UNDER_NAMED
    return 0.0


def _share_with_tests(files: list[TrackedFile], scores: list[float]) -> None:
    """Let each source lift the tests that carry its name, and each test its source."""
    sources: dict[str, list[int]] = {}
    tests: dict[str, list[int]] = {}
    for index, file in enumerate(files):
        path = PurePosixPath(file.path)
        stem = _TEST_STEM.sub("", path.stem)
        is_test = stem != path.stem or bool(_TEST_FOLDERS.intersection(path.parts[:-1]))
        (tests if is_test else sources).setdefault(stem.lower(), []).append(index)
    for stem in sources.keys() & tests.keys():
        best_source = max(scores[index] for index in sources[stem])
        best_test = max(scores[index] for index in tests[stem])
        for indexes, other in ((sources[stem], best_test), (tests[stem], best_source)):
            for index in indexes if len(indexes) <= 3 else ():  # `__init__`, `utils`, … say nothing
                scores[index] = max(scores[index], other * _BESIDE)
