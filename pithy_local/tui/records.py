"""What the dashboard shows, as records: no widget and no service in here."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pithy_local.models import Attempt, LogLine, Task
from pithy_local.service import Event, ModelCall, Needle, Overview, Sought

PAGE = 256
"""Log lines in a page. Page p holds the lines with seq p*PAGE+1 … (p+1)*PAGE: seq has no gaps."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One task of the table; `doing` is the host's or the runner's last word about a running attempt, `held` until when
    and why a queued one waits."""

    task: Task
    doing: str = ""
    held: str = ""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The queue at one moment: the newest tasks first. `spent_usd`: today; `more`: older ones exist."""

    entries: tuple[Entry, ...] = ()
    overview: Overview = field(default_factory=Overview)
    spent_usd: float = 0.0
    more: bool = False


@dataclass(frozen=True, kw_only=True)
class LogPart:
    """Pages of one task's log by number, and its first and last line that are kept: retention takes the oldest.

    `starts`: (first line, attempt) of each attempt. `unread`: pages that could not be read, and nothing else is known.
    """

    task: str
    end: int = 0
    first: int = 1
    pages: Mapping[int, tuple[LogLine, ...]] = field(default_factory=dict)
    starts: Sequence[tuple[int, int]] = ()
    unread: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class Hunt:
    """A search for the `steps`-th line from `start` on that has every needle; it goes round at the ends."""

    task: str
    needles: tuple[Sought, ...]
    start: int
    backwards: bool
    steps: int = 1


@dataclass(frozen=True, kw_only=True)
class Scan:
    """A question: which lines beyond `after` have every needle? `most`: it is enough to know so many; None: all."""

    task: str
    needles: tuple[Needle, ...]
    after: int = 0
    most: int | None = None


@dataclass(frozen=True, kw_only=True)
class Matches:
    """An answer: the seqs of the lines that have every needle, from beyond `after` up to line `scanned`."""

    task: str
    needles: tuple[Needle, ...]
    after: int
    scanned: int
    seqs: array[int]


@dataclass(frozen=True, kw_only=True)
class Details:
    """All about one task: for the steps and the info."""

    entry: Entry
    attempts: tuple[Attempt, ...] = ()
    events: tuple[Event, ...] = ()
    calls: tuple[ModelCall, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A task as the user writes it: everything as typed, "" where nothing is said. `drafts` reads it."""

    repo: str = ""
    prompt: str = ""
    base: str = ""
    model: str = ""
    verify: str = ""
    priority: str = ""
    publish: str = ""
    executor: str = ""
    provider: str = ""
    max_tokens: str = ""
    after: str = ""
    at: str = ""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """What would run a task here, in a few words; `problem` is why it cannot, `hint` what to do.

    `sealed`: in a container without a network, as far as the configuration says; a task may ask for something else.
    """

    label: str
    sealed: bool = True
    working: bool = True
    problem: str = ""
    hint: str = ""
