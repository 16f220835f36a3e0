"""What `serve` needs of a home: to be the only one, and the token its clients show."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pithy_local.errors import ErrorCode, PithyError, Refused
from pithy_local.paths import Home

TOKEN_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """Where to listen (None = as configured, port 0 = a free one), whether this process works the queue, and whether
    it waits at its end for what runs."""

    host: str | None = None
    port: int | None = None
    worker: bool = True
    drain: bool = False


@contextmanager
def alone(home: Home) -> Iterator[None]:
    """Be this home's only server. Raises Refused where there is one."""
    with open(home.lock("serve"), "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            pid = lock.read(20).strip()
            raise Refused(
                f"{home.root} is served already" + (f" by process {pid}" if pid else ""),
                hint="Stop that one first, or serve another home with --home.",
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def token_file(home: Home) -> Path:
    return home.root / "serve.token"


def token(home: Home) -> str:
    """What clients show as `Authorization: Bearer …`; made on first use, readable by its owner alone.

    Raises PithyError(store).
    """
    path = token_file(home)
    try:
        if path.exists():
            path.chmod(0o600)
            if found := path.read_text("ascii").strip():
                return found
        made = secrets.token_urlsafe(TOKEN_BYTES)
        unfinished = path.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(made + "\n")
        unfinished.replace(path)
    except (OSError, UnicodeError) as error:
        raise PithyError(ErrorCode.STORE, f"cannot use {path}: {error}") from error
    return made
