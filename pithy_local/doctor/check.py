"""What a check is made of: the finding, what it looks at, and that none of them hangs."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from pithy_local.clock import Clock
from pithy_local.config import Secrets, Settings
from pithy_local.errors import PithyError
from pithy_local.paths import Home
from pithy_local.store import Store

GB = 1_000_000_000
DISK_WARN, DISK_FAIL = 5 * GB, GB
T = TypeVar("T")


class Facts(Protocol):
    """What the checks look at: the product as `service.open_app` opened it, or what there is of it."""

    @property
    def settings(self) -> Settings: ...
    @property
    def secrets(self) -> Secrets: ...
    @property
    def home(self) -> Home: ...
    @property
    def store(self) -> Store | None: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def env(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, kw_only=True)
class Unopened:
    """The facts where the home cannot be opened; `problem` says why."""

    settings: Settings
    secrets: Secrets
    home: Home
    clock: Clock
    env: Mapping[str, str]
    problem: PithyError
    store: None = None


@dataclass(frozen=True, kw_only=True)
class Check:
    """One finding. `ok` None: a warning, the product works all the same. `fix` is "" where there is nothing to do."""

    name: str
    ok: bool | None
    message: str
    fix: str = ""


@dataclass(frozen=True, kw_only=True)
class TimeSample:
    """How far this machine's clock was ahead of `whose`, in milliseconds."""

    whose: str
    ahead_ms: int


def bounded(name: str, seconds: float, look: Callable[[], Iterable[Check]]) -> list[Check]:
    """What `look` finds; a warning when it takes longer than `seconds` or meets a file that it may not read.

    Raises what else `look` raises.
    """
    try:
        return within(seconds, lambda: list(look()))
    except TimeoutError:
        fix = "Try again. If it stays so, look whether the service behind it hangs."
        return [Check(name=name, ok=None, message=f"no answer within {seconds:g} s", fix=fix)]
    except PermissionError as error:
        fix = "Look at its owner and its mode."
        return [Check(name=name, ok=None, message=f"cannot look at {error.filename}: {error.strerror}", fix=fix)]


def within(seconds: float, call: Callable[[], T]) -> T:
    """The call's result. Raises TimeoutError when it takes longer; then its thread is left to end by itself."""
    results: list[T] = []
    errors: list[Exception] = []

    def work() -> None:
        try:
            results.append(call())
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError
    return results[0]


def free_space(name: str, folder: Path, fix: str) -> Check:
    """Room on the file system of `folder`."""
    free = shutil.disk_usage(folder).free
    message = f"{folder}: {free / GB:.1f} GB free"
    if free >= DISK_WARN:
        return Check(name=name, ok=True, message=message)
    return Check(name=name, ok=False if free < DISK_FAIL else None, message=message, fix=fix)


def failed(name: str, error: PithyError) -> Check:
    return Check(name=name, ok=False, message=error.message, fix=error.advice)


def numbers(version: str) -> tuple[int, ...]:
    """`"1.1.5+ds1"` → (1, 1, 5)"""
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    return tuple(int(part or 0) for part in found.groups()) if found else ()


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
