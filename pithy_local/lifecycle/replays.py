"""What a killed replay left: its home, below the user's, and its sandboxes, which bear that home's name."""

from __future__ import annotations

from pithy_local.config import Settings
from pithy_local.door.loop import EventLoop
from pithy_local.lifecycle.factory import make_executor
from pithy_local.paths import Home, remove_tree, try_lock
from pithy_local.store import Store
from pithy_local.store.tasks import Tasks


def sweep_replay(home: Home, settings: Settings) -> bool:
    """Remove what is left of a replay in `home` (the user's) unless one is under way; whether there was something.

    Raises PithyError (docker_unreachable, store), OSError: then all of it is kept, to be found again.
    """
    if not home.replay.root.exists():
        return False
    with try_lock(home.lock("replay")) as free:
        if free:
            clear_replay(home, settings)
        return free


def clear_replay(home: Home, settings: Settings) -> None:
    """Remove it. The caller holds the lock `replay`. Raises as `sweep_replay` does."""
    replay = home.replay
    if replay.queue_db.exists():
        instance, used = _made(replay)
        for name in used:
            executor = make_executor(name, settings, replay, EventLoop())
            for box in executor.sandboxes(instance):
                executor.remove(box.handle)
    remove_tree(replay.root)


def _made(replay: Home) -> tuple[str, set[str]]:
    """The home's name on an engine, and the executors that its tasks were for."""
    store = Store(replay)
    try:
        tasks = Tasks(store)
        return tasks.instance, {task.executor for task in tasks.select()}
    finally:
        store.close()
