"""Which lines of a log tell of an error, and going from one to the next."""

from __future__ import annotations

import pytest

from pithy_local.service import ERRORS, Needle
from pithy_local.store.log_search import find
from pithy_local.tui.widgets.log_search import SearchedLog
from tests.tui.alone import Watcher, alone
from tests.tui.driving import dashboard
from tests.tui.seeding import Seed
from tests.tui.test_log_view import a_log, a_view, badge, found

TELLING = [
    "error: cannot find module", "ERROR:root:broken", "2026-01-01 [ERROR] no disk", "error[E0308]: mismatched types",
    "::error file=a.py::x", "npm ERR! code 1 failed", "3 failed, 12 passed", "10 errors", "--- FAIL: TestAdd (0.0s)",
    "fatal: not a git repository", "thread 'main' panicked at src/main.rs", "Traceback (most recent call last):",
    "ValueError: x", "java.lang.NullPointerException: x", "requests.exceptions.ConnectionError: x", "level=error msg=x",
    '{"level": "error"}', "CRITICAL broken", "process exited with code 1", "exit status 127", "make: *** [all] Error 2",
    "\x1b[1m\x1b[31mERROR\x1b[0m split", "10%\rfailed", "verify: `tox` fails (exit 1) on the change",
    "Tests run: 5, Failures: 1, Errors: 0", "a" * 70_000 + " error", "über error",
]  # fmt: skip
SILENT = [
    "0 errors, 0 failed", "no errors", "No error was found", "failed=0", "Failures: 0, Errors: 0", "error: none",
    "error = null", "tests/test_errors.py PASSED", "src/errors/base.py", "error.py", "terror", "errorless",
    "exit 0 after 1.2 s", "exit code 0", "existing", "an error-free run", "errors=[]", "failed\rok",
    "\x1b]0;error\x07x", "", "a" * 70_000,
]  # fmt: skip


@pytest.mark.parametrize("line", TELLING, ids=lambda line: line[-20:])
def test_a_line_that_tells_of_an_error_is_found(seed: Seed, line: str) -> None:
    lease = seed.running()
    seed.log(lease, "a line", line)
    assert find(seed.app.store, lease.task.id, [ERRORS], start=1, end=2) == 2


def test_names_and_counts_of_none_are_no_errors(seed: Seed) -> None:
    lease = seed.running()
    seed.log(lease, *SILENT)
    assert find(seed.app.store, lease.task.id, [ERRORS], start=1, end=len(SILENT)) is None


def test_errors_are_looked_for_among_the_lines_that_a_filter_shows(seed: Seed) -> None:
    lease = seed.running()
    seed.log(lease, "a ValueError", "db: fine", "db: a ValueError")
    assert find(seed.app.store, lease.task.id, [ERRORS, Needle(text="DB:".lower())], start=1, end=3) == 3


def notes(user: Watcher) -> list[tuple[str, bool]]:
    return [(each.text, each.grave) for each in user.heard(SearchedLog.Noted)]


async def test_keys_go_from_error_to_error_round_the_ends_or_say_that_there_is_none() -> None:
    view = a_view(a_log(*(f"line {n}" for n in range(1, 100))))
    async with alone(view) as user:
        await user.presses("K")
        assert badge(view) == "FOLLOW ▼ · an error …"
        assert (view.hunt and view.hunt.needles, view.hunt and view.hunt.start) == ((ERRORS,), 98)
        found(view, 40)
        assert badge(view) == "PAUSED ▼ · line 40 of 99"
        await user.presses("J", "J")
        hunt = view.hunt
        assert hunt is not None
        assert (hunt.start, hunt.backwards, hunt.steps) == (41, False, 2)
        found(view, 7)
        assert badge(view) == "PAUSED ▼ · line 7 of 99"
        await user.presses("J")
        found(view, None)
        view.show_only("line")
        view.show_only("")
        await user.pilot.pause()
        assert notes(user) == [
            ("Looking for errors went on from the other end", False), ("No line tells of an error", True)
        ]  # fmt: skip


async def test_a_search_and_an_error_are_not_taken_for_each_other() -> None:
    view = a_view(a_log(*(f"line {n}" for n in range(1, 100))))
    async with alone(view) as user:
        view.search("line")
        await user.presses("K")
        assert view.hunt is not None
        assert (view.hunt.needles, view.hunt.steps) == ((ERRORS,), 1)
        assert badge(view) == "FOLLOW ▼ · an error … · /line"
        found(view, None)
        assert badge(view) == "FOLLOW ▼ · /line"


async def test_the_last_error_of_a_log_is_one_key_away(seed: Seed) -> None:
    seed.log(seed.running(), *("ValueError: no" if n in (3, 150) else f"line {n}" for n in range(1, 301)))
    async with dashboard(seed) as user:
        await user.sees("line 300")
        await user.presses("tab", "K")
        await user.sees("line 150 of 300")
        await user.presses("K")
        await user.sees("line 3 of 300")
        await user.presses("K")
        await user.is_told("went on from the other end")
        await user.presses("ampersand")
        await user.types("line")
        await user.presses("enter")
        await user.sees("&line 298 of 300")
        await user.presses("J")
        await user.is_told("No line that is shown tells of an error")
