"""Branch names against git's own judgement."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pithy_local.git.refs import is_branch_name, task_ref
from tests.support import run_git

NAMES = st.text(st.sampled_from("ab/.-@{~^:?*[\\ \x7f\nlock"), max_size=8) | st.text(max_size=6)


@given(NAMES)
@settings(max_examples=150, deadline=None, database=None)
def test_a_name_that_passes_is_one_for_git(name: str) -> None:
    if is_branch_name(name):
        assert run_git("check-ref-format", "--branch", name).returncode == 0


@pytest.mark.parametrize("name", ["main", "feature/x-1", "pj/0abc0def01", "ü", "a.b", "release-1.0", "x@y"])
def test_ordinary_names_pass(name: str) -> None:
    assert is_branch_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "-x", "--upload-pack=x", "a..b", "a b", "a\nb", "/a", "a/", "a//b", ".a", "a/.b", "a.lock", "a.lock/b", "@",
     "HEAD", "a@{1}", "a~1", "a^", "a:b", "a*", "a\\b", "a.", "x" * 241, "\udcff"],
)  # fmt: skip
def test_other_names_do_not(name: str) -> None:
    assert not is_branch_name(name)


@pytest.mark.parametrize("task", ["", "../x", "a/b", "-x", "a b", "a\n"])
def test_a_task_id_is_no_way_out_of_our_refs(task: str) -> None:
    with pytest.raises(ValueError, match="not a task id"):
        task_ref(task)
