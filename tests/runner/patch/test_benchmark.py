"""The benchmark's own tools: a generated set is scored, and a wrong tool is seen."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from benchmarks.patch import __main__ as benchmark
from benchmarks.patch import corpus, generate
from benchmarks.patch.appliers import ours
from benchmarks.patch.cases import CaseSet, Sandbox

OLD = "".join(f"def f{n}():\n    return {n}\n\n\n" for n in range(20))


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small generated set."""
    trees = tmp_path / "pkg" / "1", tmp_path / "pkg" / "2"
    for folder, text in zip(trees, (OLD, OLD.replace("return 1", "return one")), strict=True):
        folder.mkdir(parents=True)
        (folder / "a.py").write_text(text)
        (folder / "same.py").write_text("x = 1\n")
    rng = Random(1)
    commits = list(corpus.commits(*trees, 3, rng))
    found = [
        case | {"id": str(at)}
        for at, case in enumerate(case for commit in commits for case in generate.cases(commit, rng))
    ]
    out = tmp_path / "data"
    out.mkdir()
    generate._write(out / "commits.jsonl.xz", map(generate._record, commits))
    generate._write(out / "cases.jsonl.xz", found)
    return out


def test_all_tools_are_measured_and_ours_is_never_wrong(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = benchmark.main(["--data", str(data), "--json", "--tool", "this engine", "--tool", "git apply"])

    told = json.loads(capsys.readouterr().out)
    assert code == 0
    assert told["this engine"]["wrong"] == 0
    assert told["this engine"]["applied_%"]["A"] == 100.0
    assert told["this engine"]["refused_%"] == 100.0
    assert told["git apply"]["applied_%"]["B"] < told["this engine"]["applied_%"]["B"]


def test_a_tool_that_does_harm_is_seen(data: Path, tmp_path: Path) -> None:
    cases = CaseSet.load(data)
    (tmp_path / "box").mkdir()

    def harmful(repo: Path, answer: str) -> bool:
        (repo.parent / "stolen").write_text("x")
        return ours(repo, answer)

    score = benchmark.measure(harmful, cases, cases.cases[:5], Sandbox(tmp_path / "box"))

    assert len(score.wrong) == 5
