"""The use cases, one function a verb: what the command line and the dashboard call, and nothing else."""

from pithy_local.service.adding import Added, AddRequest, add
from pithy_local.service.app import App, open_app
from pithy_local.service.editing import edit_prompt
from pithy_local.service.history import calls, events, find_line, matching_lines, spent_today_usd
from pithy_local.service.holding import (
    Overview,
    Spending,
    Wait,
    explain_pause,
    moment,
    overview,
    pause,
    paused,
    resume,
    spending,
    waiting,
    waits,
)
from pithy_local.service.images import build_image, list_images, prune_images
from pithy_local.service.reading import (
    attempts,
    change_token,
    check_attempt,
    diff,
    find,
    follow_log,
    last_seq,
    list_tasks,
    log_page,
    log_tail,
    stats,
    steps,
    wait,
)
from pithy_local.service.replaying import Recording, Replay, recording, replayed, replaying
from pithy_local.service.settling import accept, answer, cancel, prunable, prune, reject, remove, retry
from pithy_local.service.working import has_worker, run, worker
from pithy_local.store.history import Event, ModelCall
from pithy_local.store.holds import Pause
from pithy_local.store.log_search import Needle

__all__ = [
    "AddRequest",
    "Added",
    "App",
    "Event",
    "ModelCall",
    "Needle",
    "Overview",
    "Pause",
    "Recording",
    "Replay",
    "Spending",
    "Wait",
    "accept",
    "add",
    "answer",
    "attempts",
    "build_image",
    "calls",
    "cancel",
    "change_token",
    "check_attempt",
    "diff",
    "edit_prompt",
    "events",
    "explain_pause",
    "find",
    "find_line",
    "follow_log",
    "has_worker",
    "last_seq",
    "list_images",
    "list_tasks",
    "log_page",
    "log_tail",
    "matching_lines",
    "moment",
    "open_app",
    "overview",
    "pause",
    "paused",
    "prunable",
    "prune",
    "prune_images",
    "recording",
    "reject",
    "remove",
    "replayed",
    "replaying",
    "resume",
    "retry",
    "run",
    "spending",
    "spent_today_usd",
    "stats",
    "steps",
    "wait",
    "waiting",
    "waits",
    "worker",
]
