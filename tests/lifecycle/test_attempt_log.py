"""The log of an attempt: in order, in batches, masked, complete when it is closed, and never in the way for ever."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

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
    total = 3 * attempt_log.BACKLOG_LINES  # one backlog in the writer's hands, one behind it, and what has no room
    through = threading.Event()

    def flood() -> None:
        for _ in range(total // 1_000):
            log.output(Stream.OUT, portion)
        through.set()

    thread = threading.Thread(target=flood)
    with blocked(store):
        thread.start()
        assert not through.wait(0.5)
    thread.join(50)
    log.close()

    assert through.is_set()
    assert len(lines()) == total


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

    assert lost.happened.wait(60)
    assert lines() == []
    assert log.failure is None


def test_a_log_that_cannot_be_written_is_told_with_the_reason(
    log: AttemptLog, lines: Lines, store: Store, lost: Lost
) -> None:  # fmt: skip
    """RAISE(ROLLBACK) ends the transaction as SQLite itself does when the disk is full."""
    store.logs.write("CREATE TRIGGER full BEFORE INSERT ON line BEGIN SELECT RAISE(ROLLBACK, 'no room'); END")

    log.say("lost")

    assert lost.happened.wait(60)
    assert log.failure is not None
    assert (log.failure.code, log.failure.message) == (ErrorCode.INTERNAL, "logs.db: no room")


def test_a_log_that_failed_takes_no_more_and_blocks_nobody(log: AttemptLog, lost: Lost, store: Store) -> None:
    store.logs.write("CREATE TRIGGER full BEFORE INSERT ON line BEGIN SELECT RAISE(ROLLBACK, 'no room'); END")
    log.say("lost")
    assert lost.happened.wait(60)

    def write_on() -> None:
        for _ in range(5):
            log.output(Stream.OUT, b"x\n" * 9_000)

    flood = threading.Thread(target=write_on)
    flood.start()
    flood.join(60)

    assert not flood.is_alive()


# Going on with the log of a process that is gone


Opener = Callable[[], AttemptLog]


@pytest.fixture
def reopen(store: Store, lease: Lease, lost: Lost) -> Iterator[Opener]:
    """Opens the same attempt's log as its next owner would."""
    opened: list[AttemptLog] = []

    def open_() -> AttemptLog:
        opened.append(
            AttemptLog(
                store, task=lease.n, attempt=1, fence=lease.fence + 1 + len(opened), redactor=Redactor([SECRET]),
                clock=store.clock, on_lost=lost,
            )
        )  # fmt: skip
        return opened[-1]

    yield open_
    for log in opened:
        log.close()


def test_an_adopter_goes_on_within_a_line(log: AttemptLog, reopen: Opener, lines: Lines) -> None:
    assert log.frames_of("box") == 0
    log.output(Stream.OUT, b"one\n", 1)
    log.output(Stream.ERR, "½".encode()[:1], 2)
    log.output(Stream.OUT, b"tw", 3)
    log.leave("left running")

    adopted = reopen()
    assert adopted.last_seq == 2
    assert adopted.frames_of("box") == 3
    adopted.output(Stream.ERR, "½".encode()[1:] + b"\n", 4)
    adopted.output(Stream.OUT, b"o\n", 5)
    adopted.close()

    assert texts(lines) == ["one", "left running", "½", "two"]


def test_frames_that_were_not_stored_are_asked_for_again(
    log: AttemptLog, reopen: Opener, lines: Lines, store: Store
) -> None:
    """Killed in the middle: what the dead owner had read and not committed is not counted."""
    log.frames_of("box")
    log.output(Stream.OUT, b"one\ntw", 1)
    wait_until(lambda: texts(lines) == ["one"])
    log.output(Stream.OUT, b"o, not yet stored", 2)

    adopted = reopen()
    assert adopted.frames_of("box") == 1
    adopted.output(Stream.OUT, b"o\n", 2)
    adopted.close()

    assert texts(lines) == ["one", "two"]


def test_another_sandbox_of_the_same_attempt_is_read_from_its_beginning(log: AttemptLog, reopen: Opener) -> None:
    log.frames_of("box")
    log.output(Stream.OUT, b"one\n", 1)
    log.close()

    again = reopen()
    assert again.frames_of("another") == 0
    again.output(Stream.OUT, b"two\n", 1)
    again.close()
    assert reopen().frames_of("box") == 0


def test_a_closed_log_has_no_unfinished_line_for_the_next(log: AttemptLog, reopen: Opener, lines: Lines) -> None:
    log.frames_of("box")
    log.output(Stream.OUT, b"unfinished", 1)
    log.close()

    again = reopen()
    assert again.frames_of("box") == 1
    again.close()
    assert texts(lines) == ["unfinished"]


def test_the_next_attempt_begins_anew(log: AttemptLog, store: Store, lease: Lease, lost: Lost) -> None:
    log.frames_of("box")
    log.output(Stream.OUT, b"one\ntw", 1)
    log.leave()

    second = AttemptLog(
        store, task=lease.n, attempt=2, fence=lease.fence, redactor=Redactor([]), clock=store.clock, on_lost=lost
    )
    assert second.frames_of("box") == 0
    second.output(Stream.OUT, b"first\n", 1)
    second.close()
    assert [line.text for line in Logs(store).page(lease.task.id, attempt=2)] == ["first"]


def test_no_secret_is_stored_with_an_unfinished_line(log: AttemptLog, store: Store) -> None:
    log.output(Stream.OUT, f"x\nkey={SECRET} and".encode())
    log.leave()

    assert store.logs.rows("SELECT part_out FROM cursor")[0][0] == b"key=*** and"


