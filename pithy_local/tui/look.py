"""How things look: glyph, word and colour of a state, ages, and the one way untrusted text becomes screen text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text
from textual.content import Content

from pithy_local.models import LogLine, Patch, Status, Stream, Task, Usage
from pithy_local.service import Needle
from pithy_local.text import clip, last_segment, safe, safe_line
from pithy_local.tui.records import Engine, Entry, Snapshot

LINE_SHOWN = 4096
"""Characters of one log line that the view shows; `logs ID` has all of it."""

_UNSTEADY = re.compile("[\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]|(?<=[\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])\u200d")
"""Variation selectors, skin tones and joiners between emoji: terminals disagree on the width of what they make."""

MUTED = "bright_black"
"""Colours are named by the terminal's sixteen names: a theme says what they are (see `themes`)."""
AWAITING_REVIEW = "awaiting_review"
MATCH = "#000000 on #ffd75f"
"""The one exception: as plain in every theme."""
TIME_WIDTH = 9
RULE = "━━ "
BORDER = "bold cyan"
BORDER_WIDTH = 20
"""Columns that the words about a new attempt take at most."""
RED, PINK = "red", "magenta"
MARK = f"bold {PINK}"
TAIL = 8
"""Characters at the end of a file's name that stay where it is cut: its extension is among them."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """A state on the screen. The word always stands beside the glyph: colour alone tells nothing."""

    glyph: str
    word: str
    style: str


STATUS = {
    Status.QUEUED: Look(glyph="○", word="queued", style=MUTED),
    Status.RUNNING: Look(glyph="●", word="running", style="bold cyan"),
    Status.COMPLETED: Look(glyph="✓", word="done", style="green"),
    Status.FAILED: Look(glyph="✗", word="failed", style=f"bold {RED}"),
    Status.NEEDS_REVIEW: Look(glyph="◆", word="review", style="bold yellow"),
    Status.NEEDS_CLARIFICATION: Look(glyph="?", word="question", style=f"bold {PINK}"),
    Status.CANCELLED: Look(glyph="⊘", word="cancelled", style=MUTED),
}

STREAM = {
    Stream.OUT: Look(glyph=" ", word="", style=""),
    Stream.ERR: Look(glyph="!", word="", style=RED),
    Stream.SYS: Look(glyph="›", word="", style="cyan"),
}


def line(text: str, style: str = "") -> Text:
    """Untrusted text as one safe, markup-free line. Nothing else may bring such text to a widget."""
    return piece(steady(safe_line(text)), style)


def piece(text: str, style: str | Style = "") -> Text:
    """Our own words as one line to which others may be appended: the style is theirs alone."""
    shown = Text(text, no_wrap=True, overflow="ellipsis", end="")
    if style:
        shown.stylize(style)
    return shown


def indented(columns: int, text: str, style: str = "") -> Text:
    """The same, some columns to the right."""
    return piece(" " * columns).append_text(line(text, style))


def steady(text: str) -> str:
    """The text with every emoji as wide in every terminal: else a title could push the frame out of place."""
    return text if text.isascii() else _UNSTEADY.sub("", text)


def status(task: Task) -> Text:
    look = STATUS[task.status]
    return piece(f"{look.glyph} {look.word}", look.style)


def repo_name(repo: str) -> str:
    """What tells a repository from others in few characters: `api` of `acme/api`, the folder of a path."""
    return repo.rstrip("/").rpartition("/")[2].removesuffix(".git") or repo


def short_path(path: str, width: int) -> str:
    """The path in at most `width` columns: folders go first (`…/cli/main.py`), then the middle of the name."""
    if cell_len(path) <= width:
        return path
    *folders, name = path.split("/")
    while folders:
        folders.pop(0)
        shown = "/".join(["…", *folders, name])
        if cell_len(shown) <= width:
            return shown
    if width < 2 * TAIL:
        return set_cell_size(name, max(0, width - 1)).rstrip() + "…" * (width > 0)
    tail = name[-TAIL:]
    return f"{set_cell_size(name, width - 1 - cell_len(tail))}…{tail}"


def now(entry: Entry) -> str:
    """What the table says about where a task stands, beyond its status; untrusted in part."""
    task = entry.task
    if task.status is Status.RUNNING:
        words = ["cancelling" if task.cancel_requested else str(task.phase or "starting"), entry.doing]
        words.append("UNISOLATED" if task.executor == "local" else "")
        return " · ".join(word for word in words if word)
    if task.status is Status.COMPLETED:
        return f"PR #{task.pr_number}" if task.pr_number else task.branch
    if task.question or task.error is None:
        return task.question or (f"until {entry.held}" if entry.held else "")
    return "your turn" if task.error.code == AWAITING_REVIEW else task.error.code


def cost(usage: Usage) -> str:
    """`$1.84`; "" where nothing was spent, `?` where a price is not known."""
    if usage.cost_usd is None:
        return "?" if usage.total_tokens else ""
    return money(usage.cost_usd) if usage.total_tokens else ""


def change(patch: Patch) -> str:
    """`+31 −4 in 2 files`"""
    return f"+{patch.added} −{patch.removed} in {patch.files} file{'s' * (patch.files != 1)}"


def money(usd: float) -> str:
    """`$0.03`; less than a cent says so."""
    return "<$0.01" if 0 < usd < 0.005 else f"${usd:,.2f}"


def since_ms(task: Task) -> int:
    """When what the task does now began: settled, started, or added."""
    return task.finished_at or task.started_at or task.created_at


def log_line(line: LogLine, *, needle: Needle | None = None, times: bool = False, begins: int = 0) -> Text:
    """A log line with its stream's mark; colours of the program stay, every other escape sequence is gone.

    `begins`: the attempt that begins with it, which is said; 0: none does.
    """
    look = STREAM[line.stream]
    shown = Text(no_wrap=True, end="")
    if times:
        shown.append(f"{datetime.fromtimestamp(line.at / 1000):%H:%M:%S} ", MUTED)
    body = _shown(line, keep_sgr=True)
    if begins:
        said = body.startswith(f"attempt {begins}:")  # mostly the host's own first words
        shown.append(RULE + ("" if said else f"attempt {begins} · "), BORDER)
    else:
        shown.append(f"{look.glyph} ", look.style)
    start = len(shown)
    shown.append_text(Text.from_ansi(body) if "\x1b" in body else Text(body, BORDER if begins else look.style))
    if needle is not None:
        highlight(shown, needle, start)
    return shown


def _shown(line: LogLine, *, keep_sgr: bool) -> str:
    return steady(safe(clip(last_segment(line.text), LINE_SHOWN), keep_sgr=keep_sgr))


def highlight(text: Text, needle: Needle, start: int = 0) -> None:
    """Mark every place where the needle is, from character `start` on."""
    for begin, end in needle.spots(text.plain, start):
        text.stylize(MATCH, begin, end)


def first_match(text: Text) -> tuple[int, int]:
    """The columns of the first marked place, its begin and its end; where none is to be seen, the end of the text."""
    spans = [(span.start, span.end) for span in text.spans if span.style == MATCH]
    begin, end = min(spans, default=(len(text), len(text)))
    return cell_len(text.plain[:begin]), cell_len(text.plain[:end])


def log_line_width(line: LogLine) -> int:
    """How many columns `log_line` takes, without the time and where no attempt begins."""
    return 2 + cell_len(_shown(line, keep_sgr=False))


def status_line(snapshot: Snapshot, engine: Engine, said: str = "") -> Text:
    """One line: the queue in numbers, then the engine or why it does not work."""
    overview = snapshot.overview
    shown = Text(no_wrap=True, overflow="ellipsis", end="")
    shown.append(" pithy-local ", "bold")
    shown.append(f" {overview.running} running / {overview.concurrency}", "cyan" if overview.running else "")
    shown.append(f"  queue {overview.queued}")
    if overview.paused is not None:
        shown.append(" paused: budget" if overview.paused.reason == "budget" else " paused", "bold yellow")
    elif overview.waiting:
        shown.append(f" ({overview.waiting} waiting)", MUTED)
    shown.append(f"  for you {overview.review}", "yellow" if overview.review else "")
    shown.append(f"  {money(snapshot.spent_usd)} today" if snapshot.spent_usd else "", MUTED).append("  ")
    shown.append_text(_engine(engine))
    if said:
        shown.append("   ").append_text(line(in_words(said), MUTED))
    return shown


def in_words(said: str) -> str:
    """The supervisor's narration, with the states as they are called in here."""
    for status, look in STATUS.items():
        said = said.replace(f": {status.value}", f": {look.word}")
    return said


def _engine(engine: Engine) -> Text:
    if engine.problem:
        return line(f"✗ {engine.label}: {engine.problem} · {engine.hint}", f"bold {RED}")
    if not engine.working:
        return piece(f"{engine.label} · only watching", MUTED)
    return piece(engine.label, "green" if engine.sealed else "bold yellow")


def title(task: Task) -> Content:
    """The selected task's title, for the frame around it."""
    return Content.assemble((task.id, "$text-muted"), f"  {line(task.title).plain}")
