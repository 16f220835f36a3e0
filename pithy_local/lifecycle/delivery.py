"""The last step: push the commit, open the PR, and believe neither before it was seen at the other side."""

from __future__ import annotations

from pithy_local import crash
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.forge.base import PullRequest
from pithy_local.forge.body import Report, has_marker, pr_body, subject
from pithy_local.git import coderabbit
from pithy_local.git.push import push
from pithy_local.lifecycle.host import Host
from pithy_local.lifecycle.source import Source
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Phase
from pithy_local.retry import retried
from pithy_local.store.tasks import Tasks


class Delivery:
    """Brings one attempt's commit to `task.branch` of the remote and, where there is a forge, shows it in one PR."""

    def __init__(self, bench: Workbench, host: Host, source: Source) -> None:
        self._bench, self._host, self._source = bench, host, source
        self._lease, self._branch = host.lease, host.lease.task.branch
        self._added: tuple[str, ...] = ()

    def deliver(self, sha: str) -> str:
        """Returns the commit that the branch shows, once the remote and the PR, where there is one, show it.

        From here on a cancel comes too late. Raises PithyError (push_rejected, branch_conflict, github_auth,
        github_rate_limit, github_error, repo_unreachable).
        """
        host, lease, mirror = self._host, self._lease, self._source.mirror
        sha = self._with_reviews(sha)
        lease.record_commit(sha)
        if host.phase is not Phase.DELIVERING:
            host.enter(Phase.DELIVERING)
        crash.point("delivering.entered")
        slug = mirror.remote.slug
        if slug is not None and self._is_closed(slug):
            return sha
        host.say(f"delivering: pushing {sha[:12]} to {self._branch}")
        lease.intend("push", self._branch)
        crash.point("push.intended")
        push(mirror, sha, self._branch, expected=lease.commits(), token=self._source.token, wait=host.wait)
        crash.point("pushed")
        lease.done("push", self._branch, sha)
        crash.point("push.recorded")
        if slug is not None:  # of a plain remote the branch is all there is
            self._show(slug, sha)
        return sha

    def _is_closed(self, slug: str) -> bool:
        """Whether this attempt's pull request was opened by an earlier owner and merged or closed since: whoever did
        that has seen it, and wants neither the branch nor another one."""
        opened = Tasks(self._bench.store).attempts(self._lease.task.id)[-1].pr_number
        if opened is None or self._bench.forge().find_pr(slug, self._branch, wait=self._host.wait) is not None:
            return False
        self._host.say(f"pull request #{opened} was opened before and is not open any more: nothing is pushed again")
        return True

    def _with_reviews(self, sha: str) -> str:
        """The commit, with CodeRabbit turned on by one more where the repository has no configuration of it."""
        source = self._source
        if source.mirror.remote.slug is None or not source.settings.github.coderabbit:
            return sha
        if coderabbit.was_turned_on(source.mirror, source.base_sha, sha):
            self._added = (coderabbit.PATH,)
            return sha
        added = coderabbit.turn_on_reviews(
            source.mirror, self._lease.task.id, sha, base=source.base, author=source.settings.git.author
        )
        if added is None:
            return sha
        self._added = (coderabbit.PATH,)
        self._host.say(f"added {coderabbit.PATH}: CodeRabbit reviews pull requests against {source.base}")
        return added

    def _show(self, slug: str, sha: str) -> None:
        request = self._pull_request(slug)
        if request.head_sha != sha:  # for a moment after a push GitHub may show the head of before
            request = retried(lambda: self._seen(slug, sha), lambda failure, planned: planned, wait=self._host.wait)
        self._host.say(f"pull request #{request.number}: {request.url}")

    def _seen(self, slug: str, sha: str) -> PullRequest:
        """The pull request once it shows our commit. Raises PithyError (github_error) while it does not."""
        request = self._bench.forge().find_pr(slug, self._branch, wait=self._host.wait)
        if request is None or request.head_sha != sha:
            raise PithyError(
                ErrorCode.GITHUB_ERROR, f"the pull request of {self._branch} does not show our commit",
                detail={"pr": request and request.url, "head": request and request.head_sha, "ours": sha},
            )  # fmt: skip
        return request

    def _pull_request(self, slug: str) -> PullRequest:
        """The open PR of our branch: found, else opened."""
        bench, host, lease, forge = self._bench, self._host, self._lease, self._bench.forge()
        task = Tasks(bench.store).get(lease.task.id)
        lease.intend("pr", task.branch)
        crash.point("pr.intended")
        request = forge.find_pr(slug, task.branch, wait=host.wait)
        if request is not None:
            ours = "" if has_marker(request.body, task.id) else ", although its text is not ours"
            host.say(f"pull request #{request.number} is open for this branch already: kept{ours}")
        else:
            report = Report(
                task=task.id, prompt=bench.redactor.mask(task.prompt), provider=task.provider, model=task.model,
                usage=task.usage, attempts=task.attempts, verify=task.verify, added=self._added,
                mended=task.patch.mended if task.patch else 0,
            )  # fmt: skip
            request = forge.open_pr(
                slug, head=task.branch, base=self._source.base, title=subject(bench.redactor.mask(task.title)),
                body=pr_body(report), draft=bench.settings.github.draft, wait=host.wait,
            )  # fmt: skip
            crash.point("pr.opened")
        lease.record_pr(request.number, request.url)
        lease.done("pr", task.branch, str(request.number))
        crash.point("pr.recorded")
        return request
