"""`python -m benchmarks.patch --data DIR`: this engine, `git apply`, `git apply --recount` and GNU patch in one run.

For each: how many of the cases that can be applied it applied as intended, how many of those that must be refused it
refused, how often it was wrong (another tree than intended, or harm), and the median time a case, in milliseconds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from benchmarks.patch.appliers import APPLIERS, Applier
from benchmarks.patch.cases import Case, CaseSet, Sandbox


@dataclass
class Score:
    """What a tool made of all cases; `by_tier` counts applied and all of the cases that can be applied."""

    wrong: list[str] = field(default_factory=list)
    refused: int = 0
    to_refuse: int = 0
    by_tier: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    ms: list[float] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """Percentages, None where there is no such case."""
        tiers = {tier: _percent(*counts) for tier, counts in sorted(self.by_tier.items())}
        return {
            "applied_%": tiers, "refused_%": _percent(self.refused, self.to_refuse), "wrong": len(self.wrong),
            "median_ms": round(statistics.median(self.ms), 1) if self.ms else None,
        }  # fmt: skip


def measure(applier: Applier, cases: CaseSet, chosen: list[Case], sandbox: Sandbox) -> Score:
    """Run one tool over the chosen cases."""
    score = Score()
    for case in chosen:
        before, after = cases.trees(case)
        sandbox.reset(before)
        start = time.perf_counter()
        applied = applier(sandbox.repo, case["answer"])
        score.ms.append((time.perf_counter() - start) * 1000)
        verdict = sandbox.judge(case, applied, before, after)
        if verdict == "wrong":
            score.wrong.append(case["id"])
        if case["expect"] == "apply":
            score.by_tier[case["tier"]][0] += verdict == "applied"
            score.by_tier[case["tier"]][1] += 1
        elif case["expect"] == "reject":
            score.refused += verdict == "refused"
            score.to_refuse += 1
    return score


def main(argv: list[str] | None = None) -> int:
    """Print a line for each tool; exit 1 if this engine was wrong anywhere."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.patch", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with commits.jsonl.xz and cases.jsonl.xz")
    parser.add_argument("--sample", type=int, help="only so many cases, chosen by chance")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tool", choices=sorted(APPLIERS), action="append", help="only these tools")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    cases = CaseSet.load(options.data)
    chosen = cases.cases
    if options.sample is not None and options.sample < len(chosen):
        chosen = Random(options.seed).sample(chosen, options.sample)
    chosen = sorted(chosen, key=lambda case: case["commit"])
    scores: dict[str, Score] = {}
    for name in options.tool or APPLIERS:
        with tempfile.TemporaryDirectory(prefix="patch-bench-") as folder:
            scores[name] = measure(APPLIERS[name], cases, chosen, Sandbox(Path(folder)))
    print(_told(scores, len(chosen), as_json=options.json))
    return 1 if "this engine" in scores and scores["this engine"].wrong else 0


def _told(scores: dict[str, Score], count: int, *, as_json: bool) -> str:
    if as_json:
        return json.dumps({"cases": count} | {name: score.as_json() for name, score in scores.items()})
    lines = [f"{count} cases", f"{'tool':22}{'applied as intended, %':32}{'refused, %':>12}{'WRONG':>8}{'ms':>8}"]
    for name, score in scores.items():
        told = score.as_json()
        tiers = ", ".join(f"{tier} {value}" for tier, value in dict(told["applied_%"]).items())  # type: ignore[call-overload]
        lines.append(f"{name:22}{tiers:32}{told['refused_%']!s:>12}{told['wrong']:>8}{told['median_ms']!s:>8}")
        lines += [f"  wrong: {case}" for case in score.wrong[:20] if name == "this engine"]
    return "\n".join(lines)


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 2) if whole else None


if __name__ == "__main__":
    raise SystemExit(main())
