"""What every handler works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pithy_local.errors import PithyError
from pithy_local.http.chunks import Chunks
from pithy_local.http.limits import Patience
from pithy_local.http.pool import Pool
from pithy_local.http.watch import Watch
from pithy_local.http.webhook import Webhook
from pithy_local.service import App


class Worker(Protocol):
    """What a server wants to know of the supervisor beside it."""

    @property
    def running(self) -> int: ...
    @property
    def engine_silent(self) -> PithyError | None: ...
    @property
    def failure(self) -> Exception | None: ...


@dataclass(frozen=True, kw_only=True)
class Context:
    """Made once a server. `worker` is None with --no-worker."""

    app: App
    pool: Pool
    watch: Watch
    chunks: Chunks
    webhook: Webhook
    worker: Worker | None
    patience: Patience
    say: Callable[[str], None]
