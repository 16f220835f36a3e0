"""Sends what the outbox holds."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable

from pithy_local.config import NotifySettings
from pithy_local.errors import NoSuchTask
from pithy_local.notify import targets
from pithy_local.notify.message import Message, compose
from pithy_local.notify.targets import Target
from pithy_local.redact import Redactor
from pithy_local.store import Store
from pithy_local.store.outbox import Claimed, Outbox
from pithy_local.store.tasks import Tasks

SEND_SECONDS = 45.0
"""How long one message may take: less than its claim lasts."""
DRAIN_SECONDS = 10.0
POLL_SECONDS = 0.1


class Notifier:
    """`settings` say who is told of what. `say` gets a line when a target begins to fail and when it works again.
    `patience`: seconds that one message may take.

    Every process of a home may have one: a message is sent once. It is sent again only where a process died, or gave
    up on a service that took it all the same, before this could be written down.
    """

    def __init__(
        self, store: Store, settings: NotifySettings, redactor: Redactor, say: Callable[[str], None], *,
        patience: float = SEND_SECONDS,
    ) -> None:  # fmt: skip
        self._targets = targets.targets_of(settings.urls)
        self._outbox = Outbox(store, [target.key for target in self._targets], settings.on)
        self._tasks = Tasks(store)
        self._redactor, self._say, self._patience = redactor, say, patience
        self._failing: set[str] = set()
        self._deadline = math.inf

    def tick(self) -> None:
        """Send what is due, one message a target. Where none is, this is one look at an index.

        Blocks while a service does not answer, `patience` a target at most. Raises PithyError (store, disk_full).
        """
        self._round()

    def drain(self, seconds: float = DRAIN_SECONDS) -> None:
        """At the process' end: send all that is due within this time; a `tick` in another thread ends with it, too.

        What is not done by then is left to the next process. Raises PithyError (store, disk_full).
        """
        self._deadline = time.monotonic() + seconds
        while not self._over and self._round():
            pass

    @property
    def _over(self) -> bool:
        return time.monotonic() >= self._deadline

    def _round(self) -> bool:
        """Whether there was anything to send."""
        if self._outbox.is_empty():
            return False
        self._outbox.close_done()
        served = [self._serve(target) for target in self._targets]
        if any(served):
            self._outbox.close_done()
        return any(served)

    def _serve(self, target: Target) -> bool:
        """Send the oldest message that is due for this target; whether there was one."""
        claimed = None if self._over else self._outbox.claim(target.key)
        if claimed is None:
            return False
        message = self._message(claimed)
        if message is None:
            return True
        why = self._send(target, message)
        if why:
            why = self._redactor.mask(targets.reason(target, why))
            self._outbox.failed(claimed, why)
            self._tell(target, why)
        elif why is not None:
            self._outbox.sent(claimed)
            self._tell(target, "")
        return True

    def _message(self, claimed: Claimed) -> Message | None:
        """None when the task was removed in this moment."""
        try:
            task = self._tasks.get(claimed.task)
        except NoSuchTask:
            return None
        attempts = (each for each in self._tasks.attempts(claimed.task) if each.number == claimed.attempt)
        attempt = next(attempts, None)
        return compose(task, attempt, claimed.status, self._redactor.mask) if attempt else None

    def _send(self, target: Target, message: Message) -> str | None:
        """ "" when it was sent, else why not; None when the process ends before that is known."""
        connected = targets.connect(target)
        if connected is None:
            return "apprise cannot use this URL: `pithy-local config check` says why"
        answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        # a thread of its own: no time limit of a service covers all that may hang
        threading.Thread(
            target=lambda: answers.put(targets.deliver(target, connected, message)), name="notify", daemon=True
        ).start()
        limit = time.monotonic() + self._patience
        while not self._over:
            try:
                return answers.get(timeout=POLL_SECONDS)
            except queue.Empty:
                if time.monotonic() > limit:
                    return f"no answer within {self._patience:g} s"
        return None

    def _tell(self, target: Target, why: str) -> None:
        """Once when a target begins to fail, once when it works again."""
        if why and target.key not in self._failing:
            self._failing.add(target.key)
            self._say(f"notify: {target.name}: {why}. It is tried again for a day.")
        elif not why and target.key in self._failing:
            self._failing.discard(target.key)
            self._say(f"notify: {target.name} works again")
