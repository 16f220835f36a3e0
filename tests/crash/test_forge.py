"""A forge that loses what it did, shows it late, or wants to be left alone: one branch, one pull request."""

from __future__ import annotations

from tests.crash import invariants
from tests.crash.trial import Trial
from tests.fakes.git_http import PUSH


def test_one_pull_request_whatever_was_lost_or_shown_late(local_trial: Trial) -> None:
    """Three tasks at once: whoever meets what, no request is made more than four times."""
    github = local_trial.world.github
    for _ in range(3):
        local_trial.add(lines=1, seconds=0)
    local_trial.world.git_server.lose_answer(PUSH)
    github.lose_answer("pulls/create")  # opened, not told
    github.list_late(2)  # not listed before it was opened, nor a moment after it
    github.secondary_rate_limit_next("pulls/create", retry_after=1)
    github.drop_next("pulls/create")

    local_trial.finish(jobs=3)

    invariants.all_completed(local_trial)
    assert len(github.prs) == 3
