"""From a diff to a commit, index-only: ordinary diffs, and hostile ones as text."""

from __future__ import annotations

import shutil
import zlib
from base64 import b85encode
from pathlib import Path

import pytest

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.git.commit import Commit, make_commit
from pithy_local.git.mirror import Mirror
from pithy_local.git.policy import MAX_FILE, Stat
from tests.git.conftest import FILES, TASK, diff_of
from tests.support import git

MESSAGE = "Pithy Jaunt: Do it"


def committed(mirror: Mirror, base: str, diff: bytes, *, message: str = MESSAGE, author: str = "") -> Commit:
    return make_commit(mirror, TASK, base, diff, message=message, protected=(".github/**",), author=author)


def refused(mirror: Mirror, base: str, diff: bytes) -> PithyError:
    """The error for a diff that must change nothing in the mirror."""
    before = git("for-each-ref", cwd=mirror.repo)
    with pytest.raises(PithyError) as caught:
        committed(mirror, base, diff)
    assert git("for-each-ref", cwd=mirror.repo) == before
    assert not mirror.scratch(TASK).exists()
    return caught.value


def new_file(path: str, content: str = "x\n", mode: str = "100644") -> bytes:
    """The text of a diff that adds one file, whatever its path."""
    lines = content.splitlines(keepends=True)
    body = "".join(f"+{line}" for line in lines)
    no_newline = "" if content.endswith("\n") else "\n\\ No newline at end of file\n"
    return (
        f"diff --git a/{path} b/{path}\nnew file mode {mode}\n"
        f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{len(lines)} @@\n{body}{no_newline}"
    ).encode()


def edit(clone: Path) -> None:
    """Change, add, delete, binary, mode: all at once."""
    (clone / "README.md").write_text("# Sample\n\nMore.\n")
    (clone / "src/util.py").unlink()
    (clone / "bin").mkdir()
    (clone / "bin/run").write_text("#!/bin/sh\n")
    (clone / "bin/run").chmod(0o755)
    (clone / "data.bin").write_bytes(bytes(range(256)) * 20)
    (clone / "ohne-newline ä.txt").write_text("no newline")
    (clone / "link").symlink_to("src/app.py")


def test_the_commit_is_what_the_agent_had(mirror: Mirror, base: str, work: Path) -> None:
    diff = diff_of(work, edit)
    commit = committed(mirror, base, diff)
    changed = work.with_name("work-changed")
    git("commit", "-q", "-m", "x", cwd=changed)
    assert git("rev-parse", f"{commit.sha}^{{tree}}", cwd=mirror.repo) == git("rev-parse", "HEAD^{tree}", cwd=changed)
    assert commit.stat == Stat(files=6, added=5, removed=1)
    assert git("rev-parse", f"refs/pithy/{TASK}/head", cwd=mirror.repo) == commit.sha
    assert git("rev-list", "--parents", "-1", commit.sha, cwd=mirror.repo) == f"{commit.sha} {base}"


@pytest.fixture
def named_user(user_home: Path) -> None:
    """This host has a git identity."""
    (user_home / ".gitconfig").write_text("[user]\n\tname = Jo\n\temail = jo@example.org\n")


@pytest.mark.usefixtures("named_user")
def test_message_and_author(mirror: Mirror, base: str) -> None:
    message = "Pithy Jaunt: --amend \N{SNOWMAN}\n\n# not a comment\n-F x"
    host = committed(mirror, base, new_file("a"), message=message)
    named = committed(mirror, base, new_file("b"), author="Ada <ada@example.org>")
    shown = "%an <%ae> %cn <%ce>%n%B"
    assert git("log", "-1", f"--format={shown}", host.sha, cwd=mirror.repo).strip() == (
        f"Jo <jo@example.org> Jo <jo@example.org>\n{message}"
    )
    assert git("log", "-1", "--format=%an <%ae>", named.sha, cwd=mirror.repo) == "Ada <ada@example.org>"


def test_without_any_identity_it_is_ours(mirror: Mirror, base: str) -> None:
    commit = committed(mirror, base, new_file("a"))
    assert git("log", "-1", "--format=%an <%ae>", commit.sha, cwd=mirror.repo) == "Pithy Jaunt <pithy-jaunt@localhost>"


