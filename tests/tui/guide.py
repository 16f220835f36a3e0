"""`python -m tests.tui.guide`: the keys of docs/dashboard.md written anew from the table of actions."""

from __future__ import annotations

from pathlib import Path

from pithy_local.tui.actions import HEARD, Action, Place
from pithy_local.tui.keymap import Keymap
from pithy_local.tui.keynames import shown_keys

GUIDE = Path(__file__).parents[2] / "docs" / "dashboard.md"
HEADING = "## Keys\n"


def with_keys(text: str) -> str:
    """The guide with the keys as they are; they are its last part."""
    head, heading, rest = text.partition(HEADING)
    introduction = rest.partition("###")[0]
    return f"{head}{heading}{introduction}" + "\n".join(map(_section, Place))


def _section(place: Place) -> str:
    keymap = Keymap()
    rows = "".join(
        f"| `{action.shown}` | {action.help}{_elsewhere(keymap, action)} | `{action.id}` |\n"
        for action in keymap.at(place)
    )
    return f"### {place.value}\n\n| key | what | id |\n|---|---|---|\n{rows}"


def _elsewhere(keymap: Keymap, action: Action) -> str:
    """Where keys of it do something else."""
    hidden = {focus: keymap.hidden(action, focus) for focus in HEARD}
    parts = [f"in {focus.value.lower()} without `{shown_keys(keys)}`" for focus, keys in hidden.items() if keys]
    return f" ({', '.join(parts)})" if parts else ""


if __name__ == "__main__":
    GUIDE.write_text(with_keys(GUIDE.read_text("utf-8")), "utf-8")
