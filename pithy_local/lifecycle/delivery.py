"""The last step: push the commit, open the PR, and believe neither before it was seen at the other side."""

from __future__ import annotations

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.forge.base import PullRequest
from pithy_local.forge.body import PullRequestText, has_marker, pr_body, pr_title
from pithy_local.git.commit import Commit
from pithy_local.git.mirror import Mirror
from pithy_local.git.push import push, remote_head
from pithy_local.git.remote import Remote
from pithy_local.lifecycle.host import Host
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Phase
from pithy_local.store.tasks import Tasks


def deliver(
    bench: Workbench, host: Host, remote: Remote, mirror: Mirror, token: str, base: str, commit: Commit
) -> None:
    """Bring the commit to `task.branch` of the remote and, where there is a forge, show it in one PR.

    Returns only when the remote's branch stands at our commit and the PR's head is it.
    Raises PithyError (push_rejected, branch_conflict, github_auth, github_error, repo_unreachable).
    """
    lease, branch = host.lease, host.lease.task.branch
    lease.record_commit(commit.sha)
    host.enter(Phase.DELIVERING)
    host.say(f"delivering: pushing {commit.sha[:12]} to {branch}")
    lease.intend("push", branch)
    push(mirror, remote, sha=commit.sha, branch=branch, expected=lease.last_pushed(), token=token)
    standing = remote_head(remote, branch, token)
    if standing != commit.sha:
        raise PithyError(ErrorCode.PUSH_REJECTED, f"after the push {branch} stands at {standing}, not at our commit")
    lease.done("push", branch, commit.sha)
    if remote.slug is not None:
        request = _open_pull_request(bench, host, remote.slug, base)
        if request.head_sha != commit.sha:
            raise PithyError(
                ErrorCode.GITHUB_ERROR, f"pull request #{request.number} does not show our commit",
                detail={"pr": request.url, "head": request.head_sha, "ours": commit.sha},
            )  # fmt: skip
        host.say(f"pull request #{request.number}: {request.url}")


def _open_pull_request(bench: Workbench, host: Host, slug: str, base: str) -> PullRequest:
    """Find the open PR of our branch, else open it."""
    lease, forge = host.lease, bench.forge()
    task = Tasks(bench.store).get(lease.task.id)
    lease.intend("pr", task.branch)
    request = forge.find_pr(slug, task.branch)
    if request is not None:
        ours = "" if has_marker(request.body, task.id) else " (its text was not written by us)"
        host.say(f"pull request #{request.number} is open for this branch already: kept{ours}")
    else:
        text = PullRequestText(
            task_id=task.id, prompt=task.prompt, provider=task.provider, model=task.model, usage=task.usage,
            attempts=task.attempts, executor=task.executor,
        )  # fmt: skip
        request = forge.open_pr(
            slug, head=task.branch, base=base, title=pr_title(task.title),
            body=bench.redactor.mask(pr_body(text)), draft=bench.settings.github.draft,
        )  # fmt: skip
    lease.record_pr(request.number, request.url)
    lease.done("pr", task.branch, str(request.number))
    return request
