"""What of this home is left on the engine, and what its clones take on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pithy_local.config import size_bytes
from pithy_local.doctor.check import GB, Check, Facts
from pithy_local.errors import NoSuchTask

if TYPE_CHECKING:
    from pithy_local.executors.base import Sandbox
    from pithy_local.executors.engine import Engine
    from pithy_local.store.tasks import Tasks


def check_leftovers(engine: Engine, tasks: Tasks) -> Iterator[Check]:
    """Containers of this home that no running attempt needs. Raises PithyError (docker_unreachable)."""
    from pithy_local.executors.labelled import sandboxes

    # a doctor's own is being removed, be it this one's or another's
    found = [box for box in sandboxes(engine, tasks.instance) if box.role != "doctor"]
    used = [box for box in found if _in_use(tasks, box)]
    left = len(found) - len(used)
    message = f"{len(used)} in use, {left} left over" if found else "none of this home"
    if not left:
        yield Check(name="containers", ok=True, message=message)
        return
    fix = "A worker removes them: `pithy-local run --until-idle`. Those of tasks that are unknown here stay for a day."
    yield Check(name="containers", ok=None, message=message, fix=fix)


def check_mirrors(facts: Facts) -> Iterator[Check]:
    """The clones that are kept between tasks beside what they may take."""
    from pithy_local.git.upkeep import stored

    sizes = [mirror.size for mirror in stored(facts.home.mirrors)]
    limit = size_bytes(facts.settings.git.mirror_limit)
    clones = "1 clone" if len(sizes) == 1 else f"{len(sizes)} clones"
    message = f"{clones}, {sum(sizes) / GB:.2f} of {limit / GB:.1f} GB"
    if sum(sizes) <= limit:
        yield Check(name="mirrors", ok=True, message=message)
        return
    fix = "A worker removes those that no task needs, least recently used first; or raise `git.mirror_limit`."
    yield Check(name="mirrors", ok=None, message=message, fix=fix)


def _in_use(tasks: Tasks, box: Sandbox) -> bool:
    from pithy_local.lifecycle.reaper import in_use

    try:
        return in_use(tasks.get(box.task), box)
    except NoSuchTask:
        return False
