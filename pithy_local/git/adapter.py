"""The one place that starts git: GitPython's `Git(cwd).execute([...])`, fenced in.

Every command gets a fixed argument vector, an environment of ours instead of the user's (no `GIT_*`, no secret,
no user configuration), limits of the kernel, a deadline, and a session of its own that is ended as a whole.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO
from urllib.parse import quote, urlsplit

from pithy_local.errors import ErrorCode, PithyError

MIN_VERSION = (2, 31)
STDERR_KEPT = 20_000
"""Characters of a command's stderr that are kept, the last ones."""
POLL = 0.1
"""Seconds between two looks at a caller's checkpoint while a command runs."""
GRACE = 2.0
"""Seconds between SIGTERM, which lets git remove its lock files, and SIGKILL."""

INHERITED = frozenset(
    [
        "PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
        "http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
        "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE",
    ]
)  # fmt: skip
"""All that a git child takes over from this process's environment."""
USER_CONFIG = ("HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")
"""Where git finds the user's own configuration; taken over only by a command that reads just that."""

FORCED = ("-c", "core.hooksPath=/dev/null")
"""Not in the configuration file: a bare repository that is pushed to by its path keeps its own hooks."""
NO_REDIRECTS = ("-c", "http.followRedirects=false")
"""Where a token goes along."""

LIMIT_SCRIPT = 'for limit in "-c 0" "-v $1" "-t $2" "-f $3"; do ulimit $limit; done 2>/dev/null; shift 3; exec "$@"'
"""A limit that this system or a lower hard limit does not allow is left as it is (macOS knows no -v)."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one git process may use: bytes of address space, seconds of processor, bytes of one written file."""

    address_space: int
    cpu: int
    file_size: int


LOCAL = Limits(address_space=2 << 30, cpu=60, file_size=256 << 20)
"""For reading and applying what an agent made: a patch of 788 kB was seen to take 1.2 GB without a limit."""
TRANSFER = Limits(address_space=32 << 30, cpu=3600, file_size=64 << 30)
"""For fetch, push and packing: room for the packs of a very big repository."""


@dataclass(frozen=True, kw_only=True)
class Credential:
    """A token and the one origin (`scheme://host[:port]`) that may see it."""

    token: str = field(repr=False)
    origin: str

    @classmethod
    def of(cls, token: str, url: str) -> Credential | None:
        """The credential for an http(s) URL; None without a token or for a local path.

        Raises PithyError (github_auth) for a token that cannot be one.
        """
        parts = urlsplit(url)
        if not token or parts.scheme not in ("http", "https"):
            return None
        if not token.isascii() or not token.isprintable():
            raise PithyError(ErrorCode.GITHUB_AUTH, "the token has characters that no token has")
        return cls(token=token, origin=f"{parts.scheme}://{parts.netloc}")

    def mask(self, text: str) -> str:
        """The text without the token, plain or percent-encoded."""
        return text.replace(self.token, "***").replace(quote(self.token, safe=""), "***")


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a command ended. `code` is negative for a signal; `stderr` is text with any token masked."""

    stdout: bytes = field(repr=False)
    stderr: str
    code: int
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        return self.code == 0 and not self.timed_out

    @property
    def text(self) -> str:
        """stdout as text, surrounding white space removed."""
        return self.stdout.decode("utf-8", "replace").strip()

    @property
    def over_limit(self) -> bool:
        """Whether one of our limits ended it: memory, processor, file size or time."""
        by_signal = self.code in (-signal.SIGXCPU, -signal.SIGXFSZ, -signal.SIGKILL)
        return self.timed_out or by_signal or bool(re.search(r"[Oo]ut of memory|Cannot allocate memory", self.stderr))


def nothing() -> None:
    """The checkpoint of a caller that never stops."""


@dataclass(frozen=True, kw_only=True)
class Git:
    """git with one repository and one private HOME. `git_dir` None: a command that needs no repository;
    `home` None: a command that reads the user's own configuration and nothing else."""

    cwd: Path
    home: Path | None
    git_dir: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)

    def with_env(self, **env: str) -> Git:
        """The same with more environment variables."""
        return replace(self, env={**self.env, **env})

    def run(
        self,
        *args: str,
        stdin: bytes | None = None,
        timeout: float = 120.0,
        limits: Limits = LOCAL,
        check: bool = True,
        credential: Credential | None = None,
        checkpoint: Callable[[], None] = nothing,
    ) -> Result:
        """Run `git *args`. `checkpoint` is called all the while; what it raises ends the command.

        Raises PithyError: git_missing; disk_full; internal when `check` is set and git did not end with 0.
        """
        git = executable()
        environment = self._environment(credential)
        argv = _fenced([git, *FORCED, *(NO_REDIRECTS if credential else ()), *args], limits, keep=environment)
        result = _execute(argv, self.cwd, environment, stdin, timeout, checkpoint)
        if credential:
            result = replace(result, stderr=credential.mask(result.stderr))
        verb = args[2] if args[0] == "-c" else args[0]
        if not result.ok and "No space left on device" in result.stderr:
            raise PithyError(ErrorCode.DISK_FULL, f"no space left for git {verb}", detail={"git": tail(result)})
        if check and not result.ok:
            how = "took too long" if result.timed_out else f"ended with {result.code}"
            raise PithyError(ErrorCode.INTERNAL, f"git {verb} {how}", detail={"git": tail(result)})
        return result

    def _environment(self, credential: Credential | None) -> dict[str, str]:
        env = {
            "LANG": "C", "LC_ALL": "C", "LANGUAGE": "C",
            "GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "file:http:https", "GIT_ATTR_NOSYSTEM": "1",
            "GIT_NO_REPLACE_OBJECTS": "1", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0",
            "GIT_CEILING_DIRECTORIES": str(self.cwd.parent),
        }  # fmt: skip
        if self.home is None:
            env |= {name: os.environ[name] for name in USER_CONFIG if name in os.environ}
        else:
            env |= {"HOME": str(self.home), "XDG_CONFIG_HOME": str(self.home / "xdg"), "GIT_CONFIG_NOSYSTEM": "1"}
            env["GIT_CONFIG_GLOBAL"] = str(self.home / ".gitconfig")
        if self.git_dir is not None:
            env["GIT_DIR"] = str(self.git_dir)
        if credential is not None and self.home is not None:
            scheme, host = credential.origin.split("://", 1)
            env |= {
                "GIT_ASKPASS": str(self.home / "askpass"),
                "PITHY_GIT_TOKEN": credential.token,
                "PITHY_GIT_ASKED_USER": f"Username for '{credential.origin}': ",
                "PITHY_GIT_ASKED_TOKEN": f"Password for '{scheme}://{TOKEN_USER}@{host}': ",
            }
        return env | dict(self.env)


