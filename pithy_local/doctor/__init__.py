"""What this machine has and lacks, as data: each check with its fix."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pithy_local.doctor.check import Check, Facts, TimeSample, Unopened, bounded, within
from pithy_local.doctor.engine import engine_checks, no_engine
from pithy_local.doctor.github import check_github
from pithy_local.doctor.host import check_clock, check_git, check_home, check_python, check_sqlite
from pithy_local.doctor.leftovers import check_leftovers, check_mirrors
from pithy_local.doctor.model import check_models
from pithy_local.doctor.network import check_certificates, check_notify, check_proxies
from pithy_local.doctor.sandbox import image_checks
from pithy_local.errors import ErrorCode, PithyError

__all__ = ["Check", "Facts", "Unopened", "run_checks"]

CONNECT_SECONDS = 15.0
ANSWER_SECONDS = 30.0


def run_checks(facts: Facts) -> Iterator[Check]:
    """Every check, as soon as its result is there. Nothing is changed: a container that is started is removed."""
    samples: list[TimeSample] = []
    yield check_python()
    yield check_git()
    yield from check_docker(facts)
    yield from bounded("model", ANSWER_SECONDS, lambda: check_models(facts, samples))
    yield from bounded("github", ANSWER_SECONDS, lambda: check_github(facts, samples))
    yield from check_clock(samples)
    yield from bounded("proxy", ANSWER_SECONDS, lambda: check_proxies(facts.env))
    yield from bounded("certificates", ANSWER_SECONDS, lambda: check_certificates(facts))
    yield from bounded("notify", ANSWER_SECONDS, lambda: check_notify(facts.settings.notify.urls))
    yield from bounded("disk", ANSWER_SECONDS, lambda: check_home(facts))
    yield from bounded("mirrors", ANSWER_SECONDS, lambda: check_mirrors(facts))
    yield check_sqlite()


def check_docker(facts: Facts) -> Iterable[Check]:
    """The engine, the sandbox image, and a sealed container if the image is there."""
    from pithy_local.executors.engine import Engine
    from pithy_local.store.binding import new_instance
    from pithy_local.store.tasks import Tasks

    tasks = Tasks(facts.store) if facts.store is not None else None
    try:
        engine = within(CONNECT_SECONDS, Engine.connect)
    except TimeoutError:
        yield no_engine(PithyError(ErrorCode.DOCKER_UNREACHABLE, "the Docker engine does not answer"), facts)
        return
    except PithyError as error:
        yield no_engine(error, facts)
        return
    try:
        yield from bounded("engine", ANSWER_SECONDS, lambda: engine_checks(engine, facts))
        # in this thread, so that Ctrl-C removes the container; each of its steps has a time limit of its own
        yield from image_checks(engine, facts, tasks.instance if tasks is not None else new_instance())
        if tasks is not None:  # else nobody knows which are this home's
            yield from bounded("containers", ANSWER_SECONDS, lambda: check_leftovers(engine, tasks))
    except PithyError as error:
        yield no_engine(error, facts)
    finally:
        engine.close()
