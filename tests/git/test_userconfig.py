"""The user's identity, proxy and certificates are taken over; nothing else is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.git.adapter import Git
from pithy_local.git.userconfig import FALLBACK_IDENTITY, host_identity, prepare_home, user_config


def test_a_configured_author_wins(user_home: Path) -> None:
    (user_home / ".gitconfig").write_text("[user]\n\tname = Jo\n\temail = jo@example.org\n")
    assert host_identity("Ada L <ada@example.org>") == ("Ada L", "ada@example.org")


def test_the_hosts_identity_is_next_also_through_an_include(user_home: Path) -> None:
    (user_home / ".gitconfig").write_text("[include]\n\tpath = more\n[user]\n\tname = Jo Ö\n")
    (user_home / "more").write_text("[user]\n\temail = jo@example.org\n")
    assert host_identity() == ("Jo Ö", "jo@example.org")


@pytest.mark.parametrize("config", ["", "[user]\n\tname = Jo\n"])
def test_without_a_whole_identity_it_is_ours(user_home: Path, config: str) -> None:
    (user_home / ".gitconfig").write_text(config)
    assert host_identity() == FALLBACK_IDENTITY


def test_proxy_and_certificates_are_taken_over_and_nothing_else(user_home: Path, tmp_path: Path) -> None:
    (user_home / ".gitconfig").write_text(
        '[http]\n\tproxy = http://proxy.example:3128\n\textraHeader = "Authorization: canary"\n'
        '[http "https://git.example/"]\n\tsslCAInfo = ~/ca "x".pem\n'
        '[credential]\n\thelper = store\n[url "ssh://evil/"]\n\tinsteadOf = https://\n'
    )
    home = prepare_home(tmp_path / "home", ["/srv/a b.git"])
    git = Git(cwd=tmp_path, home=home)
    listed = git.run("config", "--list", "--global").text.splitlines()
    assert "http.proxy=http://proxy.example:3128" in listed
    assert f"http.https://git.example/.sslcainfo={user_home}/ca x.pem" in listed
    assert "safe.directory=/srv/a b.git" in listed
    assert "credential.helper=" in listed
    assert not any("canary" in line or "insteadof" in line or "store" in line for line in listed)


def test_a_home_that_nobody_has_and_no_file_at_all_are_taken_as_they_are(user_home: Path) -> None:
    (user_home / ".gitconfig").write_text("[http]\n\tsslCAInfo = ~nobody-has-this/ca.pem\n\tsslCAPath =\n")
    values = dict(user_config().http)
    assert values["http.sslcainfo"].endswith("/~nobody-has-this/ca.pem")
    assert values["http.sslcapath"] == ""


def test_the_private_home_is_private(tmp_path: Path) -> None:
    home = prepare_home(tmp_path / "home", [])
    modes = {path.name: path.stat().st_mode & 0o777 for path in (home, *home.iterdir())}
    assert modes == {"home": 0o700, ".gitconfig": 0o600, "askpass": 0o700}


def test_preparing_it_again_changes_nothing(tmp_path: Path) -> None:
    home = prepare_home(tmp_path / "home", ["/a"])
    before = {path.name: path.stat().st_ino for path in home.iterdir()}
    prepare_home(home, ["/a"])
    assert {path.name: path.stat().st_ino for path in home.iterdir()} == before


def test_a_home_that_cannot_be_written_is_an_error_with_words(tmp_path: Path) -> None:
    home = prepare_home(tmp_path / "home", [])
    (home / f".gitconfig.{os.getpid()}").symlink_to("/dev/full")
    with pytest.raises(PithyError, match=r"no space left for .*home") as caught:
        prepare_home(home, ["/another"])
    assert caught.value.code is ErrorCode.DISK_FULL

    (tmp_path / "file").touch()
    with pytest.raises(PithyError, match=r"cannot use .*file") as caught:
        prepare_home(tmp_path / "file", [])
    assert caught.value.code is ErrorCode.STORE
