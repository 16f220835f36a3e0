"""What is taken from the user's own git configuration (identity, proxy, certificates), and the one we run with."""

from __future__ import annotations

import errno
import functools
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.git.adapter import TOKEN_USER, USER_CONFIG, Git
from pithy_local.paths import expanded

FALLBACK_IDENTITY = ("Pithy Jaunt", "pithy-jaunt@localhost")

FIXED = """\
[core]
\tfsmonitor = false
\tattributesFile = /dev/null
\texcludesFile = /dev/null
\taskPass =
\tautocrlf = false
\tlogAllRefUpdates = false
\tprotectHFS = true
\tprotectNTFS = true
\tpackedGitWindowSize = 32m
\tpackedGitLimit = 512m
[gc]
\tauto = 0
\tautoDetach = false
[maintenance]
\tauto = false
[receive]
\tautogc = false
[credential]
\thelper =
[http]
\tlowSpeedLimit = 1
\tlowSpeedTime = 120
[submodule]
\trecurse = false
[transfer]
\tbundleURI = false
"""
"""The packed limits keep reading a big mirror inside the address space that applying a patch may use."""

ASKPASS = f"""\
#!/bin/sh
# The token is in the environment alone, and answers only the two questions about its own origin.
case "$1" in
"$PITHY_GIT_ASKED_USER") echo {TOKEN_USER} ;;
"$PITHY_GIT_ASKED_TOKEN") printf '%s\\n' "$PITHY_GIT_TOKEN" ;;
*) exit 1 ;;
esac
"""


@dataclass(frozen=True, kw_only=True)
class UserConfig:
    """Of the user's own configuration: name and email ("" = not set), and (key, value) pairs of proxy and CA."""

    name: str = ""
    email: str = ""
    http: tuple[tuple[str, str], ...] = ()


def host_identity(configured: str = "") -> tuple[str, str]:
    """(name, email) for commits: `Name <email>` as configured, else this host's git identity, else ours."""
    if configured:
        name, _, email = configured.rpartition(" <")
        return name, email.removesuffix(">")
    user = user_config()
    return (user.name, user.email) if user.name and user.email else FALLBACK_IDENTITY


def user_config() -> UserConfig:
    """Read once for each place that the configuration could be in. Raises PithyError (git_missing)."""
    return _read(tuple(os.environ.get(name, "") for name in USER_CONFIG))


@functools.cache
def _read(_: tuple[str, ...]) -> UserConfig:
    wanted = r"^(user\.(name|email)|http\..*(proxy|sslcainfo|sslcapath))$|^http\.(proxy|sslcainfo|sslcapath)$"
    git = Git(cwd=Path(os.path.sep), home=None)
    result = git.run("config", "--includes", "--null", "--get-regexp", wanted, check=False)
    pairs = [entry.partition("\n") for entry in result.stdout.decode("utf-8", "replace").split("\0") if entry]
    values = {key: value for key, _, value in pairs}  # git's rule: the last one counts
    http = tuple((key, _expand(key, value)) for key, value in values.items() if key.startswith("http."))
    return UserConfig(name=values.get("user.name", ""), email=values.get("user.email", ""), http=http)


def _expand(key: str, value: str) -> str:
    """`~/` as the user means it: git would look in our private HOME."""
    return value if key.endswith("proxy") or not value else str(expanded(value))


def prepare_home(folder: Path, safe: Iterable[str]) -> Path:
    """Write the private HOME of git children: our configuration and the askpass script. Returns `folder`.

    `safe` names the repositories that git may enter whoever owns them. Raises PithyError (disk_full, store).
    """
    try:
        _prepare(folder, safe)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise PithyError(ErrorCode.DISK_FULL, f"no space left for {folder}") from error
        raise PithyError(ErrorCode.STORE, f"cannot use {folder}: {error.strerror}") from error
    return folder


def _prepare(folder: Path, safe: Iterable[str]) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    lines = [FIXED, "[safe]\n", *(f"\tdirectory = {_quoted(name)}\n" for name in safe)]
    for key, value in user_config().http:
        section, name = key.rsplit(".", 1)
        url = section.removeprefix("http").removeprefix(".")
        lines += [f"[http {_quoted(url)}]\n" if url else "[http]\n", f"\t{name} = {_quoted(value)}\n"]
    _write(folder / ".gitconfig", "".join(lines), 0o600)
    _write(folder / "askpass", ASKPASS, 0o700)


def _quoted(value: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", value).replace("\n", "\\n") + '"'


def _write(path: Path, text: str, mode: int) -> None:
    """Whole or not at all, and not while another process executes it: only when it changes."""
    try:
        if path.read_text("utf-8", "surrogateescape") == text:
            return
    except FileNotFoundError:
        pass
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.write_text(text, "utf-8", "surrogateescape")
    new.chmod(mode)
    new.replace(path)
