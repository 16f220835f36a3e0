"""What may leave a sandbox: hostile trees, made without git's own checks where git would stop them first."""

from __future__ import annotations

import pytest

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.git import policy
from pithy_local.git.mirror import Mirror
from pithy_local.git.policy import Stat, check, link_fault, path_fault
from tests.git.conftest import blob, tree_diff

PROTECTED = (".github/workflows/**", ".pithy.toml")


def judged(mirror: Mirror, base: str, *entries: tuple[str, str, bytes]) -> Stat:
    """Judge the base with entries (mode, object id, path) put over it."""
    lines = b"".join(f"{mode} {sha}\t".encode() + path + b"\0" for mode, sha, path in entries)
    return check(mirror.git, f"{base}^{{tree}}", tree_diff(mirror, base, lines), PROTECTED)


def broken(mirror: Mirror, base: str, *entries: tuple[str, str, bytes]) -> list[tuple[str, str]]:
    """(rule, path) of the hard violations."""
    with pytest.raises(PithyError) as caught:
        judged(mirror, base, *entries)
    assert caught.value.code is ErrorCode.POLICY
    return [(one["rule"], one["path"]) for one in caught.value.detail["violations"]]


def test_an_ordinary_change_passes_and_is_counted(mirror: Mirror, base: str) -> None:
    text, run = blob(mirror, b"one\ntwo\n"), blob(mirror, b"#!/bin/sh\n")
    stat = judged(
        mirror, base,
        ("100644", text, b"new.txt"), ("100755", run, b"bin/run"), ("0", "0" * 40, b"src/util.py"),
        ("100644", blob(mirror, b"\0binary"), b"data.bin"),
    )  # fmt: skip
    assert stat == Stat(files=4, added=3, removed=1)


def test_ordinary_dot_files_and_foreign_names_pass(mirror: Mirror, base: str) -> None:
    text = blob(mirror, b"x\n")
    names = (".gitignore", ".gitattributes", ".github/CODEOWNERS", "docs/größe.md", "日本/語.txt", "a b (c)'d.txt")
    assert judged(mirror, base, *(("100644", text, name.encode()) for name in names)).files == len(names)


@pytest.mark.parametrize(
    "path",
    [b"a/b\nc", b"tab\there", b"esc\x1b[2J", b"del\x7f", b"bad\xff", b"back\\slash", "bidi\u202etxt".encode(),
     "c1\u0085x".encode(), "a/.g\u200cit/config".encode(), b"a/git~1/config", b"a/.git./x", b".git/config",
     b"a/.git::$INDEX_ALLOCATION/x", b".gitmodules", b"sub/.GITMODULES", b"gitmod~1", b"C:evil", b"x" * 256,
     b"/".join([b"deep"] * 300), b"a/../b", b"/abs", b"a//b", b"..", b"a/.", b""],
)  # fmt: skip
def test_paths_that_no_change_may_write_to(path: bytes) -> None:
    assert path_fault(path) is not None


@pytest.mark.parametrize("path", [b"a", b".github/x", b"x" * 255, "gr\u00f6\u00dfe/\u8a9e".encode(), b"a b/c'd\"e"])
def test_paths_that_any_change_may_write_to(path: bytes) -> None:
    assert path_fault(path) is None


def test_a_weird_path_in_a_real_tree_is_found(mirror: Mirror, base: str) -> None:
    text = blob(mirror, b"x\n")
    assert broken(mirror, base, ("100644", text, b"a/b\nc"), ("100644", text, b"bad\xff")) == [
        ("path", r"a/b\nc"),
        ("path", r"bad\xff"),
    ]


def test_a_submodule_is_refused(mirror: Mirror, base: str) -> None:
    assert broken(mirror, base, ("160000", base, b"vendored")) == [("submodule", "vendored")]


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("link", "/etc/passwd"), ("link", ".."), ("link", "../x"), ("a/link", "../../x"), ("link", "a/../../x"),
        ("link", "a/.."), ("link", "a/../b"), ("link", ".git/config"), ("a/link", "../.GIT/hooks"), ("link", "C:/x"),
        ("link", "a\\b"), ("link", "a\nb"), ("link", "./../x"), ("link", "x" * 2000), ("link", "~/.ssh/\x07"),
    ],
)  # fmt: skip
def test_a_symlink_that_may_lead_out_is_refused(mirror: Mirror, base: str, path: str, target: str) -> None:
    assert broken(mirror, base, ("120000", blob(mirror, target.encode()), path.encode())) == [("symlink", path)]


@pytest.mark.parametrize(
    ("path", "target"), [("link", "README.md"), ("a/link", "../src/app.py"), ("a/b/link", "./../../x"), ("link", ".")]
)
def test_a_symlink_inside_passes(mirror: Mirror, base: str, path: str, target: str) -> None:
    assert judged(mirror, base, ("120000", blob(mirror, target.encode()), path.encode())).files == 1


