"""The log of an attempt: in order, in batches, masked, complete when it is closed, and never in the way for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from pithy_local.errors import ErrorCode
from pithy_local.lifecycle import attempt_log
from pithy_local.lifecycle.attempt_log import AttemptLog
from pithy_local.models import LogLine, Stream
from pithy_local.redact import Redactor
from pithy_local.store import Store
from pithy_local.store.lease import Lease
from pithy_local.store.logs import Logs
from tests.support import wait_until

SECRET = "sk-canary-0d9c8b7a6f5e4d3c"


class Lost:
    """Counts how often the log said that it cannot go on."""

    def __init__(self) -> None:
        self.happened = threading.Event()

    def __call__(self) -> None:
        self.happened.set()


@pytest.fixture
def lost() -> Lost:
    return Lost()


@pytest.fixture
def log(store: Store, lease: Lease, lost: Lost) -> Iterator[AttemptLog]:
    opened = AttemptLog(
        store, task=lease.n, attempt=1, fence=lease.fence, redactor=Redactor([SECRET]), clock=store.clock, on_lost=lost
    )
    yield opened
    opened.close()


@pytest.fixture
def lines(store: Store, lease: Lease) -> Callable[[], list[LogLine]]:
    """What is stored now."""
    return lambda: Logs(store).page(lease.task.id, limit=100_000)


Lines = Callable[[], list[LogLine]]


def texts(lines: Lines) -> list[str]:
    return [line.text for line in lines()]


@contextmanager
def blocked(store: Store) -> Iterator[None]:
    """Nobody else can write log lines."""
    with store.logs.transaction():
        yield


def test_words_of_the_host_are_there_at_once(log: AttemptLog, lines: Lines) -> None:
    log.say("one\ntwo")

    wait_until(lambda: texts(lines) == ["one", "two"])
    assert {line.stream for line in lines()} == {Stream.SYS}


def test_lines_keep_their_order_whatever_the_portions(log: AttemptLog, lines: Lines) -> None:
    data = b"".join(b"line %d\n" % number for number in range(3_000))
    for start in range(0, len(data), 97):
        log.output(Stream.OUT, data[start : start + 97])
    log.close()

    assert texts(lines) == [f"line {number}" for number in range(3_000)]
    assert [line.seq for line in lines()] == list(range(1, 3_001))


def test_output_that_comes_together_is_one_commit(log: AttemptLog, lines: Lines, store: Store) -> None:
    before = store.logs.data_version()
    log.output(Stream.OUT, b"a\n" * attempt_log.BATCH_LINES)
    wait_until(lambda: len(lines()) == attempt_log.BATCH_LINES)

    with blocked(store):
        pass
    assert store.logs.data_version() == before + 1


def test_the_two_streams_have_unfinished_lines_of_their_own(log: AttemptLog, lines: Lines) -> None:
    log.output(Stream.OUT, b"out")
    log.output(Stream.ERR, b"err\n")
    log.output(Stream.OUT, b"put\n")
    log.close()

    assert [(line.stream, line.text) for line in lines()] == [(Stream.ERR, "err"), (Stream.OUT, "output")]


def test_an_unfinished_last_line_is_kept(log: AttemptLog, lines: Lines) -> None:
    log.output(Stream.OUT, b"no newline")
    log.output(Stream.ERR, "½".encode()[:1])
    log.close()

    assert texts(lines) == ["no newline", "�"]


def test_a_secret_is_masked_also_over_two_portions(log: AttemptLog, lines: Lines) -> None:
    log.output(Stream.OUT, f"key={SECRET[:7]}".encode())
    log.output(Stream.OUT, f"{SECRET[7:]} end\n".encode())
    log.say(f"again {SECRET}")
    log.close()

    assert texts(lines) == ["key=*** end", "again ***"]


def test_what_no_store_takes_is_made_storable(log: AttemptLog, lines: Lines) -> None:
    log.output(Stream.OUT, b"nul\0 bad\xff\n" + b"x" * 200_000 + b"\n")
    log.close()

    assert texts(lines)[0] == "nul bad�"
    assert "".join(texts(lines)[1:]) == "x" * 200_000


def test_a_full_backlog_holds_the_writer_back(log: AttemptLog, lines: Lines, store: Store) -> None:
    portion = b"x\n" * 1_000
    through = threading.Event()

    def flood() -> None:
        for _ in range(2 * attempt_log.BACKLOG_LINES // 1_000):
            log.output(Stream.OUT, portion)
        through.set()

    thread = threading.Thread(target=flood)
    with blocked(store):
        thread.start()
        assert not through.wait(0.5)
    thread.join(20)
    log.close()

    assert through.is_set()
    assert len(lines()) == 2 * attempt_log.BACKLOG_LINES


def test_closing_twice_is_fine_and_nothing_is_written_later(log: AttemptLog, lines: Lines) -> None:
    log.say("last")
    log.close()
    log.say("too late")
    log.output(Stream.OUT, b"too late\n")
    log.close()

    assert texts(lines) == ["last"]


def test_a_lost_lease_is_told_and_nothing_is_written(
    log: AttemptLog, lines: Lines, store: Store, lease: Lease, lost: Lost
) -> None:  # fmt: skip
    Logs(store).open(lease.n, 1, lease.fence + 1)

    log.say("late")

    assert lost.happened.wait(10)
    assert lines() == []
    assert log.failure is None


def test_a_log_that_cannot_be_written_is_told_with_the_reason(
    log: AttemptLog, lines: Lines, store: Store, lost: Lost
) -> None:  # fmt: skip
    """RAISE(ROLLBACK) ends the transaction as SQLite itself does when the disk is full."""
    store.logs.write("CREATE TRIGGER full BEFORE INSERT ON line BEGIN SELECT RAISE(ROLLBACK, 'no room'); END")

    log.say("lost")

    assert lost.happened.wait(10)
    assert log.failure is not None
    assert (log.failure.code, log.failure.message) == (ErrorCode.INTERNAL, "logs.db: no room")


def test_a_log_that_failed_takes_no_more_and_blocks_nobody(log: AttemptLog, lost: Lost, store: Store) -> None:
    store.logs.write("CREATE TRIGGER full BEFORE INSERT ON line BEGIN SELECT RAISE(ROLLBACK, 'no room'); END")
    log.say("lost")
    assert lost.happened.wait(10)

    def write_on() -> None:
        for _ in range(5):
            log.output(Stream.OUT, b"x\n" * 9_000)

    flood = threading.Thread(target=write_on)
    flood.start()
    flood.join(10)

    assert not flood.is_alive()
