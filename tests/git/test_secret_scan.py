"""Secrets in a change: known formats and our own are found and named by place and kind, never shown."""

from __future__ import annotations

import base64
import json
import random
import string
import time
from pathlib import Path

import pytest

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.git.commit import Commit, make_commit
from pithy_local.git.mirror import Mirror
from pithy_local.git.remote import parse_repo
from tests.git.conftest import TASK, diff_of, fetched
from tests.support import commit_files, git

OWN = "sk-test-0000-this-is-mine"


def token(prefix: str, length: int, alphabet: str = string.ascii_letters + string.digits, seed: int = 7) -> str:
    """A made-up secret: no file of this project holds one."""
    return prefix + "".join(random.Random(seed).choices(alphabet, k=length))


UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
KEY_LINE = token("MII", 61)
GITHUB = token("ghp_", 36)
SECRETS = {
    "a GitHub token": GITHUB,
    "a GitHub token (fine-grained)": token("github_pat_", 82, string.ascii_letters + string.digits + "_"),
    "an AWS access key": token("AKIA", 16, UPPER),
    "an AWS secret key": token("aws_secret_access_key = ", 40),
    "a GitLab token": token("glpat-", 20),
    "a Slack token": token("xoxb-123456789012-", 24),
    "a Slack webhook": token("https://hooks.slack.com/services/T0123ABCD/B0123ABCD/", 24),
    "an OpenAI key": token("sk-proj-", 80),
    "an OpenAI key (old)": token("sk-", 20) + "T3BlbkFJ" + token("", 20, seed=8),
    "an Anthropic key": token("sk-ant-api03-", 95),
    "a Google API key": token("AIza", 35),
    "a Google OAuth secret": token("GOCSPX-", 28),
    "a Stripe key": token("sk_live_", 24),
    "an npm token": token("npm_", 36),
    "a PyPI token": token("pypi-AgEIcHlwaS5vcmc", 60),
    "a Hugging Face token": token("hf_", 34, string.ascii_letters),
    "a SendGrid key": token("SG.", 22) + token(".", 43, seed=9),
    "a JSON Web Token": token("eyJ", 30) + token(".eyJ", 60, seed=8) + token(".", 43, seed=9),
    "a private key": f"-----BEGIN RSA PRIVATE KEY-----\n{KEY_LINE}\n-----END RSA PRIVATE KEY-----",
    "a private key (in a string)": f'"-----BEGIN PRIVATE KEY-----\\n{KEY_LINE}\\n"',
    "a private key (encrypted)": f"-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n{KEY_LINE}\n",
    "a private key (PGP)": f"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 1\n\n{KEY_LINE}\n",
}


def committed(
    mirror: Mirror, base: str, work: Path, files: dict[str, str | bytes], *, accepted: bool = False
) -> Commit:
    """Commit a change that writes `files`."""

    def write(clone: Path) -> None:
        for name, content in files.items():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            (clone / name).write_bytes(content.encode() if isinstance(content, str) else content)

    diff = diff_of(work, write)
    return make_commit(
        mirror, TASK, base, diff, message="x", protected=(".github/**",), secrets=[OWN], accepted=accepted
    )


def found(mirror: Mirror, base: str, work: Path, files: dict[str, str | bytes]) -> list[tuple[str, str]]:
    """(path, reason) of the secrets that stop a change."""
    with pytest.raises(PithyError) as caught:
        committed(mirror, base, work, files)
    error = caught.value
    assert (error.code, error.detail["violations"], error.detail["protected"]) == (ErrorCode.POLICY, [], [])
    assert {one["rule"] for one in error.detail["secrets"]} == {"secret"}
    told = json.dumps(error.to_json())
    assert not any(secret in told for secret in (*SECRETS.values(), KEY_LINE, OWN))
    assert git("for-each-ref", "refs/pithy/", cwd=mirror.repo) == ""
    return [(one["path"], one["reason"]) for one in error.detail["secrets"]]


def test_known_formats_stop_a_change_with_place_and_kind(mirror: Mirror, base: str, work: Path) -> None:
    files: dict[str, str | bytes] = {
        f"conf/{number:02}.ini": f"first line\nkey = {secret}\nlast line\n"
        for number, secret in enumerate(SECRETS.values())
    }
    assert found(mirror, base, work, files) == [
        (path, f"{kind.partition(' (')[0]} in line 2") for path, kind in zip(files, SECRETS, strict=True)
    ]


@pytest.mark.parametrize(
    "form",
    [OWN, base64.b64encode(f"user:{OWN}".encode()).decode(), OWN.encode().hex(), json.dumps(OWN), f"x{OWN}y"],
    ids=["plain", "base64", "hex", "json", "inside"],
)
def test_our_own_secrets_stop_a_change_in_every_form(mirror: Mirror, base: str, work: Path, form: str) -> None:
    assert found(mirror, base, work, {"a.txt": f"one\n\n{form}\n"}) == [
        ("a.txt", "a key or token of this machine in line 3")
    ]


def test_a_binary_file_is_read_too(mirror: Mirror, base: str, work: Path) -> None:
    assert found(mirror, base, work, {"a.bin": b"\0\1\2\n" + GITHUB.encode() + b"\0"}) == [
        ("a.bin", "a GitHub token in line 2")
    ]


