"""What this machine has and lacks, as data: each check with its fix."""

from __future__ import annotations

import re
import secrets as random
import shutil
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar
from urllib.parse import urlsplit

from pithy_local.config import Secrets, Settings
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.paths import Home
from pithy_local.store import Store

if TYPE_CHECKING:
    from pithy_local.executors.engine import Engine

GB = 1_000_000_000
DISK_WARN, DISK_FAIL = 5 * GB, GB
SQLITE_FIXED = (3, 51, 3)
"""The first release without the WAL-reset bug."""
RUNC_FIXED: dict[tuple[int, ...], tuple[int, ...]] = {(1, 3): (1, 3, 3)}
RUNC_OLDEST = (1, 2, 8)
"""The first releases, of each line, without the container escapes of November 2025 (CVE-2025-31133 and its like)."""
ANSWER_SECONDS = 20.0
T = TypeVar("T")


class Facts(Protocol):
    """What the checks look at: the product as `service.open_app` opened it."""

    @property
    def settings(self) -> Settings: ...
    @property
    def secrets(self) -> Secrets: ...
    @property
    def home(self) -> Home: ...
    @property
    def store(self) -> Store: ...
    @property
    def env(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, kw_only=True)
class Check:
    """One finding. `ok` None: a warning, the product works all the same. `fix` is "" where there is nothing to do."""

    name: str
    ok: bool | None
    message: str
    fix: str = ""


def run_checks(facts: Facts) -> Iterator[Check]:
    """Every check, as soon as its result is there. Nothing is changed: a container that is started is removed."""
    yield from check_docker(facts)
    yield check_git()
    yield check_model(facts)
    yield check_github(facts)
    yield check_disk(facts.home)
    yield check_sqlite()


def check_docker(facts: Facts) -> Iterator[Check]:
    """The engine, its runtime, the sandbox image, and a sealed container if the image is there."""
    from pithy_local.executors.engine import Engine

    needed = facts.settings.executor == "docker"
    try:
        with Engine.connect() as engine:
            yield _engine(engine)
            yield from _runtime(engine)
            yield from _image(engine, facts)
    except PithyError as error:
        fix = "Install or start Docker, or point DOCKER_HOST at it; `--executor local` runs without it, UNISOLATED."
        where = facts.env.get("DOCKER_HOST", "")
        message = error.message + (f" at {where}" if where else "")
        said = _reason(str(error.detail.get("message", "")))
        yield Check(name="engine", ok=False if needed else None, message=_joined(message, said), fix=fix)


def check_git() -> Check:
    from pithy_local.git.adapter import git_version

    try:
        return Check(name="git", ok=True, message=f"git {git_version()}")
    except PithyError as error:
        return Check(name="git", ok=False, message=error.message, fix=error.hint)


def check_model(facts: Facts) -> Check:
    """Whether the configured provider can be asked: its key is there, its own server answers, its replies are there."""
    model = facts.settings.model
    if model.provider == "scripted":
        return _scripted(model.scripted.file)
    name = f"openai {facts.settings.model_name()}"
    if model.openai.base_url:
        return _own_server(name, model.openai.base_url)
    if facts.secrets.openai_api_key:
        return Check(name="model", ok=True, message=f"{name}: OPENAI_API_KEY is set (not tried: that would cost)")
    fix = "Set OPENAI_API_KEY, or `model.openai.base_url` to a server of your own. `pithy-local demo` needs neither."
    return Check(name="model", ok=False, message=f"{name}: there is no OPENAI_API_KEY", fix=fix)


