"""What on an engine has this home's label: the sandboxes of attempts; volumes and networks, which none needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

from docker.errors import APIError

from pithy_local.executors.base import Sandbox
from pithy_local.executors.container import Labels
from pithy_local.executors.engine import Engine, engine_errors


def sandboxes(engine: Engine, instance: str) -> list[Sandbox]:
    """Every container of this instance, running or not. Raises PithyError (docker_unreachable)."""
    with engine_errors("list the sandboxes"):
        found = engine.api.containers(all=True, filters=_mine(instance))
    read = ((Labels.read(entry.get("Labels") or {}), entry) for entry in found)
    return [
        Sandbox(
            task=labels.task, attempt=labels.attempt, fence=labels.fence,
            handle=str(entry["Id"]), created_ms=int(entry["Created"]) * 1000, role=labels.role,
        )
        for labels, entry in read
        if labels is not None
    ]  # fmt: skip


def sweep(engine: Engine, instance: str, before_ms: int) -> list[str]:
    """Remove volumes and networks of this instance that are older; what was removed, in words.

    `before_ms`: milliseconds since 1970, by the engine's clock. What a container uses stays.
    Raises PithyError (docker_unreachable, internal).
    """
    return [words for words, remove in _found(engine, instance, before_ms) if _removed(words, remove)]


def _found(engine: Engine, instance: str, before_ms: int) -> Iterator[tuple[str, Callable[[], Any]]]:
    mine = _mine(instance)
    with engine_errors("list volumes and networks"):
        volumes = engine.api.volumes(filters=mine).get("Volumes") or []
        networks = engine.api.networks(filters=mine)
    for volume in volumes:
        if _made_ms(volume.get("CreatedAt")) < before_ms:
            yield f"volume {volume['Name']}", partial(engine.api.remove_volume, volume["Name"], force=True)
    for network in networks:
        if _made_ms(network.get("Created")) < before_ms:
            yield f"network {network['Name']}", partial(engine.api.remove_network, network["Id"])


def _mine(instance: str) -> dict[str, str]:
    return {"label": f"pithy.instance={instance}"}


def _removed(words: str, remove: Callable[[], Any]) -> bool:
    with engine_errors(f"remove the {words}"):
        try:
            remove()
        except APIError as error:
            if error.status_code in (403, 404, 409):  # in use (a network: 403), or gone meanwhile
                return False
            raise
    return True


def _made_ms(text: str | None) -> int:
    """Milliseconds since 1970; 0, which is old, where the engine does not say it."""
    try:
        return int(datetime.fromisoformat(text or "").timestamp() * 1000)
    except ValueError:
        return 0
