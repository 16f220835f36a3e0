"""What the widgets are made from, without a terminal."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Literal

import pytest
from rich.cells import cell_len

from pithy_local.doctor import Check
from pithy_local.models import LogLine, Phase, Status, Stream
from pithy_local.service import Overview
from pithy_local.store.holds import Pause
from pithy_local.store.log_removal import LogRemoval
from pithy_local.tui import look
from pithy_local.tui.board import Board
from pithy_local.tui.models.logwindow import LogWindow
from pithy_local.tui.models.pages import Pages
from pithy_local.tui.records import PAGE, Engine, Entry, Snapshot
from tests.tui.seeding import Seed


def lines(first: int, count: int) -> tuple[LogLine, ...]:
    return tuple(
        LogLine(seq=seq, attempt=1, at=0, stream=Stream.OUT, text=f"line {seq}") for seq in range(first, first + count)
    )


def test_pages_find_a_line_by_its_row() -> None:
    pages = Pages()
    pages.put(2, lines(2 * PAGE + 1, PAGE))
    found = pages.line(2 * PAGE + 8)
    assert found is not None
    assert found.seq == 2 * PAGE + 8


def test_pages_miss_what_was_not_read() -> None:
    pages = Pages()
    pages.put(0, lines(1, 10))
    assert pages.line(11) is None
    assert pages.line(PAGE + 1) is None


def test_pages_forget_the_least_recently_used() -> None:
    pages = Pages(kept=2)
    pages.put(0, lines(1, PAGE))
    pages.put(1, lines(PAGE + 1, PAGE))
    pages.line(1)
    pages.put(2, lines(2 * PAGE + 1, PAGE))
    assert len(pages) == 2
    assert pages.line(1) is not None
    assert pages.line(PAGE + 1) is None


def test_a_late_shorter_page_does_not_hide_lines() -> None:
    pages = Pages()
    pages.put(0, lines(1, 20))
    pages.put(0, lines(1, 5))
    assert pages.line(20) is not None


@pytest.mark.parametrize(
    ("repo", "shown"),
    [("acme/api", "api"), ("/srv/git/tool.git", "tool"), ("https://host/a/b.git", "b"), ("/srv/x/", "x")],
)
def test_a_repository_has_a_short_name(repo: str, shown: str) -> None:
    assert look.repo_name(repo) == shown


def test_every_state_has_a_glyph_and_a_word_of_its_own() -> None:
    assert {*look.STATUS} == {*Status}
    assert len({each.glyph for each in look.STATUS.values()}) == len({each.word for each in look.STATUS.values()}) == 7
    assert all(cell_len(each.glyph) == 1 for each in look.STATUS.values())


@pytest.mark.parametrize("text", ["\x1b]52;c;aGVsbG8=\x07", "\x1b[2J", "a\r\nb", "\x9b31m", "\x1b]8;;http://x\x1b\\l"])
def test_no_control_character_survives(text: str) -> None:
    as_log = look.log_line(LogLine(seq=1, attempt=1, at=0, stream=Stream.ERR, text=text))
    assert as_log.plain.isprintable()
    assert look.line(text).plain.isprintable()


def test_markup_in_untrusted_text_stays_text() -> None:
    assert look.line("[/foo] [bold]x").plain == "[/foo] [bold]x"


def test_a_programs_colours_stay_in_its_log_line() -> None:
    shown = look.log_line(LogLine(seq=1, attempt=1, at=0, stream=Stream.OUT, text="\x1b[32mPASSED\x1b[0m t.py"))
    assert shown.plain == "  PASSED t.py"
    assert any("green" in str(s.style) or "color(2)" in str(s.style) for s in shown.spans)


def test_a_very_long_line_is_cut() -> None:
    shown = look.log_line(LogLine(seq=1, attempt=1, at=0, stream=Stream.OUT, text="x" * 1_000_000))
    assert len(shown.plain) <= look.LINE_SHOWN + 2


def test_a_progress_bar_shows_what_it_said_last() -> None:
    shown = look.log_line(LogLine(seq=1, attempt=1, at=0, stream=Stream.OUT, text="10%\r50%\r100%\r"))
    assert shown.plain == "  100%"


def test_wide_characters_take_two_columns_of_a_log_line() -> None:
    assert look.log_line_width(LogLine(seq=1, attempt=1, at=0, stream=Stream.OUT, text="日本語")) == 8


@pytest.mark.parametrize(
    ("text", "shown"),
    [("❤\ufe0f 1\ufe0f\u20e3", "❤ 1\u20e3"), ("👍\U0001f3fd", "👍"), ("👩\u200d🚀", "👩🚀"), ("क्\u200dष", "क्\u200dष")],
)
def test_emoji_are_as_wide_in_every_terminal(text: str, shown: str) -> None:
    assert look.line(text).plain == shown


def test_an_unisolated_attempt_says_so_in_the_table(tmp_path: Path) -> None:
    seed = Seed(tmp_path)
    entry = Entry(task=seed.tasks.get(seed.running(executor="local").task.id), doing="cloning")
    seed.close()
    assert look.now(entry) == "agent · cloning · UNISOLATED"


def test_the_status_line_says_why_the_engine_does_not_work() -> None:
    engine = Engine(label="docker", problem="no engine answers", hint="Is Docker running?")
    shown = look.status_line(
        Snapshot(overview=Overview(running=1, queued=2, waiting=1, review=3, concurrency=4)), engine
    ).plain
    assert "1 running / 4" in shown
    assert "queue 2 (1 waiting)" in shown
    assert "for you 3" in shown
    assert "✗ docker: no engine answers · Is Docker running?" in shown


@pytest.mark.parametrize(("reason", "words"), [("user", "queue 2 paused "), ("budget", "queue 2 paused: budget ")])
def test_the_status_line_says_that_the_queue_is_paused(reason: Literal["user", "budget"], words: str) -> None:
    overview = Overview(queued=2, waiting=2, paused=Pause(reason=reason, at=1))

    assert words in look.status_line(Snapshot(overview=overview), Engine(label="docker")).plain


def test_the_status_line_calls_states_as_the_table_does() -> None:
    said = "0dx0tnz3ef: needs_review · the change is ready: look at it"
    assert (
        "0dx0tnz3ef: review · the change is ready" in look.status_line(Snapshot(), Engine(label="docker"), said).plain
    )


def test_the_board_reads_the_newest_pages_and_the_end(tmp_path: Path) -> None:
    seed = Seed(tmp_path)
    lease = seed.running()
    seed.log(lease, *(f"line {n}" for n in range(1, 2 * PAGE + 11)))
    part = Board(seed.app, worker=False).log(lease.task.id, newest=2)
    seed.close()
    assert part.end == 2 * PAGE + 10
    assert {*part.pages} == {1, 2}
    assert [part.pages[1][0].seq, part.pages[2][-1].seq] == [PAGE + 1, 2 * PAGE + 10]


def test_the_rows_of_a_log_begin_with_the_first_line_that_is_kept(tmp_path: Path) -> None:
    seed = Seed(tmp_path)
    lease = seed.running()
    seed.log(lease, *(str(number) for number in range(2 * PAGE + 5)))
    lease.settle(Status.CANCELLED, None)
    removal = LogRemoval(seed.app.store)
    [expired] = removal.expired(seed.app.clock.now_ms() + 1)
    list(removal.expire(expired, "removed"))

    part = Board(seed.app, worker=False).log(lease.task.id, newest=1)
    window = LogWindow()
    window.open(lease.task.id)
    window.take(part)
    seed.close()
    only = window.line(0)
    assert window.rows == 1
    assert only is not None
    assert only.text == "removed"


def test_the_board_says_what_an_attempt_does(tmp_path: Path) -> None:
    seed = Seed(tmp_path)
    lease = seed.running(phase=Phase.AGENT)
    lease.record_step("unpacking main")
    lease.record_step("asking gpt-4o")
    snapshot = Board(seed.app, worker=False).snapshot(500)
    seed.close()
    assert look.now(snapshot.entries[0]) == "agent · asking gpt-4o"
    assert snapshot.overview.running == 1


def test_the_boards_token_moves_when_another_connection_writes(tmp_path: Path) -> None:
    seed, other = Seed(tmp_path), Seed(tmp_path)
    board = Board(seed.app, worker=False)
    before = board.token()
    other.queued()
    after = board.token()
    seed.close()
    other.close()
    assert after != before


def test_the_doctor_waits_until_the_engines_sdk_is_loaded(tmp_path: Path) -> None:
    seed = Seed(tmp_path)
    found: list[Check] = []
    board = Board(seed.app, worker=False, checks=lambda app: iter([Check(name="git", ok=True, message="")]))
    doctor = threading.Thread(target=lambda: found.extend(board.checks()), daemon=True)
    doctor.start()
    doctor.join(0.1)
    assert found == []
    board.start(lambda text: None)
    doctor.join(10)
    seed.close()
    assert [check.name for check in found] == ["git"]