def check_github(facts: Facts) -> Check:
    """Whether there is a token and GitHub takes it; offline is a warning, and so is none: local paths need none."""
    from pithy_local.forge.github import GitHubForge

    token = facts.secrets.github_token
    if not token:
        fix = "Set GITHUB_TOKEN, or `gh auth login`. Local repositories need none."
        return Check(name="github", ok=None, message="there is no GitHub token: no pull requests", fix=fix)

    def ask() -> str:
        forge = GitHubForge(api_url=facts.settings.github.api_url, token=token, rate_limit_wait=0.0, retry_pause=0.1)
        try:
            return forge.login()
        finally:
            forge.close()

    try:
        login = _within(ANSWER_SECONDS, ask)
    except TimeoutError:
        return Check(name="github", ok=None, message="the token could not be tried: GitHub does not answer")
    except PithyError as error:
        if error.code is ErrorCode.GITHUB_AUTH and error.detail.get("http_status") == 401:
            return Check(name="github", ok=False, message=error.message, fix=error.hint)
        return Check(name="github", ok=None, message=f"the token could not be tried: {error.message}")
    return Check(name="github", ok=True, message=f"{facts.settings.github.api_url} takes the token of {login}")


def check_disk(home: Home) -> Check:
    """Room for mirrors, logs and images below the data directory."""
    free = shutil.disk_usage(home.root).free
    message = f"{home.root}: {free / GB:.1f} GB free"
    if free >= DISK_WARN:
        return Check(name="disk", ok=True, message=message)
    fix = "Free some space, or put the data directory elsewhere with PITHY_HOME."
    return Check(name="disk", ok=False if free < DISK_FAIL else None, message=message, fix=fix)


def check_sqlite(version: str = sqlite3.sqlite_version) -> Check:
    """The library this Python runs with; older ones can damage a database that several processes checkpoint."""
    if _numbers(version) >= SQLITE_FIXED:
        return Check(name="sqlite", ok=True, message=f"SQLite {version}")
    fixed = ".".join(map(str, SQLITE_FIXED))
    message = f"SQLite {version} has the WAL-reset bug; pithy-local avoids it: one process alone checkpoints"
    fix = f"Nothing must be done; a Python with SQLite {fixed} or newer is free of it."
    return Check(name="sqlite", ok=None, message=message, fix=fix)


def _engine(engine: Engine) -> Check:
    from pithy_local.executors.engine import engine_errors

    with engine_errors("answer"):
        version, info = engine.api.version(), engine.api.info()
    options = " ".join(info.get("SecurityOptions") or ())
    extra = ", rootless" if "rootless" in options else ""
    name = f"{(version.get('Platform') or {}).get('Name') or 'Docker'} {version['Version']}".strip()
    message = f"{name}, API {version['ApiVersion']}; isolation: container, shared kernel{extra}"
    if "seccomp" not in options:
        fix = "Use an engine with seccomp: the sandbox counts on its system call filter."
        return Check(name="engine", ok=None, message=f"{message}; no seccomp", fix=fix)
    return Check(name="engine", ok=True, message=message)


def _runtime(engine: Engine) -> Iterator[Check]:
    """A warning where the engine says that its runc is one with known ways out."""
    from pithy_local.executors.engine import engine_errors

    with engine_errors("answer"):
        components = engine.api.version().get("Components") or ()
    for component in components:
        version = str(component.get("Version", ""))
        numbers = _numbers(version)
        fixed = RUNC_FIXED.get(numbers[:2], RUNC_OLDEST)
        if component.get("Name") == "runc" and numbers and numbers < fixed:
            message = f"runc {version} has known ways out of a container unless your distribution has mended them"
            yield Check(
                name="runtime", ok=None, message=message, fix=f"Upgrade runc to {'.'.join(map(str, fixed))} or newer."
            )


def _image(engine: Engine, facts: Facts) -> Iterator[Check]:
    from pithy_local.executors.image import Images

    try:
        current = next((image for image in Images(engine, facts.settings.sandbox).installed() if image.current), None)
    except PithyError as error:
        if error.code is ErrorCode.DOCKER_UNREACHABLE:
            raise
        yield Check(name="image", ok=False, message=error.message, fix=error.hint)
        return
    if current is None:
        message = f"not built yet: the first task builds it on {facts.settings.sandbox.base_image}"
        yield Check(name="image", ok=None, message=message, fix="`pithy-local image build` does it now.")
        return
    yield Check(name="image", ok=True, message=f"{current.tag}, {current.size / GB:.2f} GB")
    yield _sandbox(engine, current.id, facts)


