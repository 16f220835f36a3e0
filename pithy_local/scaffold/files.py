"""The files that `init` writes: whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from pithy_local.config import Settings, as_toml
from pithy_local.errors import ErrorCode, UsageError
from pithy_local.paths import read_limited
from pithy_local.repo_settings import FILE, parse

HEAD = (
    "# pithy-local, written by `pithy-local init`. Keys and tokens are not kept here: they come from the environment."
)
MAX_BYTES = 1_000_000
ELSEWHERE = "Name a file that you may write, with --config or PITHY_CONFIG."
NOTE = "# Commands that must pass before pithy-local delivers a change; read from the base commit."


def check_writable(path: Path) -> None:
    """Raises UsageError (config) for a pipe, a device, a folder, or a link to one: none of them is ever replaced."""
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is no regular file", hint=ELSEWHERE, code=ErrorCode.CONFIG)


def write_config(path: Path, settings: Settings) -> None:
    """Write every setting with its explanation, for this user's eyes alone: notification URLs hold passwords.

    Raises UsageError (config) when it cannot be written.
    """
    _write(path, f"{HEAD}\n{as_toml(settings)}", 0o600)


def names_verify(root: Path) -> bool:
    """Whether a repository's own file says what must pass.

    Raises PithyError (repo_analysis) for one that tasks could not read either, UsageError where it cannot be read.
    """
    path = root / FILE
    check_writable(path)
    try:
        content = read_limited(path, MAX_BYTES)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}", code=ErrorCode.CONFIG) from error
    parse(content)
    return "verify" in tomllib.loads(content.decode())


def write_verify(root: Path, commands: Sequence[str]) -> Path:
    """Put `verify` into a repository's own file, above what else stands there. Returns the file.

    The file names no verify commands yet. Raises UsageError (config) when it cannot be written.
    """
    path = root / FILE
    try:
        rest = path.read_text("utf-8")
        mode = path.stat().st_mode & 0o777
    except FileNotFoundError:
        rest, mode = "", 0o644
    words = ", ".join(json.dumps(command, ensure_ascii=False) for command in commands)  # TOML takes JSON's escapes
    _write(path, f"{NOTE}\nverify = [{words}]\n" + (f"\n{rest}" if rest else ""), mode)
    return path


def _write(path: Path, text: str, mode: int) -> None:
    """A reader sees the old file or the new one. A link stays a link: people keep their settings elsewhere."""
    check_writable(path)
    target = path.resolve()
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with open(handle, "w", encoding="utf-8") as file:
                os.fchmod(file.fileno(), mode)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(target)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be written: {error.strerror}", hint=ELSEWHERE, code=ErrorCode.CONFIG
        ) from error
