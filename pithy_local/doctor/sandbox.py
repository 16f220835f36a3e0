"""A sealed container, really started, and what the probe finds in it."""

from __future__ import annotations

import json
import secrets as random
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pithy_local.doctor.check import GB, Check, Facts, failed
from pithy_local.doctor.engine import isolation
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.text import clip, safe_line

if TYPE_CHECKING:
    from pithy_local.executors.engine import Engine

LIFE = ["sleep", "120"]
"""The container's own command: it ends by itself, also where nobody is left to end it."""
PROBE = ["sh", "-c", "exec python3 -m runner.probe --json 2>/dev/null"]
KERNEL_LOG = ["dmesg"]
"""gVisor lets its own be read; a shared kernel's is refused."""
PROBE_SECONDS = 45.0
MOST_OUTPUT = 1_000_000
MOST_WORDS = 300
FIXES = {
    "privileges": "The engine did not apply an option of the sandbox: upgrade it, and run it without wrappers.",
    "keys": "Take it out of the image that `sandbox.base_image` names, or out of the engine's own proxy settings.",
    "network": "The engine connected it all the same: look for a plugin or a default network in its configuration.",
    "kernel": "Use an engine whose seccomp is on: without it these calls reach the kernel.",
    "files": "Use an engine that keeps read-only roots and sized tmpfs, with a storage driver such as overlay2.",
    "limits": "Turn control groups on for the engine: cgroup v2, for a rootless engine with its controllers delegated.",
    "host": "The engine shares something of the machine with each container: look at the defaults in its daemon.json.",
}
"""By the theme of a check of the probe, the first word of its id."""


def image_checks(engine: Engine, facts: Facts, instance: str) -> Iterator[Check]:
    """The sandbox image and, where it is there, a sandbox of it."""
    from pithy_local.executors.image import Images

    sandbox = facts.settings.sandbox
    try:
        current = next((image for image in Images(engine, sandbox).installed() if image.current), None)
    except PithyError as error:
        if error.code is ErrorCode.DOCKER_UNREACHABLE:
            raise
        yield failed("image", error)
        return
    if current is None:
        message = f"not built yet: the first task builds it on {sandbox.base_image}"
        yield Check(name="image", ok=None, message=message, fix="`pithy-local image build` does it now.")
        return
    yield Check(name="image", ok=True, message=f"{current.tag}, {current.size / GB:.2f} GB")
    if sandbox.network == "open":
        fix = 'Set `sandbox.network = "sealed"` unless your tasks need the network: programs can send it all away.'
        yield Check(name="network", ok=None, message="sandboxes are not sealed: `sandbox.network` is open", fix=fix)
    try:
        yield from _looked_into(engine, current.id, facts, instance)
    except PithyError as error:
        yield Check(name="sandbox", ok=False, message=error.message, fix="See what the engine says, then try again.")


def _looked_into(engine: Engine, image: str, facts: Facts, instance: str) -> Iterator[Check]:
    """Start a sealed container with the limits of an attempt, look around in it, remove it."""
    from pithy_local.executors import container
    from pithy_local.executors.container import AGENT_USER, DOOR_USER
    from pithy_local.executors.engine import engine_errors

    started = _start(engine, image, facts, instance)
    try:
        with engine_errors("start a process in the sandbox"):
            # stands in for the door, so that it is tried whether another user's process is out of reach
            engine.api.exec_start(engine.api.exec_create(started, LIFE, user=DOOR_USER)["Id"], detach=True)
            info = engine.api.info()
        _, kernel = _run(engine, started, KERNEL_LOG, AGENT_USER)
        code, said = _run(engine, started, PROBE, AGENT_USER)
    except TimeoutError as error:
        yield Check(name="sandbox", ok=False, message=f"the sandbox was too slow: {error}", fix="Try again.")
        return
    finally:
        container.remove(engine, started)
    yield from judged(code, said, isolation(info, kernel))


def judged(code: int, said: str, level: str) -> Iterator[Check]:
    """What the probe printed: how many checks hold, then each that does not, with its fix."""
    findings = _findings(said)
    if not findings:
        fix = "`pithy-local image prune --yes`, then `pithy-local image build`."
        message = f"a sandbox was started, but the probe in it ended with {code} and found nothing"
        yield Check(name="sandbox", ok=False, message=message, fix=fix)
        return
    broken = [finding for finding in findings if finding["ok"] is not True]
    message = f"{level}; {len(findings) - len(broken)} of {len(findings)} checks hold in a sealed container"
    fix = "The findings below say what to do; docs/security.md says what each is for." if broken else ""
    yield Check(name="sandbox", ok=not broken, message=message, fix=fix)
    for finding in broken:
        name = clip(safe_line(str(finding["id"])), MOST_WORDS)
        words = clip(safe_line(f"{finding['title']}: {finding['found']}"), MOST_WORDS)
        yield Check(name=name, ok=False, message=f"does not hold: {words}", fix=FIXES.get(name.split(".")[0], ""))


def _findings(said: str) -> list[dict[str, Any]]:
    """[] for what is not the probe's answer."""
    try:
        found = json.loads(said)
    except (ValueError, RecursionError):
        return []
    keys = {"id", "title", "ok", "found"}
    whole = isinstance(found, list) and all(isinstance(each, dict) and keys <= each.keys() for each in found)
    return found if whole else []


class _NoJournal:
    """The sandbox is of no task: nothing is written down. A killed doctor's is found by its label."""

    def intend(self, effect: str, key: str) -> None: ...
    def done(self, effect: str, result: str = "") -> None: ...


def _start(engine: Engine, image: str, facts: Facts, instance: str) -> str:
    """The id of a running container. Raises PithyError."""
    from pithy_local.executors import container
    from pithy_local.executors.base import SandboxJob
    from pithy_local.lifecycle.source import limits

    task = f"doctor{random.token_hex(3)}"
    job = SandboxJob(
        instance=instance, task=task, attempt=1, fence=0, role="doctor", limits=limits(facts.settings)
    )  # fmt: skip
    return container.launch(engine, image, job, _NoJournal(), {"command": LIFE})


def _run(engine: Engine, container: str, argv: Sequence[str], user: str) -> tuple[int, str]:
    """Exit code and output. Raises PithyError, TimeoutError."""
    from pithy_local.executors.exec import run_command

    said = bytearray()
    code = run_command(
        engine, container, argv, user=user, workdir="/", seconds=PROBE_SECONDS, checkpoint=lambda: None,
        take=lambda data: said.extend(data[: MOST_OUTPUT - len(said)]),
    )  # fmt: skip
    return code, said.decode("utf-8", "replace")
