"""That there is no secret to steal. What is found is named, never shown."""

from __future__ import annotations

import os
import re
from pathlib import Path

from runner.probe.check import Check, Finding, none_of

PROMISE = "no secret"
PLACEHOLDER = "sandbox"
TELLING = {"KEY", "APIKEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "CREDENTIALS"}
PUBLIC = {"GPG_KEY"}
"""The official Python images name the key that their release is signed with: a fingerprint."""
FORMS = re.compile(
    rb"sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}"
    rb"|A[KS]IA[0-9A-Z]{16}|AIza[\w-]{30,}|-----BEGIN [A-Z ]*PRIVATE KEY"
)
FILES = (
    ".ssh", ".aws", ".azure", ".config/gcloud", ".config/gh", ".config/pithy-local", ".docker/config.json", ".gnupg",
    ".git-credentials", ".kube/config", ".netrc", ".npmrc", ".pypirc", ".cargo/credentials.toml",
)  # fmt: skip
ELSEWHERE = ("/run/secrets", "/var/run/secrets", "/etc/pithy-local", "/etc/kubernetes", "/etc/rancher")


def environments() -> Finding:
    """Of every process that can be read: words that could be secrets, and forms that are ones."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        for entry in _read(process / "environ").split(b"\0"):
            name, _, value = entry.partition(b"=")
            word = name.decode("utf-8", "replace")
            named = not TELLING.isdisjoint(word.upper().split("_")) and word not in PUBLIC
            if (named and value.decode("utf-8", "replace") not in ("", PLACEHOLDER)) or FORMS.search(value):
                found.add(f"{word} of process {process.name}")
    return none_of(sorted(found), "placeholders alone")


def arguments() -> Finding:
    found = [path.name for path in Path("/proc").glob("[0-9]*") if FORMS.search(_read(path / "cmdline"))]
    return none_of([f"process {name}" for name in sorted(found)], "none")


def files() -> Finding:
    homes = {Path("/root"), Path(os.environ.get("HOME", "/")), *Path("/home").glob("*")}
    places = [home / name for home in homes for name in FILES] + [Path(name) for name in ELSEWHERE]
    return none_of(sorted(str(place) for place in places if os.access(place, os.R_OK)), "none")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # not for us to read, or it has ended


CHECKS = (
    Check(id="keys.environment", title="no secret in any environment", promise=PROMISE, look=environments),
    Check(id="keys.arguments", title="no secret in the arguments of a process", promise=PROMISE, look=arguments),
    Check(id="keys.files", title="no file of credentials", promise=PROMISE, look=files),
)