TOKEN_USER = "x-access-token"
"""The user name that GitHub takes with any kind of token."""


def tail(result: Result, characters: int = 2000) -> str:
    """The end of what git said, for an error's `detail`."""
    return result.stderr.strip()[-characters:]


def executable() -> str:
    """The git in force. Raises PithyError (git_missing) where there is none or it is too old."""
    path = shutil.which("git")
    if path is None:
        raise PithyError(ErrorCode.GIT_MISSING, "git is not installed, or not on the PATH")
    version = _version_of(path)
    numbers = re.findall(r"\d+", version)[:2]
    if tuple(map(int, numbers)) < MIN_VERSION:
        needed = ".".join(map(str, MIN_VERSION))
        raise PithyError(ErrorCode.GIT_MISSING, f"git {version} is too old: {needed} or newer is needed")
    return path


def git_version() -> str:
    """`"2.39.5"`. Raises PithyError (git_missing)."""
    return _version_of(executable())


@functools.cache
def _version_of(path: str) -> str:
    root = Path(os.path.sep)
    try:
        result = _execute([path, "version"], root, {"LC_ALL": "C"}, None, 20.0, nothing)
    except OSError as error:  # made for another machine, or no program at all
        detail = {"git": str(error)}
        raise PithyError(ErrorCode.GIT_MISSING, f"{path} does not work", detail=detail) from error
    found = re.search(r"git version (\S+)", result.text)
    if not result.ok or found is None:
        raise PithyError(ErrorCode.GIT_MISSING, f"{path} does not work", detail={"git": tail(result)})
    return found[1]


def _fenced(command: list[str], limits: Limits, keep: Mapping[str, str]) -> list[str]:
    """The command behind its limits and without the variables that GitPython would pass on from this process."""
    unset = [part for name in os.environ if name not in INHERITED and name not in keep for part in ("-u", name)]
    numbers = [str(limits.address_space >> 10), str(limits.cpu), str(limits.file_size >> 9)]
    return ["env", *unset, "sh", "-c", LIMIT_SCRIPT, "sh", *numbers, *command]


def _execute(
    argv: list[str],
    cwd: Path,
    env: dict[str, str],
    stdin: bytes | None,
    timeout: float,
    checkpoint: Callable[[], None],
) -> Result:
    try:
        from git.cmd import Git as GitPython  # 130 ms, and it runs git: only when a command is wanted
    except ImportError as error:
        raise PithyError(ErrorCode.GIT_MISSING, "git does not work here", detail={"git": str(error)[:500]}) from error
    with _as_file(stdin) as source:
        handle = GitPython(str(cwd)).execute(
            argv, istream=source, as_process=True, shell=False, env=env, start_new_session=True
        )
    process = handle.proc
    assert process is not None
    deadline = time.monotonic() + timeout
    try:
        ended = _wait(process)
        while ended is None and time.monotonic() < deadline:
            checkpoint()
            ended = _wait(process)
    except BaseException:
        _end(process)
        raise
    out, err = ended or _end(process)
    stderr = err.decode("utf-8", "replace")[-STDERR_KEPT:]
    return Result(stdout=out, stderr=stderr, code=process.returncode, timed_out=ended is None)


@contextmanager
def _as_file(stdin: bytes | None) -> Iterator[BinaryIO | None]:
    """Standard input as a nameless file: `Popen.communicate` forgets the rest of its input after a timeout."""
    if stdin is None:
        yield None
        return
    with TemporaryFile() as source:
        source.write(stdin)
        source.seek(0)
        yield source


def _wait(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes] | None:
    """What the command said if it ends within POLL seconds, else None."""
    try:
        return process.communicate(timeout=POLL)
    except subprocess.TimeoutExpired:
        return None


def _end(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """End the command's whole process group and give back what it had said."""
    for deadly, wait in ((signal.SIGTERM, GRACE), (signal.SIGKILL, GRACE)):
        try:
            os.killpg(process.pid, deadly)
        except ProcessLookupError:
            pass  # it ended in between
        try:
            return process.communicate(timeout=wait)
        except subprocess.TimeoutExpired:
            continue
    for pipe in (process.stdout, process.stderr):  # a process that left the group still holds the other ends
        if pipe is not None:
            pipe.close()
    process.wait()
    return b"", b""
