"""That no check hangs, and what every check shares."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import pytest

from pithy_local.doctor.check import Check, bounded, free_space, numbers, within
from pithy_local.errors import ErrorCode, PithyError


def test_a_check_that_hangs_is_a_warning() -> None:
    never = threading.Event()

    def hang() -> list[Check]:
        never.wait(50)
        return []

    (found,) = bounded("model", 0.05, hang)
    never.set()
    assert (found.name, found.ok, found.message) == ("model", None, "no answer within 0.05 s")
    assert found.fix


def test_a_check_that_ends_in_time_is_given_as_it_is() -> None:
    check = Check(name="git", ok=True, message="git 2.39.5")
    assert bounded("git", 20, lambda: iter([check])) == [check]


def test_a_file_that_may_not_be_read_is_a_warning() -> None:
    def look() -> list[Check]:
        raise PermissionError(errno.EACCES, "Permission denied", "/x")

    (found,) = bounded("mirrors", 20, look)
    assert (found.name, found.ok, found.message) == ("mirrors", None, "cannot look at /x: Permission denied")


def test_what_a_check_raises_is_raised_here() -> None:
    def fail() -> list[Check]:
        raise PithyError(ErrorCode.DOCKER_UNREACHABLE, "gone")

    with pytest.raises(PithyError, match="gone"):
        within(20, fail)


def test_room_is_measured_where_the_folder_is(tmp_path: Path) -> None:
    found = free_space("disk", tmp_path, "Free some space.")
    assert found.message.startswith(f"{tmp_path}: ")
    assert found.message.endswith(" GB free")


@pytest.mark.parametrize(
    ("version", "expected"), [("1.1.5+ds1", (1, 1, 5)), ("1.41", (1, 41, 0)), ("dev", ()), ("28.2.2", (28, 2, 2))]
)
def test_numbers_of_a_version(version: str, expected: tuple[int, ...]) -> None:
    assert numbers(version) == expected