def test_no_file_is_checked_out_and_nothing_is_left(mirror: Mirror, base: str) -> None:
    before = files_of(mirror)
    commit = committed(mirror, base, new_file("a"))
    mirror.release(TASK)
    assert files_of(mirror) == before
    assert git("cat-file", "-t", commit.sha, cwd=mirror.repo) == "commit"


def files_of(mirror: Mirror) -> set[Path]:
    """Every file of the mirror but its objects."""
    return {path for path in mirror.folder.rglob("*") if path.is_file() and "objects" not in path.parts}


def test_what_a_killed_attempt_left_is_no_obstacle(mirror: Mirror, base: str) -> None:
    mirror.scratch(TASK).mkdir()
    (mirror.scratch(TASK) / "index.lock").touch()
    assert committed(mirror, base, new_file("a")).stat.files == 1


def test_a_diff_that_does_not_fit_is_rejected_with_gits_words(mirror: Mirror, base: str) -> None:
    diff = b"--- a/README.md\n+++ b/README.md\n@@ -1 +1 @@\n-# Other\n+# New\n"
    error = refused(mirror, base, diff)
    assert error.code is ErrorCode.PATCH_REJECTED
    assert "README.md" in error.detail["git"]


@pytest.mark.parametrize("diff", [b"garbage\n", b"diff --git a/x b/x\n", new_file("a")[:-3], new_file("README.md")])
def test_what_is_no_diff_for_this_base_is_rejected(mirror: Mirror, base: str, diff: bytes) -> None:
    assert refused(mirror, base, diff).code is ErrorCode.PATCH_REJECTED


def test_an_empty_diff_is_empty(mirror: Mirror, base: str) -> None:
    assert refused(mirror, base, b" \n").code is ErrorCode.PATCH_EMPTY


def test_a_diff_that_undoes_itself_is_empty(mirror: Mirror, base: str) -> None:
    there, back = (f"--- a/README.md\n+++ b/README.md\n@@ -1 +1 @@\n-{a}\n+{b}\n" for a, b in (PAIR, PAIR[::-1]))
    assert refused(mirror, base, (there + back).encode()).code is ErrorCode.PATCH_EMPTY


PAIR = ("# Sample", "# Other")


@pytest.mark.parametrize(
    "path",
    ["../out", "a/../../out", ".git/hooks/pre-push", ".git/config", "sub/.git/config", "sub/.GIT/config",
     "git~1/config", "/etc/passwd", ".git\u200c/config", ".git /config", ".git::$INDEX_ALLOCATION/config",
     ".gitmodules", "a\\b"],
)  # fmt: skip
def test_a_path_that_leads_out_is_stopped(mirror: Mirror, base: str, path: str, tmp_path: Path) -> None:
    error = refused(mirror, base, new_file(path))
    assert error.code is ErrorCode.POLICY
    assert [one["rule"] for one in error.detail["violations"]] == ["path"]


def test_a_quoted_path_with_a_newline_is_stopped(mirror: Mirror, base: str) -> None:
    diff = new_file("PLACE").replace(b"a/PLACE b/PLACE", rb'"a/x\ny" "b/x\ny"').replace(b"b/PLACE", rb'"b/x\ny"')
    error = refused(mirror, base, diff)
    assert error.code is ErrorCode.POLICY
    assert error.detail["violations"][0]["path"] == r"x\ny"


@pytest.mark.parametrize("target", ["/etc/passwd", "../../x", ".git/config"])
def test_a_symlink_out_is_stopped(mirror: Mirror, base: str, target: str) -> None:
    error = refused(mirror, base, new_file("link", target, "120000"))
    assert [one["rule"] for one in error.detail["violations"]] == ["symlink"]


def test_a_file_turned_into_a_symlink_out_is_stopped(mirror: Mirror, base: str, work: Path) -> None:
    def change(clone: Path) -> None:
        (clone / "README.md").unlink()
        (clone / "README.md").symlink_to("/etc/passwd")

    assert refused(mirror, base, diff_of(work, change)).code is ErrorCode.POLICY


def test_writing_through_a_symlink_is_stopped(mirror: Mirror, base: str) -> None:
    error = refused(mirror, base, new_file("link", "/tmp", "120000") + new_file("link/x"))
    assert error.code is ErrorCode.POLICY


