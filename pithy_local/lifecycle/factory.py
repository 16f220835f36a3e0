"""Makes the real parts of a workbench: the one place that knows every adapter."""

from __future__ import annotations

from pithy_local.clock import Clock
from pithy_local.config import Secrets, Settings
from pithy_local.door.loop import EventLoop
from pithy_local.executors.base import Executor
from pithy_local.forge.base import Forge
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.notify import secrets_of
from pithy_local.paths import Home
from pithy_local.redact import Redactor
from pithy_local.store import Store


def make_workbench(*, settings: Settings, secrets: Secrets, home: Home, store: Store, clock: Clock) -> Workbench:
    """With the real docker, local and GitHub adapters, each made on first use."""
    loop, known = EventLoop(), (*secrets.known(), *secrets_of(settings.notify.urls))
    return Workbench(
        settings=settings, secrets=secrets, home=home, store=store, clock=clock,
        redactor=Redactor((*known, *settings.serve.webhook_secret.split())), loop=loop,
        make_executor=lambda name: make_executor(name, settings, home, loop),
        make_forge=lambda: make_forge(settings, secrets),
    )  # fmt: skip


def make_executor(name: str, settings: Settings, home: Home, loop: EventLoop) -> Executor:
    """docker | local. Raises PithyError(docker_unreachable)."""
    if name == "docker":
        from pithy_local.executors.docker import DockerExecutor

        return DockerExecutor(settings, loop, locks=home.root)
    from pithy_local.executors.local import LocalExecutor

    return LocalExecutor(home, loop)


def make_forge(settings: Settings, secrets: Secrets) -> Forge:
    from pithy_local.forge.github import GitHubForge

    return GitHubForge(api_url=settings.github.api_url, token=secrets.github_token)
