"""What a worker looks at before it begins: whether its home is a copy, whether locks hold there, what it may open."""

from __future__ import annotations

import resource
from pathlib import Path

from pithy_local.paths import network_file_system, remove_tree
from pithy_local.store import Store
from pithy_local.store.binding import bind

DESCRIPTORS = 4_096
NETWORK_HINT = "Set PITHY_HOME to a folder on a local disk: SQLite's locks do not hold over a network."


def allow_descriptors() -> None:
    """Let this process open as many files as it may, up to what a busy worker needs: some systems begin with 256."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def settle_in(store: Store) -> list[str]:
    """Bind the queue to its directory; what the user should know, a line each. Raises PithyError (store)."""
    home, words = store.home, []
    allow_descriptors()
    original = bind(store)
    if original is not None:
        for copied in home.scratch.iterdir():  # of attempts that run, if they do, in the original
            remove_tree(copied)
        words.append(
            f"{home.root} is a copy of {original}: its sandboxes have a name of their own from now on; "
            "what was queued there is queued in both"
        )
    return [*words, *on_network(home.root, network_file_system(home.root))]


def on_network(root: Path, kind: str) -> list[str]:
    """A warning where `kind` names a network file system; none for ""."""
    return [f"{root} lies on a network file system ({kind}). {NETWORK_HINT}"] if kind else []
