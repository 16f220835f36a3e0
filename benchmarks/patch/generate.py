"""Make a case set from other packages: `python -m benchmarks.patch.generate --out DIR OLD_TREE NEW_TREE [OLD NEW …]`.

The set has the form that `benchmarks.patch --data` reads: `commits.jsonl.xz` and `cases.jsonl.xz`.
"""

from __future__ import annotations

import argparse
import json
import lzma
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.patch import corpus
from benchmarks.patch.foreign import FOREIGN
from benchmarks.patch.model import Commit, text_of
from benchmarks.patch.mutations import SURE, packed
from benchmarks.patch.spoilers import EITHER, REFUSED
from benchmarks.patch.wraps import WRAPS

Case = dict[str, Any]


def cases(commit: Commit, rng: Random) -> Iterator[Case]:
    """One case for the real diff, each mutation, some pairs of them, each format and each spoiler that can be made."""
    diff = commit.diff
    yield _case(commit, ["truth"], "apply", "A", _wrapped(rng, commit.truth))
    for name in rng.sample(sorted(SURE), 10):
        changed = SURE[name](rng, commit, diff)
        if changed is not None and changed != diff:
            yield _case(commit, [name], "apply", "B", _wrapped(rng, text_of(changed)))
    for first, second in (rng.sample(sorted(SURE), 2) for _ in range(2)):
        once = SURE[first](rng, commit, diff)
        both = SURE[second](rng, commit, once) if once is not None else None
        if both is not None:
            yield _case(commit, [first, second], "either", "E", _wrapped(rng, text_of(both)))
    yield _case(commit, ["packed"], "either", "E", packed(rng, commit.truth))
    for name, form in FOREIGN.items():
        if (text := form(rng, commit, diff)) is not None:
            yield _case(commit, [name], "apply", "F", text)
    for name in rng.sample(sorted(REFUSED), 5):
        if (text := REFUSED[name](rng, commit, diff)) is not None:
            fenced = text if name in ("truncated", "two_drafts") else _wrapped(rng, text, complete=True)
            yield _case(commit, [name], "reject", "R", fenced)
    for name, spoil in EITHER.items():
        if (text := spoil(rng, commit, diff)) is not None:
            yield _case(commit, [name], "either", "E", text)


def _wrapped(rng: Random, text: str, *, complete: bool = False) -> str:
    names = [name for name in WRAPS if not (complete and name == "unclosed")]
    return WRAPS[rng.choice(["raw", "fenced", "fenced", rng.choice(names)])](rng, text)


def _case(commit: Commit, ops: list[str], expect: str, tier: str, answer: str) -> Case:
    return {"commit": commit.id, "ops": ops, "expect": expect, "tier": tier, "wrap": None, "answer": answer}


def _record(commit: Commit) -> dict[str, Any]:
    files = []
    paths = sorted({*commit.before, *commit.after})
    for path in paths:
        before, after = commit.before.get(path), commit.after.get(path)
        modes = ["100644" if text is not None else None for text in (before, after)]
        files.append(
            {
                "path": path,
                "old_path": None,
                "before": before,
                "after": after,
                "mode_before": modes[0],
                "mode_after": modes[1],
            }
        )
    return {"id": commit.id, "files": files, "decoys": [], "truth": commit.truth, "features": []}


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with lzma.open(path, "wt", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row) + "\n")


def main() -> None:
    """Read the trees two by two and write the set."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.patch.generate", description=__doc__)
    parser.add_argument("trees", type=Path, nargs="+", help="old and new version of a source tree, in turn")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--commits", type=int, default=20, help="changes of each pair of trees")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = Random(options.seed)
    pairs = zip(options.trees[::2], options.trees[1::2], strict=True)
    made = [commit for old, new in pairs for commit in corpus.commits(old, new, options.commits, rng)]
    found = [case for commit in made for case in cases(commit, rng)]
    for number, case in enumerate(found):
        case["id"] = f"{case['commit']}-{number:05}"
    options.out.mkdir(parents=True, exist_ok=True)
    _write(options.out / "commits.jsonl.xz", map(_record, made))
    _write(options.out / "cases.jsonl.xz", found)
    print(f"{len(made)} changes, {len(found)} cases in {options.out}")


if __name__ == "__main__":
    main()
