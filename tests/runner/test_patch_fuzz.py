"""Whatever a model writes: a change that git itself would make, or a refusal that changes nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.errors import PatchRefused
from runner.patch import apply_answer
from tests.runner.support import DIFF, FILES, fenced
from tests.support import commit_files, git, make_repo

SETTINGS = settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
LINES = st.lists(
    st.sampled_from(["alpha", "beta", "", "  gamma", "-- x", "++ y", "@@ z", "```", "é\u2028"]), max_size=30
)
SCRAPS = st.lists(
    st.one_of(
        st.sampled_from(DIFF.splitlines()),
        st.sampled_from(
            ["```", "```diff", "--- a/../x", "+++ /dev/null", "rename to .git/x", "@@ -1 +1 @@", "+x", "GIT"]
        ),
        st.text(max_size=8),
    ),
    max_size=25,
)


def content(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


@SETTINGS
@given(before=LINES, after=LINES)
def test_a_real_diff_gives_gits_own_result(before: list[str], after: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        repo = make_repo(Path(folder) / "r", {"f.txt": content(before), "other": "x\n"})
        commit_files(repo, {"f.txt": content(after)})
        diff = git("diff", "HEAD~1", "HEAD", cwd=repo)
        git("reset", "-q", "--hard", "HEAD~1", cwd=repo)
        if not diff:
            return

        apply_answer(repo, f"````diff\n{diff}\n````\n")

        assert (repo / "f.txt").read_text() == content(after)


@SETTINGS
@given(scraps=SCRAPS)
def test_scraps_of_a_diff_are_applied_inside_the_tree_or_refused_untouched(scraps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        repo = make_repo(Path(folder) / "r", FILES)
        inside = sorted(path.name for path in (repo / ".git").iterdir())
        try:
            apply_answer(repo, fenced("\n".join(scraps) + "\n"))
        except PatchRefused:
            assert git("status", "--porcelain", cwd=repo) == ""

        assert sorted(path.name for path in (repo / ".git").iterdir()) == inside
        assert [path.name for path in Path(folder).iterdir()] == ["r"]
