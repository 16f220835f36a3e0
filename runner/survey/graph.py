"""How files hang together, and how much of some files' weight reaches each of the others."""

from __future__ import annotations

import math
import posixpath
from collections.abc import Callable, Mapping, Sequence

from runner.survey.imports import Resolver
from runner.survey.tags import Tags

_IMPORT, _REFERENCE, _TOGETHER, _BESIDE = 1.0, 0.5, 1.0, 0.3
_MOST_BESIDE = 12
"""Files in a folder of neighbours; in a larger one they have little to do with each other."""
_BACK = 0.3
"""What a link is worth against its direction: who uses a thing matters less than what it uses."""
_MOST_DEFINED = 3
"""A name defined in more files than this points nowhere."""
_SHORTEST = 4
_FAMILIES = tuple(
    frozenset(f".{suffix}" for suffix in family.split())
    for family in ("js jsx mjs cjs ts tsx mts cts vue svelte", "c h cc cpp cxx hh hpp hxx", "java kt scala groovy")
)
"""Endings of languages that call each other by name."""
_DAMPING, _ROUNDS = 0.6, 12

Edges = dict[int, dict[int, float]]


def links(
    tags: Mapping[int, Tags], paths: Sequence[str], resolver: Resolver, together: Sequence[Sequence[int]]
) -> Edges:
    """Weighted links between files by index: imports, uses of a name that another file defines, being neighbours in a
    small folder, common commits."""
    edges: Edges = {}

    def link(source: int, target: int, weight: float) -> None:
        if source != target:
            for one, other, worth in ((source, target, weight), (target, source, weight * _BACK)):
                targets = edges.setdefault(one, {})
                targets[other] = targets.get(other, 0.0) + worth

    for index, found in tags.items():
        targets = {target for written in found.imports for target in resolver.meant(paths[index], written)}
        for target in targets:
            link(index, target, _IMPORT)
    _link_uses(tags, paths, link)
    for folder in _folders(paths):
        for index in tags.keys() & set(folder):
            for beside in folder:
                link(index, beside, _BESIDE / len(folder))
    for commit in together:
        for source in commit:
            for target in commit:
                link(source, target, _TOGETHER / len(commit))
    return edges


def spread(edges: Edges, seeds: Mapping[int, float]) -> dict[int, float]:
    """Personalised PageRank: where a walk along the links is found that returns to the seeds again and again.

    `seeds` need not add up to 1; the result does, but for what dead ends lose.
    """
    total = sum(seeds.values())
    if total <= 0:
        return {}
    home = {index: weight / total for index, weight in seeds.items()}
    outgoing = {index: sum(targets.values()) for index, targets in edges.items()}
    rank = dict(home)
    for _ in range(_ROUNDS):
        following = {index: weight * (1 - _DAMPING) for index, weight in home.items()}
        for index, weight in rank.items():
            for target, strength in edges.get(index, {}).items():
                share = _DAMPING * weight * strength / outgoing[index]
                following[target] = following.get(target, 0.0) + share
        rank = following
    return rank


def _folders(paths: Sequence[str]) -> list[list[int]]:
    """The files of each small folder."""
    folders: dict[str, list[int]] = {}
    for index, path in enumerate(paths):
        folders.setdefault(posixpath.dirname(path), []).append(index)
    return [folder for folder in folders.values() if 1 < len(folder) <= _MOST_BESIDE]


def _link_uses(tags: Mapping[int, Tags], paths: Sequence[str], link: Callable[[int, int, float], None]) -> None:
    defined: dict[str, set[int]] = {}
    for index, found in tags.items():
        for definition in found.definitions:
            if len(definition.name) >= _SHORTEST:
                defined.setdefault(definition.name, set()).add(index)
    endings = {index: posixpath.splitext(paths[index])[1] for index in tags}
    for index, found in tags.items():
        for name in found.references & defined.keys():
            targets = defined[name]
            if index in targets or len(targets) > _MOST_DEFINED:
                continue
            for target in targets:
                if _kin(endings[index], endings[target]):
                    link(index, target, _REFERENCE / math.sqrt(len(targets)))


def _kin(one: str, other: str) -> bool:
    """Whether a name in files with these endings may be the same name."""
    return one == other or any(one in family and other in family for family in _FAMILIES)
