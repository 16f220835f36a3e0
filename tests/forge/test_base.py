"""Which names can be repositories of the forge."""

from __future__ import annotations

import pytest

from pithy_local.errors import UsageError
from pithy_local.forge.base import checked_slug


@pytest.mark.parametrize("slug", ["", "octocat", "a/b/c", "../user", "a/b?x=1", "a/b#", "a/b\n", "a /b"])
def test_what_is_no_slug_never_reaches_a_url(slug: str) -> None:
    with pytest.raises(UsageError):
        checked_slug(slug)
