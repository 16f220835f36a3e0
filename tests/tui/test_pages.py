"""Steps, info and statistics as text, and what may be done with a task as it stands."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from pithy_local.models import Attempt, Patch, Phase, Status, Task, TaskError, Usage, Verified
from pithy_local.service import Event, ModelCall
from pithy_local.store.stats import Figures, Group, Stats
from pithy_local.tui import clipboard
from pithy_local.tui.models import figures, info, rows, steps, verbs
from pithy_local.tui.models.figures import StatsPage
from pithy_local.tui.models.rows import plain
from pithy_local.tui.records import Details, Entry
from tests.tui.records import a_task

PATCH = Patch(path="p", bytes=900, files=1, added=31, removed=4, mended=2)


def event(at: int, kind: str, attempt: int = 1, **body: object) -> Event:
    return Event(attempt=attempt, at=at, kind=kind, body=body)


def call(at: int, status: int | None = 200, cost: float | None = 0.04) -> ModelCall:
    return ModelCall(
        attempt=1, at=at, provider="openai", model="gpt-4o", http_status=status, input_tokens=12_400, output_tokens=512,
        seconds=8.1, cost_usd=cost,
    )  # fmt: skip


def details(*events: Event, calls: tuple[ModelCall, ...] = (), **fields: object) -> Details:
    values = {"task": "a", "number": 1, "created_at": 0, "started_at": 0, **fields}
    return Details(entry=Entry(task=a_task()), attempts=(Attempt(**values),), events=events, calls=calls)  # type: ignore[arg-type]


def test_phases_last_until_the_next_one_or_until_the_task_settles() -> None:
    shown = steps.page(
        details(
            event(0, "phase", phase="preparing"), event(2_000, "phase", phase="agent"),
            event(92_000, "status", to="needs_review"), event(500_000, "phase", phase="delivering"),
            event(500_500, "status", to="completed"), outcome="completed", finished_at=500_500,
        ), 900_000,
    )  # fmt: skip
    assert [line.split() for line in plain(shown).splitlines()[1:]] == [
        ["·", "preparing", "2.0s"], ["·", "agent", "1m", "30s"], ["·", "delivering", "0.5s"],
    ]  # fmt: skip


def test_calls_stand_where_they_were_made_with_what_they_took() -> None:
    asked = [event(0, "phase", phase="agent"), event(5, "step", text="asking")]
    shown = plain(steps.page(details(*asked, calls=(call(6), call(9, None))), 10))
    assert shown.index("asking") < shown.index("↔ openai gpt-4o  12.4k in, 512 out  8.1s  $0.04")
    assert "under way" in shown


@pytest.mark.parametrize(("status", "cost", "words"), [(429, 0.0, "HTTP 429"), (200, None, "cost unknown")])
def test_a_call_says_what_went_wrong_and_what_is_not_known(status: int, cost: float | None, words: str) -> None:
    assert words in plain(steps.page(details(calls=(call(1, status, cost),)), 10))


def test_verify_commands_show_both_exits_and_the_end_of_a_failed_output() -> None:
    output = "\n".join(f"line {n}" for n in range(50))
    verified = (Verified(command="pytest -q", base_exit=0, patch_exit=1, seconds=2.5, patch_output=output),
                Verified(command="mypy", base_exit=124, patch_exit=None))  # fmt: skip
    shown = plain(steps.page(details(verify=verified), 0))
    assert "✓ passed    → ✗ exit 1        2.5s  pytest -q" in shown
    assert "✗ timed out → not run" in shown
    assert "line 49" in shown
    assert "line 41\n" not in shown


def test_of_a_talkative_attempt_every_phase_and_the_newest_steps_are_shown() -> None:
    said = [event(n, "step", text=f"step {n}") for n in range(300)]
    phases = [event(50, "phase", phase="agent"), event(120, "phase", phase="verifying")]
    shown = plain(steps.page(details(*said, *phases), 400))
    words = ["… 51 earlier ones", "agent", "… 49 earlier ones", "step 100\n", "verifying", "step 299"]
    assert sorted(words, key=shown.index) == words
    assert "step 99\n" not in shown


def test_what_is_too_long_goes_on_below_itself() -> None:
    feedback = "the words are of no importance, but there are many of them"
    text = rows.wrapped(steps.page(details(feedback=feedback), 0), 40, Console()).plain
    assert text.splitlines()[1:] == ["  told: the words are of no importance, ", "        but there are many of them"]


@pytest.mark.parametrize("width", [2, 9, 14, 40])
def test_nothing_is_lost_however_narrow_the_page_is(width: int) -> None:
    text = "   日本語 and-a-word-that-is-longer-than-all-that  x"
    shown = rows.wrapped(rows.of(Text(text)), width, Console()).plain
    assert "".join(shown.split()) == "".join(text.split())
    assert all(cell_len(line) <= width for line in shown.splitlines())


def test_info_says_how_the_change_was_mended() -> None:
    found = details()
    found = replace(found, entry=Entry(task=a_task(patch=PATCH), held="13:05: rate limit of openai"))
    shown = plain(info.page(found, 0))
    assert "+31 −4 in 1 file, 900 bytes, 2 hunks mended: look at the change" in shown
    assert "13:05: rate limit of openai" in shown


OTHER: dict[str, Any] = {
    "status": Status.FAILED, "phase": Phase.AGENT, "after": None, "blocked": True, "cancel_requested": True,
    "unisolated": True, "priority": 7, "max_tokens": 77_000, "attempts": 5, "pr_number": 8, "patch": PATCH,
    "created_at": 90_000_000, "started_at": 91_000_000, "finished_at": 92_000_000, "not_before": 93_000_000,
    "error": TaskError(code="timeout", message="", hint=""), "usage": Usage(input_tokens=5),
    "verify": (Verified(command="pytest", patch_exit=0),), "verify_commands": ("pytest -q", "mypy ."),
}  # fmt: skip


def test_info_says_everything_that_is_known_of_a_task() -> None:
    def shown(**other: Any) -> str:
        fields = {"after": "7k3f8vdd2a", "pr_url": "https://h/1", "pr_number": 1, **other}
        return plain(info.page(replace(details(), attempts=(), entry=Entry(task=replace(a_task(), **fields))), 0))

    unseen = {field.name for field in fields(Task) if shown() == shown(**{field.name: OTHER.get(field.name, "words")})}
    assert unseen == {"fence"}, "the fence is the store's own"


def test_a_long_prompt_is_cut_and_stays_text() -> None:
    found = replace(details(), entry=Entry(task=a_task(prompt="[/x]\x1b[2J\n" + "y" * 1_000_000)))
    shown = plain(info.page(found, 0))
    assert "[/x]" in shown
    assert "\x1b" not in shown
    assert len(shown) < 2 * info.PROMPT_SHOWN


@pytest.mark.parametrize(
    ("ms", "words"), [(0, "0.0s"), (9_940, "9.9s"), (12_000, "12s"), (130_000, "2m 10s"), (3_900_000, "1h 5m")]
)
def test_spans_are_short(ms: int, words: str) -> None:
    assert steps.span(ms) == words


@pytest.mark.parametrize(("share", "shown"), [(0, ""), (0.001, "▏"), (0.5, "█████"), (0.55, "█████▌"), (2, "█" * 10)])
def test_a_bar_is_as_long_as_its_share(share: float, shown: str) -> None:
    assert figures.bar(share, 10) == shown


@pytest.mark.parametrize(("values", "shown"), [([], ""), ([0, 0], "▁▁"), ([0, 4, 8], "▁▅█")])
def test_a_spark_is_as_high_as_its_value(values: list[float], shown: str) -> None:
    assert figures.spark(values) == shown


def test_statistics_say_what_is_not_priced_and_whose_tasks_are_gone() -> None:
    total = Figures(
        tasks={**dict.fromkeys(Status, 0), Status.COMPLETED: 3, Status.FAILED: 1}, reasons={"timeout": 1}, calls=9,
        input_tokens=5_000, output_tokens=300, cost_known_usd=1.5, unpriced_calls=2, attempts=4, median_seconds=75.0,
    )  # fmt: skip
    groups = (Group(key=None, figures=Figures(calls=1, cost_known_usd=0.001)), Group(key="acme/[/x]", figures=total))
    days = tuple(Group(key=f"2026-11-{day}", figures=total) for day in (21, 22))
    page = StatsPage(
        repos=Stats(since_ms=0, by="repo", total=total, groups=groups),
        models=Stats(since_ms=0, by="model", total=total),
        days=Stats(since_ms=at("2026-11-18"), by="day", total=total, groups=days),
        now_ms=at("2026-11-23"),
    )
    shown = figures.page(page, 100).plain
    for words in ("75% of 4 settled", "1m 15s an attempt", "$1.50 and 2 calls of unknown price", "timeout 1",
                  "acme/[/x]", "(removed tasks)", "<$0.01", "2026-11-18 … 2026-11-23", "██"):  # fmt: skip
        assert words in shown
    assert shown.index("acme/[/x]") < shown.index("(removed tasks)"), "the most expensive first"
    assert f"done    {'▁' * 12}{'█' * 8}{'▁' * 4}" in shown, "days without a task are days as well"
    assert "█" not in figures.page(page, 70).plain.split("By repository")[1], "a bar of a column or two tells nothing"


def at(day: str) -> int:
    return int(datetime.fromisoformat(f"{day} 12:00").timestamp() * 1000)


def test_nothing_done_is_said() -> None:
    empty = Stats(since_ms=0, by="repo", total=Figures())
    assert "Nothing was done" in figures.page(StatsPage(repos=empty, models=empty, days=empty, now_ms=0), 80).plain


IN_WORK: dict[str, Any] = {"phase": Phase.AGENT, "finished_at": None}
STATES = {
    "queued": a_task(status=Status.QUEUED, finished_at=None),
    "running": a_task(status=Status.RUNNING, **IN_WORK),
    "cancelling": a_task(status=Status.RUNNING, cancel_requested=True, **IN_WORK),
    "local": a_task(status=Status.RUNNING, executor="local", **IN_WORK),
    "done": a_task(pr_url="https://h/1", patch=PATCH),
    "failed": a_task(status=Status.FAILED),
    "review": a_task(status=Status.NEEDS_REVIEW, patch=PATCH),
    "no diff": a_task(status=Status.NEEDS_REVIEW),
    "question": a_task(status=Status.NEEDS_CLARIFICATION),
    "cancelled": a_task(status=Status.CANCELLED),
}
MAY = {
    "cancel": {"queued", "running", "local", "review", "no diff", "question"},
    "accept": {"review"},
    "reject": {"review", "no diff", "question"},
    "remove": {"done", "failed", "review", "no diff", "question", "cancelled"},
    "retry": {"done", "failed", "review", "no diff", "question", "cancelled"},
    "answer": {"question"},
    "send_back": {"done", "review"},
    "open_pr": {"done"},
    "shell": {"running", "cancelling"},
    "run": {"queued"},
    "replay": STATES.keys() - {"running", "cancelling", "local"},
    "edit": STATES.keys(),
    "copy": STATES.keys(),
}


@pytest.mark.parametrize("verb", verbs.VERBS)
def test_each_verb_is_for_some_states_and_says_why_not_of_the_others(verb: str) -> None:
    assert {name for name, task in STATES.items() if not verbs.why_not(verb, [task])} == MAY[verb]


def test_of_several_tasks_one_that_can_is_enough() -> None:
    tasks = [STATES["failed"], STATES["review"]]
    assert verbs.why_not("accept", tasks) == ""
    assert verbs.able("accept", tasks) == [STATES["review"]]
    assert verbs.why_not("accept", []) == "no task is selected"


def test_a_question_about_many_tasks_lists_a_few() -> None:
    asked = verbs.question("cancel", [replace(STATES["queued"], title=f"[/t{n}]\x1b[2J") for n in range(9)])
    assert asked.title == "Cancel 9 tasks?"
    assert "[/t5]" in asked.what_happens
    assert "… and 3 more" in asked.what_happens
    assert "\x1b" not in asked.what_happens


@pytest.mark.parametrize(
    ("env", "installed", "argv"),
    [
        ({}, ["xclip"], None),
        ({"DISPLAY": ":0"}, ["xclip"], ["xclip", "-selection", "clipboard"]),
        ({"DISPLAY": ":0"}, ["xsel"], ["xsel", "--clipboard", "--input"]),
        ({"WAYLAND_DISPLAY": "w", "DISPLAY": ":0"}, ["wl-copy", "xclip"], ["wl-copy"]),
        ({"TMUX": "x"}, ["tmux"], ["tmux", "load-buffer", "-w", "-"]),
    ],
)
def test_the_sessions_own_clipboard_comes_first(
    env: dict[str, str], installed: list[str], argv: list[str] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in installed:
        script = tmp_path / name
        script.write_text('#!/bin/sh\ncat > "$(dirname "$0")/copied"\n')
        script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert clipboard.tool(env) == argv
