"""What a repository says for itself: `.pithy.toml` of the pinned base commit (docs/contract.md §1).

    verify = ["pytest -q"]          # more commands that must pass
    protected = ["migrations/**"]   # more paths that a person must look at
    network = "sealed"              # sealed | open: tightens what the user allows, never loosens it

It can add and tighten. What a sandbox or a working directory holds is never read.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from typing import Annotated, NoReturn, get_args

import msgspec
from msgspec import Meta, Struct

from pithy_local.config import Network, Settings
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.text import clip, safe_line

FILE = ".pithy.toml"
MAX_BYTES = 65_536
MAX_SHOWN = 60

Command = Annotated[str, Meta(min_length=1, max_length=2_000, pattern=r"\S")]
Pattern = Annotated[str, Meta(min_length=1, max_length=500)]

STRICTEST_FIRST: tuple[Network, ...] = get_args(Network)
"""The order in which config lists them."""


class RepoSettings(Struct, frozen=True, kw_only=True):
    """The file's content; what it does not say is empty. `verify` are shell commands, `protected` globs as in
    `git.protected`, `network` None where the repository leaves it to the user."""

    verify: Annotated[tuple[Command, ...], Meta(max_length=50)] = ()
    protected: Annotated[tuple[Pattern, ...], Meta(max_length=500)] = ()
    network: Network | None = None


EXPECTED = {
    "verify": "a list of at most 50 commands, each a string of at most 2,000 characters",
    "protected": "a list of at most 500 patterns, each a string of at most 500 characters",
    "network": " or ".join(f'"{name}"' for name in STRICTEST_FIRST),
}
"""Key → what it takes."""


def parse(content: bytes | None) -> RepoSettings:
    """The settings in the file's bytes; None, there is no file, sets nothing.

    Raises PithyError (repo_analysis) whose hint names the key and what to write.
    """
    if content is None:
        return RepoSettings()
    try:
        data = tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # no UTF-8, no TOML, numbers or lists beyond what Python takes
        _refuse(f"is not valid TOML: {error}", "Mend it")
    for key in data:
        if key not in EXPECTED:
            _refuse(f"has the unknown key `{_shown(key)}`", _nearest(key))
    try:
        return msgspec.convert(data, RepoSettings)
    except msgspec.ValidationError as error:
        found = re.search(r"\$\.(\w+)", str(error))
        key = found[1] if found else next(iter(data))
        _refuse(f"sets `{key}` to something else than {EXPECTED[key]}", f"Write `{key}` as {EXPECTED[key]}")


def merge(settings: Settings, repo: RepoSettings) -> Settings:
    """The user's settings with the repository's: commands and patterns added, the stricter network of the two."""
    sandbox, git = settings.sandbox, settings.git
    asked = repo.network or sandbox.network
    return msgspec.structs.replace(
        settings,
        sandbox=msgspec.structs.replace(
            sandbox, verify=_joined(sandbox.verify, repo.verify),
            network=min(sandbox.network, asked, key=STRICTEST_FIRST.index),
        ),
        git=msgspec.structs.replace(git, protected=_joined(git.protected, repo.protected)),
    )  # fmt: skip


def _joined(first: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *more)))


def _nearest(key: str) -> str:
    near = difflib.get_close_matches(key, EXPECTED, n=1)
    return f"Did you mean `{near[0]}`? Mend it" if near else f"The keys are {', '.join(EXPECTED)}. Mend it"


def _refuse(what: str, mend: str) -> NoReturn:
    raise PithyError(
        ErrorCode.REPO_ANALYSIS, f"`{FILE}` {safe_line(what)}",
        hint=f"{mend} on the base branch, then `pithy-local retry ID`.",
    )  # fmt: skip


def _shown(key: str) -> str:
    return clip(safe_line(key), MAX_SHOWN)
