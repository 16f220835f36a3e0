"""The crash points themselves: nothing unless armed; armed, a death like that of `kill -9`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pithy_local
from pithy_local import crash

VISITS = """
import atexit, sys
from pithy_local import crash
atexit.register(print, "said goodbye")
for name in ("claimed", "pushed", "claimed"):
    crash.point(name)
    print(name, flush=True)
"""


def _visit(program: str = VISITS, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], env=os.environ | env, capture_output=True, text=True, timeout=60, check=False
    )


def test_unarmed_nothing_happens() -> None:
    ran = _visit()
    assert (ran.returncode, ran.stdout.split("\n")[:4]) == (0, ["claimed", "pushed", "claimed", "said goodbye"])


@pytest.mark.parametrize(
    ("armed", "printed"), [("claimed", ""), ("pushed", "claimed\n"), ("claimed:2", "claimed\npushed\n")]
)
def test_armed_the_process_dies_there_and_says_nothing_more(armed: str, printed: str, tmp_path: Path) -> None:
    ran = _visit(PITHY_CRASH=armed, PITHY_CRASH_LOG=str(tmp_path / "visits"))

    assert (ran.returncode, ran.stdout) == (crash.EXIT, printed)
    assert (tmp_path / "visits").read_text() == printed + armed.partition(":")[0] + "\n"


def test_visits_are_written_down_without_a_death(tmp_path: Path) -> None:
    assert _visit(PITHY_CRASH_LOG=str(tmp_path / "visits")).returncode == 0
    assert (tmp_path / "visits").read_text() == "claimed\npushed\nclaimed\n"


@pytest.mark.parametrize("armed", ["nowhere", "claimed:often"])
def test_a_point_that_there_is_not_is_refused(armed: str) -> None:
    assert "ValueError" in _visit(PITHY_CRASH=armed).stderr


def test_every_point_in_the_code_has_a_name_and_every_name_a_point() -> None:
    code = "".join(file.read_text() for file in Path(pithy_local.__file__).parent.rglob("*.py"))
    assert set(re.findall(r'crash\.point\("([a-z_.]+)"\)', code)) == set(crash.POINTS)