def _sandbox(engine: Engine, image: str, facts: Facts) -> Check:
    """Really start a sealed container with the limits of an attempt, and remove it."""
    from pithy_local.config import seconds, size_bytes
    from pithy_local.executors.base import Limits
    from pithy_local.executors.container import Labels, options, remove
    from pithy_local.executors.engine import engine_errors
    from pithy_local.store.tasks import Tasks

    sandbox = facts.settings.sandbox
    limits = Limits(
        cpus=sandbox.cpus, memory=size_bytes(sandbox.memory), pids=sandbox.pids, disk=size_bytes(sandbox.disk),
        seconds=seconds(facts.settings.timeout),
    )  # fmt: skip
    # A label of this home: what a killed doctor leaves behind is swept like any other leftover.
    task = f"doctor{random.token_hex(3)}"
    labels = Labels(instance=Tasks(facts.store).instance, task=task, attempt=1, fence=0, role="doctor")
    wanted = options(image, labels, limits, {}) | {"command": ["python3", "-c", "print('sealed')"]}
    container = ""
    try:
        with engine_errors("start a sandbox"):
            container = str(engine.client.containers.create(**wanted).id)
            engine.api.start(container)
            ended = int(engine.api.wait(container, timeout=30)["StatusCode"])
    except PithyError as error:
        return Check(name="sandbox", ok=False, message=error.message, fix="See what the engine says, then try again.")
    finally:
        if container:
            remove(engine, container)
    if ended != 0:
        fix = "`pithy-local image prune --yes`, then `pithy-local image build`."
        return Check(name="sandbox", ok=False, message=f"a sandbox was started but ended with {ended}", fix=fix)
    return Check(name="sandbox", ok=True, message="a sealed container was started and removed")


def _scripted(file: str) -> Check:
    from pithy_local.lifecycle.attempt import read_replies

    fix = "`model.scripted.file` names a JSON array of strings."
    if not file:
        return Check(name="model", ok=False, message="scripted: no file of replies is set", fix=fix)
    try:
        count = len(read_replies(file))
    except PithyError as error:
        return Check(name="model", ok=False, message=error.message, fix=fix)
    return Check(name="model", ok=True, message=f"scripted: {count} replies in {file}")


def _own_server(name: str, base_url: str) -> Check:
    """Whether something listens at the user's own server; a proxy may stand between, so a no is a warning."""
    parts = urlsplit(base_url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname or "", port), timeout=5).close()
    except (OSError, ValueError) as error:
        fix = "Start the server, or correct `model.openai.base_url` (OPENAI_BASE_URL)."
        return Check(name="model", ok=None, message=f"{name}: nothing answers at {base_url}: {error}", fix=fix)
    return Check(name="model", ok=True, message=f"{name} at {base_url}")


def _within(seconds: float, call: Callable[[], T]) -> T:
    """The call's result. Raises TimeoutError when it takes longer; then its thread is left to end by itself."""
    results: list[T] = []
    errors: list[PithyError] = []

    def work() -> None:
        try:
            results.append(call())
        except PithyError as error:
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError
    return results[0]


def _numbers(version: str) -> tuple[int, ...]:
    """`"1.1.5+ds1"` → (1, 1, 5)"""
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    return tuple(int(part or 0) for part in found.groups()) if found else ()


def _reason(said: str) -> str:
    """The system's own words where they end a chain of exceptions: `Connection refused`."""
    found = re.search(r"\[Errno \d+\] ([\w ]+)|Error\(\d+, '([^']+)'\)", said)
    return (found[1] or found[2]).strip() if found else said


def _joined(message: str, said: str) -> str:
    return f"{message}: {said[:200]}" if said else message
