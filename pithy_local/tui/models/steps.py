"""What was done for a task: phases and steps, model calls, answers and verify commands, attempt by attempt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from pithy_local.models import Attempt, Status, Verified
from pithy_local.service import Event, ModelCall
from pithy_local.text import clip, short_count
from pithy_local.tui import look
from pithy_local.tui.models.rows import Row
from pithy_local.tui.records import Details

PHASE = 16
MOST_STEPS = 200
"""Steps and model calls of one attempt; the newest are shown, below every phase."""
TOLD_SHOWN = 1_000


def page(details: Details, now_ms: int) -> tuple[Row, ...]:
    """All of it, the newest attempt first."""
    rows: list[Row] = []
    for attempt in reversed(details.attempts):
        rows += [Row(Text())] if rows else []
        rows += _attempt(details, attempt, now_ms)
    return tuple(rows) or (Row(look.piece("Nothing was done yet.", look.MUTED)),)


def span(ms: int) -> str:
    """`0.4s`, `12s`, `2m 10s`, `1h 5m`"""
    seconds = max(0, ms) / 1000
    if seconds < 10:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest}s" if minutes else f"{rest}s"
    return f"{minutes // 60}h {minutes % 60}m"


def _attempt(details: Details, attempt: Attempt, now_ms: int) -> Iterator[Row]:
    number = attempt.number
    events = [event for event in details.events if event.attempt == number]
    calls = [call for call in details.calls if call.attempt == number]
    live = attempt.number == details.entry.task.attempts and details.entry.task.status is Status.RUNNING
    yield Row(_headline(attempt, now_ms), 2)
    if attempt.feedback:
        yield _row(2, f"told: {clip(attempt.feedback, TOLD_SHOWN)}", look.MUTED, marked=6)
    if attempt.redelivery and not any(event.kind == "answer" for event in events):
        yield _row(2, "delivers the change as it was made; no model is asked", look.MUTED)
    yield from _happened(events, calls, now_ms, live=live, end=attempt.finished_at)
    if attempt.question:
        yield _row(2, f"? {attempt.question}", look.PINK, marked=2)
    if attempt.error is not None:
        yield _row(2, f"{attempt.error.code}: {attempt.error.message}", look.RED, marked=2)
    yield from _evidence(attempt.verify)


def _row(indent: int, text: str, style: str, *, marked: int = 0) -> Row:
    """Untrusted text as one row; `marked`: columns of the mark or the word that it begins with."""
    return Row(look.indented(indent, text, style), indent + marked)


def _headline(attempt: Attempt, now_ms: int) -> Text:
    shown = look.piece(f"Attempt {attempt.number}", "bold")
    outcome = look.STATUS[Status(attempt.outcome)] if attempt.outcome else None
    if outcome is not None:
        shown.append(f"  {outcome.glyph} {outcome.word}", outcome.style)
    if attempt.started_at:
        shown.append(f"  {span((attempt.finished_at or now_ms) - attempt.started_at)}")
    usage = attempt.usage
    if usage.total_tokens:
        given, answered = short_count(usage.input_tokens), short_count(usage.output_tokens)
        shown.append(f"  {given} in, {answered} out  {look.cost(usage)}", look.MUTED)
    return shown


def _happened(
    events: Sequence[Event], calls: Sequence[ModelCall], now_ms: int, *, live: bool, end: int | None
) -> Iterator[Row]:
    """Phases with how long each took, and below each what the runner said and the model calls, in order of time."""
    happened: list[Event | ModelCall] = sorted([*events, *calls], key=lambda each: each.at)
    borders = [what.at for what in happened if isinstance(what, Event) and what.kind in ("phase", "status")]
    older = sum(map(_is_step, happened)) - MOST_STEPS
    left_out = 0
    for what in happened:
        if _is_step(what) and older > 0:
            older, left_out = older - 1, left_out + 1
            continue
        if left_out:
            yield _row(6, f"… {left_out} earlier ones", look.MUTED, marked=2)
            left_out = 0
        if isinstance(what, ModelCall):
            yield Row(_call(what), 8)
        elif what.kind == "phase":
            after = next((at for at in borders if at > what.at), None)
            yield Row(_phase(what, after or end or now_ms, open_=live and after is None))
        elif what.kind == "step":
            yield _row(6, f"{what.body.get('text', '')}", look.MUTED)
        elif what.kind == "answer":
            yield _answer(what)


def _is_step(what: Event | ModelCall) -> bool:
    return isinstance(what, ModelCall) or what.kind == "step"


def _phase(event: Event, until: int, *, open_: bool) -> Text:
    shown = look.piece("  ● " if open_ else "  · ", "bold cyan" if open_ else "")
    shown.append_text(look.line(str(event.body.get("phase", "")), "bold cyan" if open_ else ""))
    shown.pad_right(max(0, PHASE - shown.cell_len))
    return shown.append(f"{span(until - event.at):>8}", look.MUTED)


def _call(call: ModelCall) -> Text:
    shown = look.indented(6, f"↔ {call.provider} {call.model}", "cyan")
    if call.http_status is None:
        return shown.append("  under way …", "cyan")
    shown.append(f"  {short_count(call.input_tokens)} in, {short_count(call.output_tokens)} out  {call.seconds:.1f}s")
    cost = "cost unknown" if call.cost_usd is None else look.money(call.cost_usd)
    shown.append(f"  {cost}", look.MUTED)
    if call.http_status != 200:
        shown.append(f"  HTTP {call.http_status}", look.RED)
    return shown


def _answer(event: Event) -> Row:
    verdict, number = str(event.body.get("verdict", "")), event.body.get("round", "?")
    mark, style = ("✓", "green") if verdict == "applied" else ("✗", look.RED)
    return _row(6, f"{mark} answer {number}: {verdict}", style, marked=2)


def _evidence(verified: Sequence[Verified]) -> Iterator[Row]:
    if not verified:
        return
    yield Row(look.piece("  Verify commands", "bold").append("   on the base → with the change", look.MUTED))
    for each in verified:
        shown = Text("    ").append_text(_exit(each.base_exit)).append(" → ", look.MUTED)
        shown.append_text(_exit(each.patch_exit)).append(f"  {each.seconds:6.1f}s  ", look.MUTED)
        hang = shown.cell_len
        yield Row(shown.append_text(look.line(each.command)), hang)
        output = each.patch_output if each.patch_exit else ""
        for line in output.rstrip().split("\n")[-8:] if output else ():
            yield _row(8, line, look.MUTED)


def _exit(code: int | None) -> Text:
    words = {None: "not run", 0: "✓ passed", 124: "✗ timed out"}.get(code, f"✗ exit {code}")
    return look.piece(f"{words:<11}", {None: look.MUTED, 0: "green"}.get(code, look.RED))
