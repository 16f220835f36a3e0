"""The one place where what went wrong becomes words on stderr and an exit code."""

from __future__ import annotations

import errno
import json
import sys
import traceback
from collections.abc import Mapping

import click

from pithy_local.cli.command import error_of, silence, write_error
from pithy_local.errors import ErrorCode, ExitCode, PithyError, UsageError

BROKEN_PIPE = 141
"""128 + SIGPIPE: what a shell says of a program whose reader has left."""


def report(error: BaseException, *, as_json: bool, verbose: bool, env: Mapping[str, str]) -> int:
    """Say on stderr what went wrong and return the exit code. Nothing secret that `env` holds is printed."""
    if isinstance(error, BrokenPipeError):
        silence(sys.stdout)
        return BROKEN_PIPE
    if isinstance(error, (KeyboardInterrupt, EOFError, click.Abort)):
        return int(ExitCode.INTERRUPTED)
    known = as_pithy_error(error)
    if verbose and known is not error and not isinstance(error, click.ClickException):
        _print("".join(traceback.format_exception(error)).rstrip(), env)
    if as_json:
        answer = {"code": known.code.word, "message": known.message, "hint": known.advice}
        _print(json.dumps({"error": answer}), env)
    else:
        _print(_words(known, verbose), env)
    return int(known.exit_code)


def as_pithy_error(error: BaseException) -> PithyError:
    """Any exception as one that has a code: the command line's, a full disk, or a bug of ours.

    Bytes of an argument that are no UTF-8 are surrogates in Python: they fail where text is first stored or sent.
    """
    if isinstance(error, PithyError):
        return error
    if isinstance(error, click.ClickException):
        return error_of(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return PithyError(ErrorCode.DISK_FULL, f"no space left: {error}")
    if isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed":
        return UsageError("the command line holds bytes that are no UTF-8", hint="Convert them to UTF-8.")
    text = " ".join(str(error).split())
    return PithyError(
        ErrorCode.INTERNAL,
        f"unexpected {type(error).__name__}: {text}" if text else f"unexpected {type(error).__name__}",
        hint="This is a bug in pithy-local. Run it again with -v and report what it prints.",
    )


def _words(error: PithyError, verbose: bool) -> str:
    """One line each: the error, what to do about it, and with -v what the other side said."""
    from pithy_local.text import safe_line

    lines = [f"pithy-local: error: {safe_line(error.message)}"]
    if hint := error.advice:
        lines.append(f"hint: {safe_line(hint)}")
    if verbose and error.detail:
        lines.append(f"detail: {json.dumps(error.detail, default=str)}")
    return "\n".join(lines)


def _print(text: str, env: Mapping[str, str]) -> None:
    from pithy_local.config import read_secrets
    from pithy_local.redact import Redactor
    from pithy_local.text import safe_block

    masked = Redactor(read_secrets(env).in_memory()).mask(text)
    write_error(safe_block(masked))