def test_each_is_told_in_order(mirror: Mirror, base: str, work: Path) -> None:
    second = token("ghp_", 36, seed=2)
    assert found(mirror, base, work, {"b.txt": f"{GITHUB}\n\n{second} {GITHUB}\n", "a.txt": OWN}) == [
        ("a.txt", "a key or token of this machine in line 1"),
        ("b.txt", "a GitHub token in line 1"),
        ("b.txt", "a GitHub token in line 3"),
        ("b.txt", "a GitHub token in line 3"),
    ]


def test_placeholders_and_ordinary_text_pass(mirror: Mirror, base: str, work: Path) -> None:
    harmless = [
        "AKIAIOSFODNN7EXAMPLE", "ghp_" + "x" * 36, "ghp_" + "0" * 36, "ghp_XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
        "sk-ant-api03-your-key-goes-here-and-is-quite-long-indeed", "sk-proj-placeholder" + "a1" * 20,
        "glpat-" + "abab" * 5, "sk-" + "short", token("ghp_", 35), token("xghp_", 36), "github_pat_short",
        'BEGIN = "-----BEGIN PRIVATE KEY-----"', "-----BEGIN PUBLIC KEY-----\n" + KEY_LINE,
        "-----BEGIN PRIVATE KEY-----\n<your key>\n", "aws_secret_access_key = ${AWS_SECRET}", "eyJhbGciOiJIUzI1NiJ9",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIn0."
        + token("", 43),
        token("", 40, "0123456789abcdef"), token("sha512-", 86),
    ]  # fmt: skip
    files: dict[str, str | bytes] = {f"{number}.txt": f"{text}\n" for number, text in enumerate(harmless)}
    assert committed(mirror, base, work, files).stat.files == len(harmless)


@pytest.fixture
def with_secret(tmp_path: Path, work: Path) -> tuple[Mirror, str]:
    """A mirror of a repository that holds a secret already, and its base."""
    sha = commit_files(work, {"old.txt": f"a\nkey = {GITHUB}\n{OWN}\nb\n"})
    return fetched(tmp_path, parse_repo(str(work))), sha


@pytest.mark.parametrize(
    "files",
    [
        {"old.txt": f"a\nc\nkey = {GITHUB}\n{OWN}\nb\n"},
        {"old.txt": f"a\nb\n  key: {GITHUB}\n"},
        {"old.txt": "a\n", "new.txt": f"{GITHUB}\n   {OWN}\n"},
    ],
    ids=["beside it", "rewritten line", "another file"],
)
def test_what_was_there_before_and_is_only_moved_passes(
    with_secret: tuple[Mirror, str], work: Path, files: dict[str, str | bytes]
) -> None:
    mirror, base = with_secret
    assert committed(mirror, base, work, files).stat.files == len(files)


def test_a_copy_into_a_new_file_is_stopped(with_secret: tuple[Mirror, str], work: Path) -> None:
    mirror, base = with_secret
    assert found(mirror, base, work, {"new.txt": GITHUB}) == [("new.txt", "a GitHub token in line 1")]


def test_removing_a_secret_passes(with_secret: tuple[Mirror, str], work: Path) -> None:
    mirror, base = with_secret
    assert committed(mirror, base, work, {"old.txt": "a\n"}).stat.removed == 3


def test_a_person_may_let_a_secret_through(mirror: Mirror, base: str, work: Path) -> None:
    files: dict[str, str | bytes] = {"a.txt": f"{GITHUB}\n{OWN}\n", ".github/workflows/x.yml": "on: push\n"}
    assert committed(mirror, base, work, files, accepted=True).stat.files == 2


def test_protected_paths_are_told_beside_secrets(mirror: Mirror, base: str, work: Path) -> None:
    with pytest.raises(PithyError) as caught:
        committed(mirror, base, work, {"a.txt": GITHUB, ".github/x.yml": "a"})
    detail = caught.value.detail
    assert [len(detail[name]) for name in ("violations", "protected", "secrets")] == [0, 1, 1]
    assert "a.txt: a GitHub token in line 1 (and 1 more)" in caught.value.message


def test_nobody_lets_a_violation_through(mirror: Mirror, base: str, work: Path) -> None:
    with pytest.raises(PithyError) as caught:
        committed(mirror, base, work, {"readme.md": "collides\n", "a.txt": GITHUB}, accepted=True)
    assert [one["rule"] for one in caught.value.detail["violations"]] == ["collision"]
    assert (caught.value.detail["secrets"], caught.value.detail["protected"]) == ([], [])


@pytest.mark.parametrize("unit", ["ghp_", "eyJ", "sk-ant-", "-----BEGIN A PRIVATE KEY-----", "a"])
def test_a_big_hostile_file_takes_no_time(mirror: Mirror, base: str, work: Path, unit: str) -> None:
    started = time.process_time()
    committed(mirror, base, work, {"a.txt": unit * (4_000_000 // len(unit))})
    assert time.process_time() - started < 9


def test_very_many_secrets_are_told_up_to_a_bound_and_take_no_time(mirror: Mirror, base: str, work: Path) -> None:
    started = time.process_time()
    with pytest.raises(PithyError) as caught:
        committed(mirror, base, work, {"a.txt": f"{GITHUB}\n" * 50_000})
    assert (len(caught.value.detail["secrets"]), caught.value.detail["more"]) == (50, 49_950)
    assert time.process_time() - started < 9
