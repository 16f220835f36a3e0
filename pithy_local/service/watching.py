"""Following: where tasks stand now, what has changed in which order, and the numbers for monitoring."""

from __future__ import annotations

from collections.abc import Collection

from pithy_local.service.app import App
from pithy_local.store.events import Change, Events, Head
from pithy_local.store.gauges import Gauges
from pithy_local.store.gauges import gauges as collect


def heads(app: App, ids: Collection[str]) -> dict[str, Head]:
    """Where these tasks and their logs stand, by id; without those that are no longer there."""
    return Events(app.store).heads(ids)


def last_change(app: App) -> int:
    """The id of the newest change of any task; 0 before the first."""
    return Events(app.store).last()


def changes(app: App, *, after: int, limit: int = 100) -> list[Change]:
    """Changes of status and phase with a higher id, in order."""
    return Events(app.store).page(after=after, limit=limit)


def gauges(app: App) -> Gauges:
    """The numbers for monitoring, over all processes of the home."""
    return collect(app.store)