def test_an_empty_target_is_refused() -> None:
    assert link_fault(b"a", b"") is not None


@pytest.mark.parametrize(
    "paths",
    [[b"readme.MD"], [b"SRC/new.py"], [b"x/a", b"X/b"], ["caf\u00e9".encode(), "cafe\u0301".encode()], [b"Src"],
     ["stra\u00dfe".encode(), b"STRASSE"], ["a\u200d".encode(), b"a"]],
)  # fmt: skip
def test_names_that_collide_on_other_systems_are_refused(mirror: Mirror, base: str, paths: list[bytes]) -> None:
    text = blob(mirror, b"x\n")
    found = broken(mirror, base, *(("100644", text, path) for path in paths))
    assert {rule for rule, _ in found} == {"collision"}


def test_a_rename_of_the_case_is_no_collision(mirror: Mirror, base: str) -> None:
    text = blob(mirror, b"x\n")
    assert judged(mirror, base, ("0", "0" * 40, b"README.md"), ("100644", text, b"Readme.md")).files == 2


def test_a_collision_of_the_base_is_not_the_changes_fault(mirror: Mirror, base: str) -> None:
    text = blob(mirror, b"x\n")
    alike = b"".join(f"100644 {text}\t".encode() + path + b"\0" for path in (b"Dir/a", b"dir/a"))
    old = tree_diff(mirror, base, alike)
    new = tree_diff(mirror, old, f"100644 {text}\tDir/b\0".encode())
    assert check(mirror.git, old, new, ()).files == 1


def test_a_file_that_is_too_big_is_refused(mirror: Mirror, base: str) -> None:
    big = blob(mirror, bytes(policy.MAX_FILE + 1))
    assert broken(mirror, base, ("100644", big, b"big.bin")) == [("size", "big.bin")]


def test_too_much_in_all_is_refused(mirror: Mirror, base: str) -> None:
    count = policy.MAX_TOTAL // policy.MAX_FILE + 1
    blobs = [blob(mirror, bytes([number]) * policy.MAX_FILE) for number in range(count)]
    entries = [("100644", sha, f"{number}.bin".encode()) for number, sha in enumerate(blobs)]
    assert broken(mirror, base, *entries) == [("size", "")]


def test_too_many_files_are_refused(mirror: Mirror, base: str) -> None:
    text = blob(mirror, b"x\n")
    entries = [("100644", text, f"f/{number}".encode()) for number in range(policy.MAX_FILES + 1)]
    assert broken(mirror, base, *entries) == [("size", "")]


def test_too_many_lines_are_refused(mirror: Mirror, base: str) -> None:
    long = blob(mirror, b"x\n" * (policy.MAX_LINES + 1))
    assert broken(mirror, base, ("100644", long, b"long.txt")) == [("size", "")]


@pytest.mark.parametrize("path", [".github/workflows/ci.yml", ".GITHUB/workflows/x", ".pithy.toml"])
def test_protected_paths_are_kept_apart_from_violations(mirror: Mirror, base: str, path: str) -> None:
    with pytest.raises(PithyError) as caught:
        judged(mirror, base, ("100644", blob(mirror, b"x\n"), path.encode()))
    assert caught.value.code is ErrorCode.POLICY
    assert caught.value.detail["violations"] == []
    assert [one["path"] for one in caught.value.detail["protected"]] == [path]
    assert path in caught.value.message


def test_deleting_a_protected_file_needs_a_look_too(mirror: Mirror, base: str) -> None:
    text = blob(mirror, b"x\n")
    old = tree_diff(mirror, base, f"100644 {text}\t.github/workflows/ci.yml\0".encode())
    with pytest.raises(PithyError) as caught:
        check(mirror.git, old, f"{base}^{{tree}}", PROTECTED)
    assert len(caught.value.detail["protected"]) == 1


def test_all_violations_are_listed_up_to_a_bound(mirror: Mirror, base: str) -> None:
    text = blob(mirror, b"x\n")
    entries = [("100644", text, f"bad\\{number:03}".encode()) for number in range(policy.MAX_LISTED + 7)]
    with pytest.raises(PithyError) as caught:
        judged(mirror, base, *entries, ("100644", text, b".pithy.toml"))
    detail = caught.value.detail
    assert (len(detail["violations"]), len(detail["protected"]), detail["more"]) == (policy.MAX_LISTED, 1, 7)
    assert f"and {policy.MAX_LISTED + 7} more" in caught.value.message


def test_removing_what_is_weird_is_allowed(mirror: Mirror, base: str) -> None:
    text = blob(mirror, b"x\n")
    weird = f"100644 {text}\tback\\slash", f"160000 {base}\tvendored", ""
    old = tree_diff(mirror, base, "\0".join(weird).encode())
    assert check(mirror.git, old, f"{base}^{{tree}}", ()).files == 2
