"""The last step: push the commit, open the PR, and believe neither before it was seen at the other side."""

from __future__ import annotations

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.forge.base import PullRequest
from pithy_local.forge.body import Report, has_marker, pr_body, subject
from pithy_local.git.mirror import Mirror
from pithy_local.git.push import push
from pithy_local.lifecycle.host import Host
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Phase
from pithy_local.store.tasks import Tasks


def deliver(bench: Workbench, host: Host, mirror: Mirror, *, base: str, sha: str, token: str) -> None:
    """Bring the commit to `task.branch` of the remote and, where there is a forge, show it in one PR.

    Returns only when the remote's branch stands at our commit and the PR's head is it. From here on a cancel comes
    too late. Raises PithyError (push_rejected, branch_conflict, github_auth, github_error, repo_unreachable).
    """
    lease, branch = host.lease, host.lease.task.branch
    lease.record_commit(sha)
    host.enter(Phase.DELIVERING)
    host.say(f"delivering: pushing {sha[:12]} to {branch}")
    lease.intend("push", branch)
    push(mirror, sha, branch, expected=lease.last_pushed(), token=token)
    lease.done("push", branch, sha)
    if mirror.remote.slug is None:
        return  # a plain remote: the branch is all there is
    request = _pull_request(bench, host, mirror.remote.slug, base)
    if request.head_sha != sha:
        raise PithyError(
            ErrorCode.GITHUB_ERROR, f"pull request #{request.number} does not show our commit",
            detail={"pr": request.url, "head": request.head_sha, "ours": sha},
        )  # fmt: skip
    host.say(f"pull request #{request.number}: {request.url}")


def _pull_request(bench: Workbench, host: Host, slug: str, base: str) -> PullRequest:
    """The open PR of our branch: found, else opened."""
    lease, forge = host.lease, bench.forge()
    task = Tasks(bench.store).get(lease.task.id)
    lease.intend("pr", task.branch)
    request = forge.find_pr(slug, task.branch)
    if request is not None:
        ours = "" if has_marker(request.body, task.id) else ", although its text is not ours"
        host.say(f"pull request #{request.number} is open for this branch already: kept{ours}")
    else:
        report = Report(
            task=task.id, prompt=bench.redactor.mask(task.prompt), provider=task.provider, model=task.model,
            usage=task.usage, attempts=task.attempts,
        )  # fmt: skip
        request = forge.open_pr(
            slug, head=task.branch, base=base, title=subject(bench.redactor.mask(task.title)), body=pr_body(report),
            draft=bench.settings.github.draft,
        )  # fmt: skip
    lease.record_pr(request.number, request.url)
    lease.done("pr", task.branch, str(request.number))
    return request
