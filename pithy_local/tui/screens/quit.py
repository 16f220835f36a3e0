"""Quitting while attempts run in here, or something is written and not sent: what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence

from pithy_local.models import Stop
from pithy_local.tui.models.verbs import quit_words
from pithy_local.tui.screens.confirm import Answer, AskScreen

WAYS = (
    "Leave: their sandboxes run on, one that asks the model waits, and the next dashboard, `run` or `serve` of this "
    "home takes them up.\n\n"
    "Cancel: their sandboxes are stopped and removed, logs are kept, nothing more is pushed.\n\n"
    "Queued tasks stay queued either way."
)
LOST = "What you wrote and did not send is lost."
WAITED_FOR = "Still under way: {}. That is waited for, and ctrl+c then leaves without it."
ANSWERS = (
    Answer(name="stay", label="Stay", variant="primary"),
    Answer(name="leave", label="Leave them running", variant="warning"),
    Answer(name="cancel", label="Cancel them"),
)
WITHOUT_ATTEMPTS = (ANSWERS[0], Answer(name="leave", label="Quit", variant="warning"))
HOW = (None, Stop.LEAVE, Stop.CANCEL)
"""What each answer means; None: the dashboard stays."""


class QuitScreen(AskScreen):
    """Dismissed with the number of an answer."""

    def __init__(self, running: int, *, unsent: bool, under_way: Sequence[str]) -> None:
        """`running`: attempts of this process; `unsent`: what somebody wrote is kept here alone. One of them holds.

        `under_way`: names of what is done at the moment.
        """
        words = [LOST] if unsent else []
        words += [WAITED_FOR.format(", ".join(under_way))] if under_way else []
        if running:
            words = [quit_words(running), *words, WAYS]
        super().__init__("Quit?", "\n\n".join(words), ANSWERS if running else WITHOUT_ATTEMPTS)
