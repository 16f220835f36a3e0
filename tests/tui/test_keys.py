"""The one table of actions, and the user's own keys in it."""

from __future__ import annotations

import re

import pytest
from textual.actions import parse

from pithy_local.errors import ErrorCode, UsageError
from pithy_local.tui.actions import ACTIONS, HEARD, OPENED_BY, Action, Place, at, bindings
from pithy_local.tui.app import Dashboard
from pithy_local.tui.keymap import Keymap
from pithy_local.tui.keynames import key_name, textual_name
from pithy_local.tui.screens.confirm import AskScreen
from pithy_local.tui.screens.copying import CopyScreen
from pithy_local.tui.screens.dialog import Dialog
from pithy_local.tui.screens.doctor import DoctorScreen
from pithy_local.tui.screens.help import HelpScreen
from pithy_local.tui.screens.main import MainScreen
from pithy_local.tui.screens.new_task import NewTaskScreen
from pithy_local.tui.screens.replay import ReplayScreen
from pithy_local.tui.screens.stats import StatsScreen
from pithy_local.tui.screens.text import Writing
from pithy_local.tui.screens.viewer import LineScreen
from pithy_local.tui.widgets.bars import Prompt
from pithy_local.tui.widgets.diff import DiffView
from pithy_local.tui.widgets.diff_files import DiffFiles
from pithy_local.tui.widgets.lines import LineView
from pithy_local.tui.widgets.log import LogView
from pithy_local.tui.widgets.page import Page
from pithy_local.tui.widgets.tasks import TaskTable
from pithy_local.tui.widgets.whole_line import WholeLineView
from tests.tui.guide import GUIDE, with_keys

HEARERS: dict[Place, tuple[type, ...]] = {
    Place.DASHBOARD: (MainScreen,), Place.TASK: (MainScreen,), Place.TASKS: (TaskTable,), Place.LINES: (LineView,),
    Place.LOG: (LogView,), Place.DIFF: (DiffView,), Place.FILES: (DiffFiles,),
    Place.PAGE: (Page, WholeLineView), Place.PROMPT: (Prompt,), Place.TEXT: (NewTaskScreen, Writing),
    Place.ASK: (AskScreen,), Place.COPY: (CopyScreen,),
    Place.LINE: (LineScreen,), Place.STATS: (StatsScreen,), Place.DOCTOR: (DoctorScreen,),
    Place.REPLAY: (ReplayScreen,), Place.HELP: (HelpScreen,), Place.DIALOG: (Dialog,), Place.APP: (Dashboard,),
}  # fmt: skip


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_every_action_is_there(action: Action) -> None:
    namespace, name, _ = parse(action.run)
    elsewhere = {"app": (Dashboard,), "screen": (MainScreen,)}
    for owner in elsewhere.get(namespace, HEARERS[action.place]):
        assert hasattr(owner, f"action_{name}")


def test_ids_are_unique_and_each_place_is_heard_somewhere() -> None:
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)
    assert {place for heard in HEARD.values() for place in heard} == {*Place}
    assert [len(bindings(place)) for place in Place] == [len(at(place)) for place in Place]


def test_the_guide_has_the_keys_as_the_table_has_them() -> None:
    guide = GUIDE.read_text("utf-8")
    assert with_keys(guide) == guide, "run `python -m tests.tui.guide`"


def test_other_keys_are_taken_where_nothing_else_hears_them() -> None:
    keymap = Keymap(
        {"task.cancel": "r", "task.retry": "x", "help.back": "x", "text.submit": "f5,ctrl+j", "ask.yes": "!"}
    )
    assert keymap.key("task.cancel") == "r"
    assert [action.id for action in keymap.at(Place.TASK) if action.keys == "x"] == ["task.retry"]
    assert keymap.action("text.submit").each_key == ["f5", "ctrl+j"]
    assert keymap.action("ask.yes").keys == "exclamation_mark"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"task.cancl": "X"}, "there is no action `task.cancl`"),
        ({"task.cancel": "crtl+x"}, "there is no key `crtl+x`"),
        ({"task.cancel": ""}, "there is no key ``"),
        ({"task.cancel": "n"}, "`n` would be both `dashboard.new` and `task.cancel`"),
        ({"diff.viewed": "{"}, "`{` would be both `diff.viewed` and `diff.previous-attempt`"),
        ({"task.cancel": "j"}, "`j` would be both `lines.down` and `task.cancel`"),
        ({"log.wrap": "j"}, "`j` would be both `log.wrap` and `lines.down`"),
        ({"task.accept": "ctrl+q"}, "`ctrl+q` would be both `task.accept` and `app.quit`"),
        ({"task.remove": "Y", "ask.yes": "Y"}, "`Y` would ask for `task.remove` and confirm it (`ask.yes`)"),
        ({"dashboard.quit": "f7", "ask.cancel": "f7"}, "`f7` would ask for `dashboard.quit` and confirm it"),
        ({"text.submit": "j"}, "a text field takes `j` itself"),
        ({"text.submit": "ctrl+x"}, "a text field takes `ctrl+x` itself"),
        ({"prompt.back": "space"}, "a text field takes `space` itself"),
    ],
)
def test_keys_that_cannot_be_are_told(keys: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as raised:
        Keymap(keys)
    assert raised.value.code is ErrorCode.CONFIG


def test_no_key_asks_a_question_and_confirms_it() -> None:
    keymap = Keymap()
    for answer, openers in OPENED_BY.items():
        keys = [{*keymap.action(opener).each_key} for opener in openers]
        assert not set.union(*keys) & {*keymap.action(answer).each_key}


def test_a_key_that_is_anothers_where_the_focus_is_is_known() -> None:
    keymap = Keymap()
    hidden = keymap.hidden(keymap.action("lines.top"), Place.TASKS)
    assert {key: action.id for key, action in hidden.items()} == {"g": "tasks.pr"}
    assert keymap.hidden(keymap.action("lines.top"), Place.LOG) == {}


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("?", "question_mark"), ("!", "exclamation_mark"), ("+", "plus"), ("ctrl++", "ctrl+plus"),
        ("}", "right_curly_bracket"), ("ctrl+]", "ctrl+right_square_bracket"), ("esc", "escape"),
        ("pgdn", "pagedown"), ("A", "A"), ("f5", "f5"),
    ],
)  # fmt: skip
def test_keys_are_written_as_they_are_shown(written: str, key: str) -> None:
    assert textual_name(written) == key
    assert key_name(key) == written
