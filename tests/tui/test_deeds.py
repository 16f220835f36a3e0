"""What a yes was given to, what was written, what came of it; and what an empty home says: words alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pithy_local.doctor import Check
from pithy_local.errors import Refused
from pithy_local.models import Patch, Phase, Status
from pithy_local.tui.keymap import Keymap
from pithy_local.tui.models import deeds
from pithy_local.tui.models.welcome import findings, welcome
from tests.tui.records import a_task

PATCH = Patch(path="artifacts/a/1/patch.diff", bytes=9, files=2, added=31, removed=4)
QUEUED = a_task(status=Status.QUEUED, attempts=0, started_at=None, finished_at=None)
RUNNING = a_task(status=Status.RUNNING, phase=Phase.AGENT, finished_at=None)
REVIEW = a_task(status=Status.NEEDS_REVIEW, patch=PATCH)
KEY = Keymap({"dashboard.new": "f2", "dashboard.doctor": "f9"}).key


@pytest.mark.parametrize(
    ("verb", "asked", "now"),
    [
        ("cancel", RUNNING, REVIEW),
        ("cancel", QUEUED, RUNNING),
        ("cancel", RUNNING, replace(RUNNING, attempts=2)),
        ("accept", REVIEW, replace(REVIEW, patch=replace(PATCH, added=32))),
        ("accept", REVIEW, replace(REVIEW, attempts=2)),
        ("answer", a_task(attempts=1), a_task(attempts=2)),
    ],
)
def test_a_yes_to_something_else_counts_for_nothing(verb: str, asked: object, now: object) -> None:
    with pytest.raises(Refused, match="has changed meanwhile"):
        deeds.check_unchanged(verb, asked, now)  # type: ignore[arg-type]


def test_what_goes_on_as_it_was_asked_for_is_done() -> None:
    deeds.check_unchanged("cancel", RUNNING, replace(RUNNING, phase=Phase.VERIFYING, patch=PATCH))
    deeds.check_unchanged("accept", REVIEW, REVIEW)


def test_what_came_of_it_is_told_as_it_is() -> None:
    cancelled = a_task("0aaaaaaaaa", status=Status.CANCELLED)
    assert deeds.told("cancel", [cancelled]) == "0aaaaaaaaa is cancelled"
    assert deeds.told("cancel", [cancelled, cancelled]) == "2 tasks are cancelled"
    assert deeds.told("cancel", [cancelled, RUNNING]) == "2 tasks are being cancelled"
    assert deeds.told("retry", [QUEUED]) == f"{QUEUED.id} is queued again"


@pytest.mark.parametrize(
    ("kept", "start", "offered"),
    [
        ("", "In a.py:2: ", "In a.py:2: "),
        (" \n", "", ""),
        ("In a.py:2: keep sys", "In a.py:2: ", "In a.py:2: keep sys"),
        ("In a.py:2: keep sys\n", "In b.py:9: ", "In a.py:2: keep sys\n\nIn b.py:9: "),
        ("Half a thought", "", "Half a thought"),
    ],
)
def test_a_note_goes_on_with_the_place_that_is_spoken_of(kept: str, start: str, offered: str) -> None:
    assert deeds.going_on(kept, start) == offered


WELL = Check(name="git", ok=True, message="git 2.47")
WARNING = Check(name="github", ok=None, message="no token", fix="Set GITHUB_TOKEN.")
WRONG = Check(name="docker", ok=False, message="no engine [/answers]\x1b[2J", fix="Start Docker.")


def test_the_worst_comes_first_and_the_last_line_says_what_it_means() -> None:
    shown = findings([WELL, WARNING, WRONG], KEY, running=False).plain.split("\n")
    assert shown[0] == "This machine  ✓ git"
    assert shown[2:4] == ["✗ docker: no engine [/answers]", "  → Start Docker."]
    assert shown[5:7] == ["! github: no token", "  → Set GITHUB_TOKEN."]
    assert shown[8] == "One thing stops tasks from running. f9 looks again; what you write with f2 waits until then."
    assert findings([WRONG, WRONG], KEY, running=False).plain.split("\n")[-1].startswith("2 things stop tasks")


def test_nothing_is_promised_before_everything_was_looked_at() -> None:
    assert findings([WELL], KEY, running=True).plain.endswith("Looking at this machine …")
    assert findings([WELL, WARNING], KEY, running=False).plain.endswith("Ready: press f2.")


def test_the_welcome_names_the_users_own_keys() -> None:
    shown = welcome([WELL], KEY, running=True).plain
    assert "Press f2 and say" in shown
    assert "? shows every key" in shown


@pytest.mark.parametrize(("verb", "first"), [("cancel", "0bbbbbbbbb"), ("retry", "0aaaaaaaaa")])
def test_a_task_that_waits_ends_before_the_other_one_and_begins_after_it(verb: str, first: str) -> None:
    tasks = [a_task("0aaaaaaaaa"), a_task("0bbbbbbbbb", after="0aaaaaaaaa")]

    assert [deeds.in_turn(verb, each)[0].id for each in (tasks, tasks[::-1])] == [first, first]
