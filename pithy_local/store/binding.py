"""Which directory a queue lies in: a copy of a home must not take the original's containers for its own."""

from __future__ import annotations

import os
import secrets
import sqlite3
from pathlib import Path
from urllib.parse import unquote_to_bytes

from pithy_local.clock import ALPHABET
from pithy_local.store.database import Store


def new_instance() -> str:
    """Six characters: what a home is called on an engine that it may share with others."""
    return "".join(secrets.choice(ALPHABET) for _ in range(6))


def first_bind(store: Store) -> None:
    """Write down where a home lies that was just made. Raises PithyError (store)."""
    store.queue.write("INSERT OR IGNORE INTO meta VALUES ('home', ?)", (store.home.root.resolve().as_uri(),))


def bind(store: Store) -> Path | None:
    """Write down where the home lies; where it is a copy, give it a name of its own on the engine.

    Returns the home that this one is a copy of: it is there still, with the same name. None where this one is new, was
    moved, or is where it always was. Raises PithyError (store).
    """
    here, queue = store.home.root.resolve(), store.queue
    if _bound(store) == here:
        return None
    with queue.transaction():
        before = _bound(store)
        original = before if before not in (None, here) and _is_another(before, store) else None
        queue.write("INSERT OR REPLACE INTO meta VALUES ('home', ?)", (here.as_uri(),))
        if original is not None:
            queue.write("UPDATE meta SET value = ? WHERE key = 'instance'", (new_instance(),))
    return original


def _bound(store: Store) -> Path | None:
    row = store.queue.row("SELECT value FROM meta WHERE key = 'home'")
    return Path(os.fsdecode(unquote_to_bytes(row["value"].removeprefix("file://")))) if row else None


def _is_another(root: Path | None, store: Store) -> bool:
    """Whether another home with this one's name lies there; one that cannot be read may be."""
    theirs = root / store.home.queue_db.name if root else None
    try:
        if theirs is None or not theirs.exists() or theirs.samefile(store.home.queue_db):
            return False
    except OSError:
        return True
    mine = store.queue.rows("SELECT value FROM meta WHERE key = 'instance'")[0]["value"]
    try:
        other = sqlite3.connect(f"{theirs.as_uri()}?mode=ro", uri=True)
    except sqlite3.Error:
        return True
    try:
        return other.execute("SELECT value FROM meta WHERE key = 'instance'").fetchall() == [(mine,)]
    except sqlite3.Error:
        return True
    finally:
        other.close()
