"""What the probe printed, as findings of the doctor; and a doctor that is killed leaves nothing for long."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pithy_local.doctor.sandbox import FIXES, judged
from runner.probe.__main__ import CHECKS

HELD = {"id": "files.root", "title": "the root is read-only", "ok": True, "found": "overlay, read-only"}
BROKEN = {"id": "limits.swap", "title": "no swap beyond it", "ok": False, "found": "no limit"}
LEVEL = "container, shared kernel"


def test_a_probe_whose_checks_all_hold_is_fine() -> None:
    (found,) = judged(0, json.dumps([HELD, HELD]), LEVEL)
    assert (found.name, found.ok) == ("sandbox", True)
    assert found.message == "container, shared kernel; 2 of 2 checks hold in a sealed container"


def test_each_check_that_does_not_hold_has_its_fix() -> None:
    summary, finding = judged(1, json.dumps([HELD, BROKEN]), LEVEL)
    assert (summary.ok, "1 of 2 checks hold" in summary.message) == (False, True)
    assert (finding.name, finding.ok) == ("limits.swap", False)
    assert finding.message == "does not hold: no swap beyond it: no limit"
    assert "cgroup v2" in finding.fix


def test_every_theme_of_the_probe_has_a_fix() -> None:
    assert {check.id.split(".")[0] for check in CHECKS} == FIXES.keys()


@pytest.mark.parametrize("said", ["", "Traceback …", "{}", "[]", "[1]", '[{"id": "a.b"}]', "\0", "[" * 100_000])
def test_what_is_no_answer_of_the_probe_fails(said: str) -> None:
    (found,) = judged(1, said, LEVEL)
    assert (found.ok, "ended with 1" in found.message, "image build" in found.fix) == (False, True, True)


def test_words_from_inside_are_safe_and_short() -> None:
    hostile: dict[str, Any] = {"id": "a\x1b[2Jb", "title": "t", "ok": False, "found": "\x1b]0;x\x07" + "y" * 10_000}
    _, finding = judged(1, json.dumps([hostile]), LEVEL)
    assert "\x1b" not in finding.name + finding.message
    assert len(finding.message) < 400