KILLED = """
import sys
from pithy_local.lifecycle.attempt_log import AttemptLog
from pithy_local.models import Stream
from pithy_local.redact import Redactor
from pithy_local.paths import Home
from pathlib import Path
from pithy_local.store import Store
home, task, fence, pieces = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
store = Store(Home(root=home))
log = AttemptLog(store, task=task, attempt=1, fence=fence, redactor=Redactor([]), clock=store.clock,
                 on_lost=lambda: None)
skip = log.frames_of("box")
print(skip, flush=True)
for number, piece in enumerate(Path(pieces).read_bytes().split(b"|"), start=1):
    if number > skip:
        log.output(Stream.OUT, piece, number)
log.close()
"""


@pytest.mark.parametrize("seed", range(2))
def test_killed_owners_leave_neither_a_gap_nor_a_double(
    seed: int, store: Store, lease: Lease, lines: Lines, tmp_path: Path
) -> None:
    """The frames of one sandbox, fed by owner after owner; each but the last is killed when it has committed some."""
    rng = random.Random(seed)
    text = "".join(f"{number} {'é' * rng.randrange(8)}\n" for number in range(20_000)).encode()
    borders = sorted(rng.sample(range(1, len(text)), 30_000))
    pieces = [text[a:b] for a, b in zip([0, *borders], [*borders, None], strict=True)]
    (tmp_path / "pieces").write_bytes(b"|".join(pieces))
    argv = [sys.executable, "-c", KILLED, str(store.home.root), str(lease.n)]
    resumed = []

    def further(owner: subprocess.Popen[bytes], seq: int) -> bool:
        return Logs(store).last_seq(lease.task.id) > seq + 300 or owner.poll() is not None

    for fence in range(1, 6):
        with subprocess.Popen([*argv, str(fence), str(tmp_path / "pieces")], stdout=subprocess.PIPE) as owner:
            assert owner.stdout is not None
            resumed.append(int(owner.stdout.readline()))
            if fence < 5:
                wait_until(partial(further, owner, Logs(store).last_seq(lease.task.id)))
                owner.kill()

    assert resumed == sorted(resumed)
    assert resumed[-1] > 0
    assert texts(lines) == text.decode().splitlines()


# A log without end


@pytest.fixture
def small(store: Store, lease: Lease, lost: Lost) -> Iterator[AttemptLog]:
    """Holds 10,000 bytes: 138 lines of one character."""
    opened = AttemptLog(
        store, task=lease.n, attempt=1, fence=lease.fence, redactor=Redactor([]), clock=store.clock, on_lost=lost,
        max_bytes=10_000,
    )  # fmt: skip
    yield opened
    opened.close()


def test_past_its_limit_the_log_takes_no_more_and_says_so(
    small: AttemptLog, lines: Lines, store: Store, lease: Lease
) -> None:
    taken = [small.output(Stream.OUT, b"x\n", number) for number in range(1, 1_000)]
    small.say("the host still speaks")
    small.close()

    assert taken == [True] * 138 + [False] * 861
    assert texts(lines)[:138] == ["x"] * 138
    assert texts(lines)[138].startswith("The log is full: 138 lines, 9,936 bytes as the engine stores them.")
    assert texts(lines)[139:] == ["the host still speaks"]
    assert Logs(store).bounds(lease.task.id).truncated


def test_an_adopter_of_a_full_log_drops_what_follows_without_saying_it_twice(
    small: AttemptLog, reopen: Opener, lines: Lines
) -> None:
    while small.output(Stream.OUT, b"x\n"):
        pass
    small.leave()
    before = texts(lines)
    adopted = reopen()

    assert not adopted.output(Stream.OUT, b"x\n")
    adopted.close()
    assert texts(lines) == before


def test_what_was_unfinished_at_the_limit_is_kept(small: AttemptLog, lines: Lines) -> None:
    small.output(Stream.OUT, b"unfinished")
    small.output(Stream.ERR, b"x" * 10_000)
    small.close()

    assert texts(lines)[0] == "unfinished"
    assert len(lines()) == 2


def test_the_number_of_lines_has_a_limit_too(log: AttemptLog, monkeypatch: pytest.MonkeyPatch, lines: Lines) -> None:
    monkeypatch.setattr(attempt_log, "MAX_LINES", 3)
    while log.output(Stream.OUT, b"x\n"):
        pass
    log.close()

    assert texts(lines)[:3] == ["x", "x", "x"]
    assert texts(lines)[3].startswith("The log is full: 3 lines")


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (b"a\n", 72), (b"\0", 75), (b'"\\\t\r\n', 83), (b"<a href=b&c>\n", 98), ("é".encode(), 71),
        ("\ufffd".encode(), 75), (b"a\nb\n", 144),
    ],
)  # fmt: skip
def test_the_size_of_a_line_is_what_the_engine_stores(data: bytes, size: int) -> None:
    assert attempt_log.stored_size(data) == size


def test_a_backlog_of_long_lines_holds_the_writer_back_too(log: AttemptLog, lines: Lines, store: Store) -> None:
    through = threading.Event()
    count = 3 * attempt_log.BACKLOG_CHARS // 60_000  # one backlog in the writer's hands, one behind it, and more

    def flood() -> None:
        for _ in range(count):
            log.output(Stream.OUT, b"x" * 59_999 + b"\n")
        through.set()

    thread = threading.Thread(target=flood)
    with blocked(store):
        thread.start()
        assert not through.wait(0.5)
    thread.join(60)
    log.close()

    assert len(lines()) == count
