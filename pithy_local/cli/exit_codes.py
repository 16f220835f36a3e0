"""The one place where what went wrong becomes words on stderr and an exit code."""

from __future__ import annotations

import errno
import json
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from pithy_local.cli.command import error_of, silence, write_error
from pithy_local.errors import ErrorCode, ExitCode, PithyError, UsageError

BROKEN_PIPE = 141
"""128 + SIGPIPE: what a shell says of a program whose reader has left."""
OUT_OF_REACH = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG)
MOST_WORDS = 2_000
"""Characters of an error's message that are shown: it may quote an argument of any length."""


def report(error: BaseException, *, as_json: bool, verbose: bool, env: Mapping[str, str]) -> int:
    """Say on stderr what went wrong and return the exit code. Nothing secret that `env` holds is printed."""
    if isinstance(error, BrokenPipeError):
        silence(sys.stdout)
        return BROKEN_PIPE
    if isinstance(error, (KeyboardInterrupt, EOFError, click.Abort)):
        return int(ExitCode.INTERRUPTED)
    from pithy_local.text import clip, safe_block

    known, mask = as_pithy_error(error), _masked(env)
    if verbose and known is not error and not isinstance(error, click.ClickException):
        write_error(safe_block(mask("".join(traceback.format_exception(error)).rstrip())))
    message = clip(mask(known.message), MOST_WORDS)  # in this order: half a secret is not known as one
    if as_json:
        answer = {"code": known.code.word, "message": message, "hint": known.advice}
        words = json.dumps({"error": answer})
    else:
        words = _words(known, message, verbose)
    write_error(safe_block(mask(words)))
    return int(known.exit_code)


def as_pithy_error(error: BaseException) -> PithyError:
    """Any exception as one that has a code: the command line's, a full disk, a file that is out of reach, or a bug.

    Bytes of an argument that are no UTF-8 are surrogates in Python: they fail where text is first stored or sent.
    """
    if isinstance(error, PithyError):
        return error
    if isinstance(error, click.ClickException):
        return error_of(error)
    if isinstance(error, ImportError):
        hint = "Install pithy-local again, with all that it needs."
        return PithyError(ErrorCode.INTERNAL, f"a part of this installation cannot be loaded: {error}", hint=hint)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return PithyError(ErrorCode.DISK_FULL, f"no space left: {error}")
    if isinstance(error, OSError) and error.filename and error.errno in OUT_OF_REACH:
        message = f"{error.strerror}: {error.filename}"
        if error.errno == errno.ENAMETOOLONG:
            return UsageError(message, hint="Give a shorter one.")
        return PithyError(ErrorCode.STORE, message, hint="Look at its owner and its mode, or name another one.")
    if isinstance(error, FileNotFoundError) and not error.filename and _is_nowhere():
        return UsageError("the current directory is gone", hint="Change to one that is there.")
    if isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed":
        return UsageError("the command line holds bytes that are no UTF-8", hint="Convert them to UTF-8.")
    text = " ".join(str(error).split())
    return PithyError(
        ErrorCode.INTERNAL,
        f"unexpected {type(error).__name__}: {text}" if text else f"unexpected {type(error).__name__}",
        hint="This is a bug in pithy-local. Run it again with -v and report what it prints.",
    )


def _is_nowhere() -> bool:
    """Whether somebody has removed the directory that this process was started in."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _words(error: PithyError, message: str, verbose: bool) -> str:
    """One line each: the error's message, what to do about it, and with -v what the other side said."""
    from pithy_local.text import safe_line

    lines = [f"pithy-local: error: {safe_line(message)}"]
    if hint := error.advice:
        lines.append(f"hint: {safe_line(hint)}")
    if verbose and error.detail:
        lines.append(f"detail: {json.dumps(error.detail, default=str)}")
    return "\n".join(lines)


def _masked(env: Mapping[str, str]) -> Callable[[str], str]:
    """Takes what `env` holds of secrets out of a text."""
    from pithy_local.redact import Redactor

    try:
        from pithy_local.config import read_secrets
    except ImportError:  # then this is what is said, and it holds no secret
        return Redactor(()).mask
    return Redactor(read_secrets(env).in_memory()).mask