def test_a_submodule_is_stopped(mirror: Mirror, base: str) -> None:
    error = refused(mirror, base, new_file("vendored", f"Subproject commit {base}\n", "160000"))
    assert [one["rule"] for one in error.detail["violations"]] == ["submodule"]


def test_a_case_collision_is_stopped(mirror: Mirror, base: str) -> None:
    error = refused(mirror, base, new_file("readme.md"))
    assert [one["rule"] for one in error.detail["violations"]] == ["collision"]


def test_a_protected_file_is_stopped_and_named(mirror: Mirror, base: str) -> None:
    error = refused(mirror, base, new_file(".github/workflows/ci.yml"))
    assert error.code is ErrorCode.POLICY
    assert [one["path"] for one in error.detail["protected"]] == [".github/workflows/ci.yml"]


def test_odd_modes_become_ordinary_ones(mirror: Mirror, base: str) -> None:
    commit = committed(mirror, base, new_file("a", mode="104755"))
    assert git("ls-tree", commit.sha, "a", cwd=mirror.repo).startswith("100755 ")


def test_a_big_file_is_stopped(mirror: Mirror, base: str) -> None:
    error = refused(mirror, base, new_file("big.txt", "x" * MAX_FILE + "\n"))
    assert error.detail["violations"][0]["rule"] == "size"


def test_a_small_patch_that_inflates_is_stopped_by_its_limits(mirror: Mirror, base: str) -> None:
    error = refused(mirror, base, bomb(size=3 << 30))
    assert error.code is ErrorCode.POLICY
    assert [one["rule"] for one in error.detail["violations"]] == ["size"]


def bomb(size: int) -> bytes:
    """A binary patch of a few kB that claims to be one file of `size` zeros, and starts to be."""
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush()
    lines = [data[at : at + 52] for at in range(0, len(data), 52)]
    encoded = b"".join(length_letter(len(line)) + b85encode(line, pad=True) + b"\n" for line in lines)
    head = b"diff --git a/z b/z\nnew file mode 100644\nindex %b..%b\nGIT binary patch\nliteral %d\n"
    return head % (b"0" * 40, b"1" * 40, size) + encoded + b"\nliteral 0\nHcmV?d00001\n\n"


def length_letter(length: int) -> bytes:
    return bytes([length + 64]) if length <= 26 else bytes([length - 26 + 96])


def test_attributes_and_filters_of_the_change_run_nothing(mirror: Mirror, base: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    with open(mirror.repo / "config", "a") as config:  # as if the mirror's own configuration had been reached
        config.write(f'[filter "evil"]\n\tclean = touch {canary}\n\tsmudge = touch {canary}\n')
        config.write(f'[diff "evil"]\n\tcommand = touch {canary}\n\ttextconv = touch {canary}\n')
    attributes = "* filter=evil diff=evil merge=evil text eol=crlf\n"
    commit = committed(mirror, base, new_file(".gitattributes", attributes) + new_file("a.txt"))
    assert git("cat-file", "blob", f"{commit.sha}:a.txt", cwd=mirror.repo) == "x"
    assert not canary.exists()


def test_a_base_the_mirror_does_not_hold_is_an_error(mirror: Mirror, base: str) -> None:
    assert refused(mirror, "1" * 40, new_file("a")).code in (ErrorCode.INTERNAL, ErrorCode.REPO_ANALYSIS)


def test_it_works_while_the_remote_is_gone(mirror: Mirror, base: str, bare: Path) -> None:
    shutil.rmtree(bare)
    assert committed(Mirror(mirror.folder.parent, mirror.remote), base, new_file("a")).stat.files == 1


def test_files_keep_their_line_ends(mirror: Mirror, base: str, work: Path) -> None:
    commit = committed(mirror, base, diff_of(work, lambda clone: (clone / "dos.txt").write_bytes(b"a\r\nb\r\n")))
    done = git("cat-file", "blob", f"{commit.sha}:dos.txt", cwd=mirror.repo)
    assert done == "a\r\nb\r"  # the helper takes the last newline off
    assert set(FILES) < set(git("ls-tree", "-r", "--name-only", commit.sha, cwd=mirror.repo).splitlines())
