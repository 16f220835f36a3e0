"""The statistics as text: figures, and bars and sparklines beside them. The same numbers as `stats --json`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from pithy_local.models import Status
from pithy_local.store.stats import Figures, Group, Stats
from pithy_local.text import short_count
from pithy_local.tui import look
from pithy_local.tui.models.steps import span

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_SPARKS = "▁▂▃▄▅▆▇█"
NAME = 24
SHOWN_GROUPS = 12


@dataclass(frozen=True, kw_only=True)
class StatsPage:
    """What was done in one span of time, by repository, model and day."""

    repos: Stats
    models: Stats
    days: Stats


def page(found: StatsPage, width: int) -> Text:
    """The sums, then one block a grouping."""
    total = found.repos.total
    blocks = [_outcomes(total, width), _sums(total)]
    if len(found.days.groups) > 1:
        blocks.append(_days(found.days.groups))
    for title, stats in (("By repository", found.repos), ("By model", found.models)):
        if stats.groups:
            blocks.append(_groups(title, stats.groups, width))
    return Text("\n\n").join(blocks)


def bar(share: float, width: int) -> str:
    """A bar of up to `width` columns, to an eighth of one; something always shows for more than nothing."""
    eighths = round(max(0.0, min(share, 1.0)) * width * 8) or (1 if share > 0 else 0)
    full, rest = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def spark(values: Sequence[float]) -> str:
    """One column a value, the highest one full."""
    most = max(values, default=0)
    return "".join(_SPARKS[round(value / most * 7)] if most else _SPARKS[0] for value in values)


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
                   f"{total.calls} calls" if total.calls else ""),
        ("cost", _cost(total) if total.calls else ""),
        ("reasons", ", ".join(f"{code} {count}" for code, count in total.reasons.items())),
    ]  # fmt: skip
    return Text("\n").join(
        look.piece(f"  {name:<10}", look.MUTED).append_text(look.line(value)) for name, value in rows if value
    )


def _cost(total: Figures) -> str:
    known = look.money(total.cost_known_usd)
    return known if not total.unpriced_calls else f"{known} and {total.unpriced_calls} calls of unknown price"


def _share(rate: float | None, of: str) -> str:
    return "" if rate is None else f"{rate:.0%} {of}"


def _days(groups: Sequence[Group]) -> Text:
    """Completed tasks, tokens and cost a day, as sparklines."""
    first, last = groups[0].key or "", groups[-1].key or ""
    shown = look.piece("By day", "bold").append(f"  {first} … {last}", look.MUTED)
    rows: list[tuple[str, list[float], str]] = [
        ("done", [group.figures.tasks[Status.COMPLETED] for group in groups], "green"),
        ("failed", [group.figures.tasks[Status.FAILED] for group in groups], look.RED),
        ("tokens", [group.figures.total_tokens for group in groups], "cyan"),
        ("cost", [group.figures.cost_known_usd for group in groups], "yellow"),
    ]
    for name, values, style in rows:
        most = look.money(max(values)) if name == "cost" else short_count(int(max(values)))
        shown.append(f"\n  {name:<8}", look.MUTED).append(spark(values), style).append(f"  most {most}", look.MUTED)
    return shown


def _groups(title: str, groups: Sequence[Group], width: int) -> Text:
    shown = look.piece(f"{title:<{NAME}}", "bold").append("    done  failed  tokens     cost   median", look.MUTED)
    most = max(group.figures.total_tokens for group in groups)
    for group in groups[:SHOWN_GROUPS]:
        figures = group.figures
        name = look.line(group.key if group.key is not None else "(removed tasks)")
        name.truncate(NAME, overflow="ellipsis", pad=True)
        median = "" if figures.median_seconds is None else span(int(figures.median_seconds * 1000))
        cost = look.money(figures.cost_known_usd) + ("+?" if figures.unpriced_calls else "") if figures.calls else ""
        shown.append("\n  ").append_text(name)
        shown.append(
            f"{figures.tasks[Status.COMPLETED]:>6}{figures.tasks[Status.FAILED]:>8}"
            f"{short_count(figures.total_tokens):>8}{cost:>9}{median:>9}  "
        )
        shown.append(bar(figures.total_tokens / most if most else 0, max(0, width - NAME - 46)), "cyan")
    if len(groups) > SHOWN_GROUPS:
        shown.append(f"\n  … and {len(groups) - SHOWN_GROUPS} more", look.MUTED)
    return shown
