"""What other engines than Docker want to be told, and say, otherwise: told by their answers, not by their name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docker.errors import APIError

from pithy_local.errors import PithyError

PROFILE = Path(__file__).parent / "seccomp.json"
"""The system call filter; its origin and differences are in seccomp.NOTICE.md."""
NO_INIT = ("catatonit", "docker-init", "init binary")
"""Podman without catatonit, or an engine without docker-init, which the sandbox can do without."""
NO_PROFILE = "opening seccomp profile failed"
"""Podman: it takes the filter's text for the name of a file on its own machine."""
NAME_TAKEN = "name is already in use"
"""Podman, with 500 where Docker says 409."""
LONG_NAME = "docker.io/library/"
"""Before an image's short name, where Podman lists it."""


def security() -> list[str]:
    """The security options of a sandbox, the filter as text: what Docker takes, wherever it runs."""
    return _security(PROFILE.read_text("utf-8"))


def reworded(wanted: Mapping[str, Any], error: PithyError) -> dict[str, Any] | None:
    """The options of a container once more, as the engine takes them that refused them with `error`.

    None: it refused for another reason. Nothing that protects is ever left out. Raises PithyError (internal) where
    the filter cannot be given to the engine.
    """
    said = str(error.detail.get("message", "")).lower()
    if wanted["init"] and any(word in said for word in NO_INIT):
        return {**wanted, "init": False}
    if NO_PROFILE not in said:
        return None
    by_name = _security(str(PROFILE))
    if wanted["security_opt"] == by_name:
        hint = f"Podman reads the filter from a file of its own machine: copy {PROFILE} to that very path there."
        raise PithyError(error.code, "this engine cannot read the sandbox's system call filter", hint=hint) from error
    return {**wanted, "security_opt": by_name}


def is_name_taken(error: APIError) -> bool:
    """Whether a container was refused since there is one of that name."""
    return error.status_code == 409 or NAME_TAKEN in str(error)


def _security(filter_: str) -> list[str]:
    return ["no-new-privileges:true", f"seccomp={filter_}"]
