"""Whatever a model writes: the change that was meant, or a refusal that changes nothing."""

from __future__ import annotations

import difflib
import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from benchmarks.patch import fuzz
from benchmarks.patch.cases import snapshot
from benchmarks.patch.corpus import commit_of
from benchmarks.patch.foreign import FOREIGN
from benchmarks.patch.model import Commit, text_of
from benchmarks.patch.mutations import SURE
from benchmarks.patch.spoilers import REFUSED
from benchmarks.patch.wraps import WRAPS
from runner.errors import PatchRefused
from runner.patch import apply_answer
from tests.support import make_repo

SETTINGS = settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
LINE = st.sampled_from(
    [
        "alpha",
        "beta",
        "",
        "  gamma",
        "    delta = 1",
        "\teps",
        "-- x",
        "++ y",
        "@@ z",
        "```",
        "é\u2028",
        "# ...",
        "crlf\r",
    ]
)
TEXT = st.builds(
    lambda lines, bare: "\n".join(lines) + ("" if bare or not lines else "\n"),
    st.lists(LINE, max_size=30),
    st.booleans(),
)
WORDS = [f"word{number} = {number}" for number in range(60)]


def applied_to(before: dict[str, str], answer: str) -> dict[str, bytes]:
    """The tree after an answer, PatchRefused if it is refused (then the tree has been seen to be as before)."""
    with tempfile.TemporaryDirectory() as folder:
        repo = make_repo(Path(folder) / "r", {path: text.encode() for path, text in before.items()})
        start = snapshot(repo)
        try:
            apply_answer(repo, answer)
        except PatchRefused:
            assert snapshot(repo) == start
            raise
        return {path: data for path, (_, data) in snapshot(repo).items()}


def content(files: dict[str, str]) -> dict[str, bytes]:
    """Texts as bytes."""
    return {path: text.encode() for path, text in files.items()}


@SETTINGS
@given(before=TEXT, after=TEXT, fenced=st.booleans())
def test_a_real_diff_gives_gits_own_result(before: str, after: str, fenced: bool) -> None:
    assume(before != after and "# ..." not in after)
    commit = commit_of("x", {"f.txt": before, "other": "x\n"}, {"f.txt": after, "other": "x\n"})
    assert commit is not None

    answer = f"````diff\n{commit.truth}````\n" if fenced else commit.truth

    assert applied_to(dict(commit.before), answer) == content(dict(commit.after))


def a_change(rng: Random) -> Commit:
    """A change of a few lines of a file of distinct and of repeated lines, sometimes with a file made or gone."""
    lines = [rng.choice((rng.choice(WORDS), "", "    return x", f"    {rng.choice(WORDS)}", "}")) for _ in range(60)]
    new = list(lines)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(new))
        new[at : at + rng.randint(0, 2)] = [f"    fresh{rng.randrange(999)}" for _ in range(rng.randint(0, 3))]
    before = {"src/f.py": "\n".join(lines) + "\n", "src/g.py": "a\n", "README.md": "# R\n"}
    after = before | {"src/f.py": "\n".join(new) + "\n"}
    if rng.random() < 0.2:
        after["src/new.py"] = "import os\n\nx = 1\n"
    if rng.random() < 0.2:
        del after["src/g.py"]
    return commit_of("x", before, after) or a_change(rng)


@SETTINGS
@given(seed=st.integers(0, 10**9), names=st.lists(st.sampled_from(sorted(SURE)), min_size=1, max_size=2, unique=True))
def test_a_spoilt_diff_means_the_same_or_is_refused(seed: int, names: list[str]) -> None:
    assume(set(names) != {"extra_blank", "lost_markers"})  # together: right context, wrong added lines, and no trace
    rng = Random(seed)
    commit = a_change(rng)
    changed = commit.diff
    for name in names:
        again = SURE[name](rng, commit, changed)
        assume(again is not None)
        changed = again if again is not None else changed
    answer = WRAPS[rng.choice(sorted(WRAPS))](rng, text_of(changed))

    try:
        result = applied_to(dict(commit.before), answer)
    except PatchRefused:
        return

    assert result == content(dict(commit.after)), answer


@pytest.mark.parametrize("name", sorted(FOREIGN))
@SETTINGS
@given(seed=st.integers(0, 10**9))
def test_another_format_means_the_same_or_is_refused(name: str, seed: int) -> None:
    rng = Random(seed)
    commit = a_change(rng)
    answer = FOREIGN[name](rng, commit, commit.diff)
    assume(answer is not None)

    try:
        result = applied_to(dict(commit.before), str(answer))
    except PatchRefused:
        return

    assert result == content(dict(commit.after)), answer


@SETTINGS
@given(seed=st.integers(0, 10**9), name=st.sampled_from(sorted(REFUSED)))
def test_an_answer_without_a_certain_meaning_is_refused(seed: int, name: str) -> None:
    rng = Random(seed)
    commit = a_change(rng)
    answer = REFUSED[name](rng, commit, commit.diff)
    assume(answer is not None)

    with pytest.raises(PatchRefused):
        applied_to(dict(commit.before), str(answer))


@SETTINGS
@given(seed=st.integers(0, 10**9))
def test_a_reversed_or_repeated_diff_changes_nothing(seed: int) -> None:
    commit = a_change(Random(seed))
    old, new = (text.split("\n") for text in (commit.before["src/f.py"], commit.after["src/f.py"]))
    moved = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    assume(all(kind in ("equal", "replace") for kind, *_ in moved) and old != new)

    with pytest.raises(PatchRefused):
        applied_to(dict(commit.after), commit.truth)


def test_random_answers_do_no_harm(tmp_path: Path) -> None:
    tally = fuzz.run(400, Random(3), tmp_path)

    assert tally.applied > 10
    assert tally.refused > 100
