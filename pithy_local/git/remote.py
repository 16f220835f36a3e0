"""What the user may give as a repository: `owner/name`, an http(s) URL, a path to a local repository."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from pithy_local.errors import ErrorCode, UsageError
from pithy_local.git.adapter import Git
from pithy_local.paths import expanded

FORMS = "Give owner/name, an https URL, or a path to a local repository."
ABSOLUTE = "Give owner/name, an https URL, or the absolute path of a repository on the server's machine."
OWNER = r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}"
NAME = r"[A-Za-z0-9._-]{1,100}"
SLUG = re.compile(rf"({OWNER})/({NAME})")
SCP = re.compile(r"[^/\s]+@[^/\s]+:|[^/\s@]+\.[^/\s@]+:(?!//)")
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(//|:)")

Kind = Literal["github", "url", "path"]


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A repository to fetch from and push to.

    `display` parses back to the same remote, wherever the process stands; `url` is what git is given (for a GitHub
    repository "" until `at` has filled in what the API says); `slug` is `owner/name`, of GitHub repositories alone.
    """

    kind: Kind
    display: str
    url: str
    slug: str | None = None

    def at(self, clone_url: str) -> Remote:
        """The same repository at the clone URL that the forge named. Raises UsageError for one that is no URL."""
        return replace(self, url=_http_url(clone_url))


def parse_repo(text: str, *, api_url: str = "https://api.github.com", from_here: bool = True) -> Remote:
    """Read what the user gave. `owner/name` is always GitHub; a path of that shape is written `./owner/name`.

    A URL on the web host that belongs to `api_url` is that GitHub repository. `from_here` False: who asks does not
    share this process' working directory and home, and a path must be absolute. Nothing is looked up.
    Raises UsageError for every other form.
    """
    text = text.strip()
    if not text or text.startswith("-") or not text.isprintable():
        raise UsageError(f"not a repository: {text!r}", hint=FORMS)
    scheme = SCHEME.match(text)
    if scheme is not None:
        return _from_url(text, scheme[1].lower(), api_url)
    slug = _slug(text)
    if slug is not None:
        return Remote(kind="github", display=slug, url="", slug=slug)
    if SCP.match(text):
        raise UsageError(f"ssh is not supported: {text}", hint=_https_hint(text))
    if not from_here and not Path(text).is_absolute():
        raise UsageError(f"not a repository: {text} is a path that is not absolute", hint=ABSOLUTE)
    path = expanded(text)
    return Remote(kind="path", display=os.path.normpath(path), url=os.path.realpath(path))


def check_local(path: str | Path) -> None:
    """Raises UsageError (code repo_unreachable) unless `path` is a git repository, bare or not."""
    folder = Path(path)
    try:
        there, is_folder = folder.exists(), folder.is_dir()
    except OSError as error:  # a folder that may not be entered, a name that is too long
        raise _no_repository(f"cannot look at the repository: {error.strerror}: {folder}", FORMS) from error
    if not there:
        raise _no_repository(f"there is no {folder}", FORMS)
    if not is_folder:
        raise _no_repository(f"{folder} is not a directory", FORMS)
    if git_directory(folder) is None:
        raise _no_repository(f"{folder} is not a git repository", "Name its top folder, or `git init` it and commit.")


def git_directory(folder: Path) -> Path | None:
    """Where the repository at `folder` keeps its objects and refs; None where there is no repository."""
    git = Git(cwd=Path(os.path.sep), home=Path(os.devnull))
    for candidate in (folder / ".git", folder):
        found = git.run("rev-parse", "--resolve-git-dir", str(candidate), check=False)
        if found.ok:
            return Path(os.fsdecode(found.stdout.rstrip(b"\n"))).absolute()
    return None


def has_work_tree(folder: Path) -> bool:
    """Whether the repository at `folder` is one with files checked out, not a bare one."""
    return folder.name == ".git" or (folder / ".git").exists()


def _from_url(text: str, scheme: str, api_url: str) -> Remote:
    if scheme == "file":
        raise UsageError(f"not supported: {text}", hint="Give the path itself.")
    if scheme not in ("http", "https"):
        raise UsageError(f"{scheme} is not supported: {text}", hint=_https_hint(text))
    url = _http_url(text)
    parts = urlsplit(url)
    if f"{parts.scheme}://{parts.netloc}" == _web_origin(api_url):
        slug = _slug(parts.path.strip("/"))
        if slug is None:
            raise UsageError(f"not a GitHub repository: {url}", hint="Give owner/name.")
        return Remote(kind="github", display=slug, url="", slug=slug)
    return Remote(kind="url", display=url, url=url)


def _http_url(text: str) -> str:
    """An http(s) URL with a host and a path and nothing else. Raises UsageError, without the credentials in it."""
    try:
        parts = urlsplit(text)
        port_ok = parts.port != 0
    except ValueError:
        raise UsageError("not a URL that can be cloned", hint=FORMS) from None
    if parts.username is not None or parts.password is not None:
        raise UsageError(
            f"a URL with credentials in it is not taken (host {parts.hostname})",
            hint="It would end up in logs and process lists. For GitHub set GITHUB_TOKEN and give owner/name.",
        )
    plain = parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.fragment
    clean = text.isascii() and re.fullmatch(r"[!-~]+", text) and not re.search(r"[\"'<>\\^`{|}]", text)
    if not plain or not port_ok or not clean or not parts.path.strip("/"):
        raise UsageError(f"not a URL that can be cloned: {text}", hint=FORMS)
    return SplitResult(parts.scheme, parts.netloc.lower(), parts.path.rstrip("/"), "", "").geturl()


def _slug(text: str) -> str | None:
    found = SLUG.fullmatch(text)
    if found is None:
        return None
    name = found[2].removesuffix(".git")
    return f"{found[1]}/{name}" if name.strip(".") else None


def _web_origin(api_url: str) -> str | None:
    """Where people see the repositories of an API: api.HOST → HOST, HOST/api/v3 → HOST (GitHub Enterprise)."""
    parts = urlsplit(api_url)
    if parts.netloc.startswith("api."):
        return f"{parts.scheme}://{parts.netloc.removeprefix('api.')}"
    if parts.path.rstrip("/") == "/api/v3":
        return f"{parts.scheme}://{parts.netloc}"
    return None


def _https_hint(text: str) -> str:
    found = re.search(rf"github\.com[:/]({OWNER}/{NAME})/?$", text)
    return f"Give {found[1].removesuffix('.git')} instead." if found else FORMS


def _no_repository(message: str, hint: str) -> UsageError:
    return UsageError(message, hint=hint, code=ErrorCode.REPO_UNREACHABLE)
