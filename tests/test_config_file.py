"""What a configuration file may be: a file or a pipe that somebody writes, never one that does not end."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from pithy_local.config import Settings, load
from pithy_local.errors import UsageError
from pithy_local.paths import find_home

END_WAIT = 9.0


def refusal(file: Path | str) -> UsageError:
    """What `load` says of this file; it says it at once."""
    said: list[BaseException] = []

    def read() -> None:
        with pytest.raises(UsageError) as caught:
            load(str(file), {})
        said.append(caught.value)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(END_WAIT)
    [error] = said
    assert isinstance(error, UsageError)
    assert (error.code.word, int(error.exit_code)) == ("config", 2)
    return error


def test_an_endless_file_is_not_read_to_its_end() -> None:
    assert refusal("/dev/zero").message == "/dev/zero: cannot be read: File too large"


def test_a_pipe_that_nobody_writes_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    assert refusal(pipe).message == f"{pipe}: cannot be read: nothing came through this pipe"


def test_a_pipe_that_is_written_is_read_as_a_file() -> None:
    ours, theirs = os.pipe()
    os.write(theirs, b"concurrency = 7\n")
    os.close(theirs)
    try:
        assert load(f"/dev/fd/{ours}", {}) == Settings(concurrency=7)
    finally:
        os.close(ours)


def test_a_byte_order_mark_says_nothing(tmp_path: Path) -> None:
    (file := tmp_path / "config.toml").write_bytes(b"\xef\xbb\xbfconcurrency = 7\r\n")
    assert load(str(file), {}) == Settings(concurrency=7)


def test_the_home_of_a_user_who_is_not_there_is_a_name_like_any_other(tmp_path: Path) -> None:
    assert find_home("~no-such-user/x", {}).root == Path.cwd() / "~no-such-user" / "x"
    assert "No such file" in refusal("~no-such-user/config.toml").message
    (file := tmp_path / "config.toml").write_text('[sandbox]\nca_bundle = "~no-such-user/ca.pem"\n')
    assert "there is no file ~no-such-user/ca.pem" in refusal(file).message


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert refusal(tmp_path).message == f"{tmp_path}: cannot be read: Is a directory"
