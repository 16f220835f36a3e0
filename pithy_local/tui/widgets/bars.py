"""The one-line parts: tabs, the hints at the bottom, and the line to type a search or a filter into."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Label, Static

from pithy_local.tui import actions, look
from pithy_local.tui.actions import Action, Place
from pithy_local.tui.keynames import key_name
from pithy_local.tui.widgets.inputs import SafeInput


class Bar(Static):
    """One line of parts that can be clicked; a click runs the action of the part, in the screen."""

    def __init__(self, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._spots: list[tuple[int, int, str]] = []

    def draw(self, parts: Sequence[tuple[Text, str]]) -> None:
        """`parts`: text, and what a click on it runs ("": nothing)."""
        shown, self._spots = look.piece(""), []
        for text, run in parts:
            start = shown.cell_len
            shown.append_text(text)
            if run:
                self._spots.append((start, shown.cell_len, run))
        self.update(shown, layout=False)

    async def on_click(self, event: events.Click) -> None:
        for start, end, run in self._spots:
            if start <= event.x < end:
                await self.app.run_action(run, self.screen)


class TabBar(Bar):
    """`[1 Log] 2 Diff +31 −4  3 Steps  4 Info`: the names, and which is open."""

    def show(self, tabs: Sequence[tuple[str, str]], active: str, keys: Sequence[str] = ()) -> None:
        """`tabs`: name and words of each, in order; `keys`: what opens each."""
        parts = []
        for number, (name, words) in enumerate(tabs):
            style = "bold reverse" if name == active else ""
            key = f"{keys[number]} " if keys else ""
            parts += [(look.piece(f" {key}{words} ", style), f"tab('{name}')"), (look.piece(" "), "")]
        self.draw(parts)


class HintBar(Bar):
    """What can be done here and now, in one line; as many as fit."""

    def __init__(self, id: str = "hints") -> None:  # noqa: A002
        super().__init__(id)
        self._hints: list[Action] = []
        self._last: list[Action] = []

    def show(self, hints: Sequence[Action], last: Sequence[Action] = ()) -> None:
        """`last`: those that are always there, at the right end."""
        if (self._hints, self._last) != (list(hints), list(last)):
            self._hints, self._last = list(hints), list(last)
            self._fit()

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        last = [_hint(action) for action in self._last]
        room = self.size.width - 1 - sum(text.cell_len for text, _ in last)
        parts = [(look.piece(" "), "")]
        used = 1
        for hint in map(_hint, self._hints):
            if used + hint[0].cell_len > room:
                break
            parts.append(hint)
            used += hint[0].cell_len
        self.draw([*parts, (look.piece(" " * max(0, room + 2 - used)), ""), *last])


def _hint(action: Action) -> tuple[Text, str]:
    key = look.piece(key_name(action.each_key[0]), "bold cyan")
    return key.append(f" {action.label}").append("  "), f"press('{action.id}')"


class Prompt(Horizontal):
    """A line at the bottom to type into, hidden until it is asked for, and again when something else gets the focus."""

    BINDINGS = actions.bindings(Place.PROMPT)

    class Typed(Message):
        """The text is another one now; `final`: it was taken."""

        def __init__(self, purpose: str, text: str, *, final: bool) -> None:
            super().__init__()
            self.purpose, self.text, self.final = purpose, text, final

    class GivenUp(Message):
        """What was there before holds again."""

        def __init__(self, purpose: str, before: str) -> None:
            super().__init__()
            self.purpose, self.before = purpose, before

    def __init__(self) -> None:
        super().__init__(id="prompt-line")
        self._purpose = self._before = ""

    def compose(self) -> ComposeResult:
        yield Label(id="prompt-label")
        yield SafeInput(id="prompt-input", compact=True)

    def ask(self, purpose: str, label: str, text: str, placeholder: str) -> None:
        """Open the line for `purpose`, with `text` in it."""
        self._purpose, self._before = purpose, text
        self.query_one(Label).update(Content(f" {label} "))
        field = self.query_one(Input)
        with field.prevent(Input.Changed):
            field.value = text
        field.placeholder = placeholder
        field.cursor_position = len(text)
        self.add_class("-open")
        self.screen.set_focus(field)  # at once: the next key is for it

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.is_open:
            self._say(self.Typed(self._purpose, event.value, final=False))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_take()  # the field's own enter: behind what was typed before it

    def on_descendant_blur(self) -> None:
        if self.app.app_focus:  # else the whole terminal lost it, and will give it back
            self.close()

    def close(self) -> None:
        """Hide the line; what was typed stays as far as it was taken."""
        self.remove_class("-open")

    def action_take(self) -> None:
        self.close()
        self._say(self.Typed(self._purpose, self.query_one(Input).value, final=True))

    def action_back(self) -> None:
        self.close()
        self._say(self.GivenUp(self._purpose, self._before))

    def _say(self, message: Message) -> None:
        """To the screen itself: a key behind the one that led to it waits for what is on its way there, no longer."""
        self.screen.post_message(message)


def counted(label: str, text: str) -> Content:
    """A border title: a name, and safe text after it."""
    return Content.assemble((label, "bold"), f" {look.line(text).plain}" if text else "")
