"""The statistics as text: figures, and bars and sparklines beside them. The same numbers as `stats --json`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from rich.cells import cell_len
from rich.text import Text

from pithy_local.models import Status
from pithy_local.store.stats import Figures, Group, Stats
from pithy_local.text import short_count
from pithy_local.tui import look
from pithy_local.tui.models.steps import span

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_SPARKS = "▁▂▃▄▅▆▇█"
NAME = (24, 48)
"""Columns of a group's name: as many as the longest takes, within these."""
FIGURES = 44
"""Columns that a group's figures take beside its name."""
BAR = 6
"""A shorter bar tells nothing."""
DAY = 4
"""Columns of a day where there is room."""
SHOWN_GROUPS = 12


@dataclass(frozen=True, kw_only=True)
class StatsPage:
    """What was done in one span of time that ends at `now_ms`, by repository, model and day."""

    repos: Stats
    models: Stats
    days: Stats
    now_ms: int


def page(found: StatsPage, width: int) -> Text:
    """The sums, then one block a grouping."""
    total = found.repos.total
    blocks = [_outcomes(total, width), _sums(total)]
    days = every_day(found.days, found.now_ms)
    if len(days) > 1:
        blocks.append(_days(days, width))
    for title, stats in (("By repository", found.repos), ("By model", found.models)):
        if stats.groups:
            blocks.append(_groups(title, stats.groups, width))
    return Text("\n\n").join(blocks)


def bar(share: float, width: int) -> str:
    """A bar of up to `width` columns, to an eighth of one; something always shows for more than nothing."""
    eighths = round(max(0.0, min(share, 1.0)) * width * 8) or (1 if share > 0 else 0)
    full, rest = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def spark(values: Sequence[float], columns: int = 1) -> str:
    """So many columns a value, the highest one full."""
    most = max(values, default=0)
    return "".join((_SPARKS[round(value / most * 7)] if most else _SPARKS[0]) * columns for value in values)


def _outcomes(total: Figures, width: int) -> Text:
    """A bar for each status that any task has."""
    number = sum(total.tasks.values())
    shown = look.piece(f"Tasks  {number}", "bold")
    if not number:
        return shown.append("\n  Nothing was done in this time.", look.MUTED)
    for status in Status:
        count = total.tasks[status]
        if count:
            each = look.STATUS[status]
            shown.append(f"\n  {each.glyph} {each.word:<10}{count:>6}  ", each.style)
            shown.append(bar(count / number, min(40, max(8, width - 28))), each.style)
    return shown


def _sums(total: Figures) -> Text:
    rows = [
        ("success", _share(total.success_rate, f"of {total.settled} settled")),
        ("median", "" if total.median_seconds is None else f"{span(int(total.median_seconds * 1000))} an attempt"),
        ("quick", _share(total.under_3_minutes, f"of {total.attempts} attempts under 3 minutes")),
        ("answers", _share(total.apply_rate, f"of {total.first_answers} first answers applied")),
        ("tokens", f"{short_count(total.input_tokens)} in, {short_count(total.output_tokens)} out in "
                   f"{_calls(total.calls)}" if total.calls else ""),
        ("cost", _cost(total) if total.calls else ""),
        ("reasons", ", ".join(f"{code} {count}" for code, count in total.reasons.items())),
    ]  # fmt: skip
    return Text("\n").join(
        look.piece(f"  {name:<10}", look.MUTED).append_text(look.line(value)) for name, value in rows if value
    )


def _cost(total: Figures) -> str:
    known = look.money(total.cost_known_usd)
    return known if not total.unpriced_calls else f"{known} and {_calls(total.unpriced_calls)} of unknown price"


def _calls(number: int) -> str:
    return f"{number} call{'s' * (number != 1)}"


def _share(rate: float | None, of: str) -> str:
    return "" if rate is None else f"{rate:.0%} {of}"


def every_day(stats: Stats, now_ms: int) -> list[Group]:
    """Those without a task as well, from the first one of the span until today."""
    if stats.since_ms is None or not stats.groups:
        return list(stats.groups)
    known = {group.key: group for group in stats.groups}
    first, today = (datetime.fromtimestamp(at / 1000).date() for at in (stats.since_ms, now_ms))
    keys = [date.isoformat(first + timedelta(days=number)) for number in range((today - first).days + 1)]
    return [known.get(key) or Group(key=key, figures=Figures()) for key in keys]


def _days(groups: Sequence[Group], width: int) -> Text:
    """Completed tasks, tokens and cost a day, as sparklines."""
    first, last = groups[0].key or "", groups[-1].key or ""
    shown = look.piece("By day", "bold").append(f"  {first} … {last}", look.MUTED)
    columns = max(1, min(DAY, (width - 30) // len(groups)))
    rows: list[tuple[str, list[float], str]] = [
        ("done", [group.figures.tasks[Status.COMPLETED] for group in groups], "green"),
        ("failed", [group.figures.tasks[Status.FAILED] for group in groups], look.RED),
        ("tokens", [group.figures.total_tokens for group in groups], "cyan"),
        ("cost", [group.figures.cost_known_usd for group in groups], "yellow"),
    ]
    for name, values, style in rows:
        most = look.money(max(values)) if name == "cost" else short_count(int(max(values)))
        shown.append(f"\n  {name:<8}", look.MUTED)
        shown.append(spark(values, columns), style).append(f"  most {most}", look.MUTED)
    return shown


def _groups(title: str, groups: Sequence[Group], width: int) -> Text:
    """The most expensive ones first."""
    first = sorted(groups, key=lambda group: (-group.figures.cost_known_usd, -group.figures.total_tokens))
    names = [look.line(group.key if group.key is not None else "(removed tasks)") for group in first[:SHOWN_GROUPS]]
    name = min(max(NAME[0], *(cell_len(each.plain) for each in names)), NAME[1], max(NAME[0], width - FIGURES - BAR))
    shown = look.piece(f"{title:<{name}}", "bold").append("    done  failed  tokens     cost   median", look.MUTED)
    most = max(group.figures.total_tokens for group in groups)
    for group, words in zip(first, names, strict=False):
        figures = group.figures
        words.truncate(name, overflow="ellipsis", pad=True)
        shown.append("\n  ").append_text(words).append(_figures(figures))
        if most and width - name - FIGURES >= BAR:
            shown.append(bar(figures.total_tokens / most, width - name - FIGURES), "cyan")
    if len(groups) > SHOWN_GROUPS:
        shown.append(f"\n  … and {len(groups) - SHOWN_GROUPS} more", look.MUTED)
    return shown


def _figures(figures: Figures) -> str:
    median = "" if figures.median_seconds is None else span(int(figures.median_seconds * 1000))
    cost = look.money(figures.cost_known_usd) + ("+?" if figures.unpriced_calls else "") if figures.calls else ""
    return (
        f"{figures.tasks[Status.COMPLETED]:>6}{figures.tasks[Status.FAILED]:>8}"
        f"{short_count(figures.total_tokens):>8}{cost:>9}{median:>9}  "
    )
