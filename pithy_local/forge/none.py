"""A plain git remote: branches are pushed, there are no pull requests."""

from __future__ import annotations

from pithy_local.forge.base import PullRequest, RepoInfo


class NoForge:
    """Implements `Forge` for local paths and URLs of other hosts; git says whether they can be reached."""

    def repository(self, slug: str) -> RepoInfo:
        """The remote as it was named (path or URL): it is its own clone URL."""
        return RepoInfo(slug=slug, clone_url=slug, default_branch=None, can_push=True, archived=False, html_url=None)

    def find_pr(self, slug: str, branch: str) -> PullRequest | None:
        return None

    def open_pr(self, slug: str, *, head: str, base: str, title: str, body: str, draft: bool) -> PullRequest | None:
        return None

    def pr(self, slug: str, number: int) -> PullRequest | None:
        return None

    def close(self) -> None:
        """Nothing is open."""
