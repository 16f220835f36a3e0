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
from pithy_local.service.images import build_image, list_images, prune_images, unused_images
from pithy_local.service.keeping import backup, whole_file
from pithy_local.service.reading import (
    attempts,
    change_token,
    check_attempt,
    diff,
    find,
    follow_log,
    last_seq,
    list_tasks,
    log_bounds,
    log_page,
    log_tail,
    stats,
    steps,
    wait,
)
from pithy_local.service.replaying import Recording, Replay, recording, replayed, replaying
from pithy_local.service.serving import ServeOptions
from pithy_local.service.settling import accept, answer, cancel, execute, prunable, prune, reject, remove, retry
from pithy_local.service.watching import changes, gauges, heads, last_change
from pithy_local.service.working import StopSign, has_worker, run, worker
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
    "ServeOptions",
    "Spending",
    "StopSign",
    "Wait",
    "accept",
    "add",
    "answer",
    "attempts",
    "backup",
    "build_image",
    "calls",
    "cancel",
    "change_token",
    "changes",
    "check_attempt",
    "diff",
    "edit_prompt",
    "events",
    "execute",
    "explain_pause",
    "find",
    "find_line",
    "follow_log",
    "gauges",
    "has_worker",
    "heads",
    "last_change",
    "last_seq",
    "list_images",
    "list_tasks",
    "log_bounds",
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
    "unused_images",
    "wait",
    "waiting",
    "waits",
    "whole_file",
    "worker",
]
