"""What keeps the start and the keys quick: no import that can wait, and no long pauses of the collector."""

from __future__ import annotations

import gc
import subprocess
import sys

from pithy_local.tui import pauses

LATER = {"pithy_local.tui.commands", "pithy_local.tui.screens.confirm", "pithy_local.tui.screens.help",
         "pithy_local.tui.screens.new_task", "pithy_local.tui.screens.quit", "pithy_local.tui.screens.stats",
         "pithy_local.tui.screens.viewer", "pithy_local.doctor", "pithy_local.lifecycle", "docker", "git", "github",
         "openai", "anthropic", "starlette"}  # fmt: skip


def test_nothing_that_waits_for_a_key_is_imported_before_the_first_frame() -> None:
    show = "import sys, pithy_local.tui.app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True).stdout.split()
    assert "pithy_local.tui.screens.main" in loaded
    assert not LATER & {*loaded}


def test_what_was_there_at_the_start_is_not_collected_again() -> None:
    before = gc.get_threshold()
    with pauses.kept_short():
        assert not gc.isenabled()
        pauses.settled()
        assert gc.isenabled()
        assert gc.get_freeze_count() > 10_000
        assert gc.get_threshold() == pauses.THRESHOLDS
    assert gc.get_freeze_count() == 0
    assert gc.isenabled()
    assert gc.get_threshold() == before


def test_the_collector_of_another_program_is_left_alone() -> None:
    pauses.settled()
    assert gc.get_freeze_count() == 0
    assert gc.get_threshold() != pauses.THRESHOLDS
