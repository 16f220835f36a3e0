"""Quitting while attempts run in here: what becomes of them."""

from __future__ import annotations

from pithy_local.models import Stop
from pithy_local.tui.models.verbs import quit_words
from pithy_local.tui.screens.confirm import Answer, AskScreen

WAYS = (
    "Leave: they go on as they are, and the next dashboard, `run` or `serve` of this home takes them up.\n\n"
    "Cancel: their sandboxes are stopped and removed, logs are kept, nothing more is pushed.\n\n"
    "Queued tasks stay queued either way."
)
ANSWERS = (
    Answer(keys="s,n", label="Stay", variant="primary"),
    Answer(keys="l", label="Leave them running", variant="warning"),
    Answer(keys="c", label="Cancel them"),
)
HOW = (None, Stop.LEAVE, Stop.CANCEL)
"""What each answer means; None: the dashboard stays."""


class QuitScreen(AskScreen):
    """Dismissed with the number of an answer."""

    def __init__(self, running: int) -> None:
        """`running`: attempts of this process."""
        super().__init__("Quit?", f"{quit_words(running)}\n\n{WAYS}", ANSWERS)
