"""The use cases, one function a verb: what the command line and the dashboard call, and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from pithy_local import config
from pithy_local.clock import Clock, SystemClock
from pithy_local.config import Secrets, Settings
from pithy_local.errors import ErrorCode, NotThereYet, PithyError, Refused, UsageError
from pithy_local.models import Attempt, LogLine, NewTask, Status, Task
from pithy_local.paths import Home, find_home
from pithy_local.redact import Redactor
from pithy_local.store import Store
from pithy_local.store.logs import Logs
from pithy_local.store.tasks import Tasks

if TYPE_CHECKING:  # heavy: `list` must not pay for what only a worker needs
    from pithy_local.executors.image import ImageInfo, Images
    from pithy_local.git.remote import Remote
    from pithy_local.lifecycle.supervisor import Supervisor as Worker

MAX_PROMPT_BYTES = 200_000
MAX_TITLE = 72
POLL_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class App:
    """What every use case needs. Close it, or use it in a `with`."""

    settings: Settings
    secrets: Secrets
    home: Home
    store: Store
    clock: Clock
    env: Mapping[str, str]

    def close(self) -> None:
        self.store.close()

    def __enter__(self) -> App:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True, kw_only=True)
class AddRequest:
    """What the user asked for, as typed; None = the configuration's or the repository's default."""

    prompt: str
    repo: str
    title: str | None = None
    base: str | None = None
    executor: str | None = None
    provider: str | None = None
    model: str | None = None
    priority: int = 0
    max_tokens: int | None = None
    unisolated: bool = False


@dataclass(frozen=True, kw_only=True)
class Added:
    """The queued task, and what the user should know about it."""

    task: Task
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The status line: numbers of tasks over all processes, and the slots of this home."""

    running: int = 0
    queued: int = 0
    review: int = 0
    concurrency: int = 0


def open_app(*, config_file: str | None = None, home: str | None = None, env: Mapping[str, str]) -> App:
    """Read the configuration and open the home. Raises UsageError(config), PithyError(store)."""
    settings = config.load(config_file, env)
    found = find_home(home, env)
    clock = SystemClock()
    return App(
        settings=settings, secrets=config.read_secrets(env), home=found, store=Store(found, clock), clock=clock, env=env
    )


def add(app: App, request: AddRequest) -> Added:
    """Validate, then write one row `queued`; nothing is written and no token spent on bad input.

    Raises UsageError, Refused (real provider without isolation), PithyError(github_auth, repo_unreachable).
    """
    prompt = request.prompt.strip()
    if not prompt:
        raise UsageError("the prompt is empty", hint='Say what should change, for example "Fix the flaky test".')
    if len(prompt.encode()) > MAX_PROMPT_BYTES or "\0" in prompt:
        raise UsageError(
            f"the prompt must be text of {MAX_PROMPT_BYTES:,} bytes at most",
            hint="Put long material into the repository and name the file.",
        )
    executor = request.executor or app.settings.executor
    provider = request.provider or app.settings.model.provider
    _check_isolation(app, executor, provider, request.unisolated)
    _check_model(app, provider)
    remote, warnings = _check_repository(app, request.repo, request.base)
    mask = Redactor(app.secrets.known()).mask  # a pasted key of ours goes to no database, no model and no PR
    new = NewTask(
        title=_title(mask(request.title or prompt)), prompt=mask(prompt), repo=remote.display, base=request.base,
        executor=executor, provider=provider, model=app.settings.model_name(provider, request.model),
        branch_prefix=_branch_prefix(app.settings.git.branch_prefix), priority=request.priority,
        max_tokens=request.max_tokens, unisolated=request.unisolated,
    )  # fmt: skip
    return Added(task=Tasks(app.store).insert(new), warnings=warnings)


def find(app: App, ref: str) -> Task:
    """By id or unique prefix. Raises NoSuchTask, UsageError when it fits several."""
    return Tasks(app.store).find(ref)


def list_tasks(
    app: App, *, statuses: Collection[Status] = (), repo: str | None = None, limit: int | None = None
) -> list[Task]:
    """Newest first. `repo`: any name of it that `add` takes. Raises UsageError for what can be none."""
    if repo is not None:
        from pithy_local.git.remote import parse_repo

        repo = parse_repo(repo, api_url=app.settings.github.api_url).display
    return Tasks(app.store).select(statuses=statuses, repo=repo, limit=limit)


def attempts(app: App, task_id: str) -> list[Attempt]:
    """Of one task, in order."""
    return Tasks(app.store).attempts(task_id)


def steps(app: App) -> dict[str, str]:
    """What each running task is doing now, by id, in its sandbox's words; none for phases of the host."""
    return Tasks(app.store).steps()


def log_page(app: App, task_id: str, *, after: int = 0, limit: int = 1000, attempt: int | None = None) -> list[LogLine]:
    """Lines with seq > `after`, in order, `limit` at most."""
    return Logs(app.store).page(task_id, after=after, limit=limit, attempt=attempt)


def log_tail(app: App, task_id: str, *, lines: int, attempt: int | None = None) -> list[LogLine]:
    """The last `lines` lines, in order."""
    return Logs(app.store).tail(task_id, lines, attempt=attempt)


def last_seq(app: App, task_id: str) -> int:
    """The number of the last line; 0 for an empty log."""
    return Logs(app.store).last_seq(task_id)


def follow_log(app: App, task_id: str, *, after: int = 0, attempt: int | None = None) -> Iterator[list[LogLine]]:
    """Pages as they come; ends once the task is settled and everything was given."""
    while True:
        token = app.store.change_token()
        settled = find(app, task_id).status.settled  # before the page: the log is complete when a task settles
        while page := log_page(app, task_id, after=after, attempt=attempt):
            after = page[-1].seq
            yield page
        if settled:
            return
        while app.store.change_token() == token:
            app.clock.sleep(POLL_SECONDS)


def diff(app: App, task_id: str, *, attempt: int | None = None) -> bytes:
    """The canonical diff of an attempt, else of the last that made one. Raises NotThereYet, UsageError."""
    task = find(app, task_id)
    if attempt is not None and not 1 <= attempt <= task.attempts:
        raise UsageError(f"task {task_id} has no attempt {attempt}", hint=f"It has attempts 1 to {task.attempts}.")
    made = [a.patch for a in attempts(app, task_id) if a.patch is not None and attempt in (None, a.number)]
    if not made:
        raise _no_diff(app, task)
    try:
        return (app.home.root / made[-1].path).read_bytes()
    except FileNotFoundError as error:
        raise NotThereYet(f"the diff of task {task_id} is no longer kept", hint="") from error


def _no_diff(app: App, task: Task) -> NotThereYet:
    if not task.status.settled:
        return NotThereYet(f"task {task.id} has no diff yet", hint=f"`pithy-local wait {task.id}` waits for its end.")
    kept = sorted((app.home.root / "artifacts" / task.id).glob("*/rejected-*.diff"))
    hint = f"The model's answers are kept: {', '.join(map(str, kept))}" if kept else "It ended before there was one."
    return NotThereYet(f"task {task.id} has no diff", hint=hint)


def cancel(app: App, ref: str) -> Task:
    """Queued: cancelled at once. Running: its owner is asked to stop. Settled: Refused."""
    return Tasks(app.store).request_cancel(find(app, ref).id)


def wait(app: App, refs: Sequence[str], *, timeout: float | None = None) -> tuple[list[Task], bool]:
    """Until every task is settled: the tasks, and whether `timeout` seconds passed first."""
    ids = [find(app, ref).id for ref in refs]
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        token = app.store.change_token()
        tasks = [find(app, task_id) for task_id in ids]
        if all(task.status.settled for task in tasks):
            return tasks, False
        while app.store.change_token() == token:
            if deadline is not None and time.monotonic() >= deadline:
                return tasks, True
            app.clock.sleep(POLL_SECONDS)


def change_token(app: App) -> tuple[int, int]:
    """Differs after another connection committed to the queue or the logs. Costs microseconds."""
    return app.store.change_token()


def overview(app: App) -> Overview:
    """The numbers of the status line."""
    counts = Tasks(app.store).counts()
    return Overview(
        running=counts.get(Status.RUNNING, 0), queued=counts.get(Status.QUEUED, 0),
        review=counts.get(Status.NEEDS_REVIEW, 0) + counts.get(Status.NEEDS_CLARIFICATION, 0),
        concurrency=app.settings.concurrency,
    )  # fmt: skip


def worker(
    app: App, *, say: Callable[[str], None], kind: str = "run", ids: Sequence[str] = (), jobs: int | None = None
) -> Worker:
    """A supervisor for this process, not started. `ids` (whole ids) limits it to these tasks."""
    from pithy_local.lifecycle.factory import make_workbench
    from pithy_local.lifecycle.supervisor import Supervisor

    bench = make_workbench(settings=app.settings, secrets=app.secrets, home=app.home, store=app.store, clock=app.clock)
    return Supervisor(bench, kind=kind, say=say, ids=ids, jobs=jobs)


def run(
    app: App,
    *,
    ids: Sequence[str] = (),
    jobs: int | None = None,
    until_idle: bool = False,
    stop: threading.Event,
    say: Callable[[str], None],
) -> None:
    """Work the queue here until `stop` is set or, with `until_idle` or `ids`, until nothing is left to do.

    What still runs when `stop` is set is cancelled: nothing is left behind.
    Raises PithyError(docker_unreachable) when only tasks that need the engine wait and it does not answer; they
    stay queued.
    """
    whole = [find(app, ref).id for ref in ids]
    supervisor = worker(app, say=say, ids=whole, jobs=jobs)
    if not whole and not until_idle and app.settings.executor == "docker":
        supervisor.bench.executor("docker").check()
    with supervisor:
        while not stop.wait(POLL_SECONDS):
            if supervisor.failure is not None:
                raise supervisor.failure
            if supervisor.engine_problem is not None and not supervisor.running:
                raise supervisor.engine_problem
            if (until_idle or whole) and supervisor.idle:
                return


def build_image(app: App, say: Callable[[str], None]) -> str:
    """Build the sandbox image if it is not there; its tag.

    Raises PithyError (image_build_failed, docker_unreachable).
    """
    with _images(app) as images:
        found = images.ensure(say)
        return images.current_tag() or found


def list_images(app: App) -> list[ImageInfo]:
    """Every sandbox image on this engine, newest first."""
    with _images(app) as images:
        return images.installed()


def prune_images(app: App) -> list[str]:
    """Remove every sandbox image but the current one; the removed tags."""
    with _images(app) as images:
        return images.prune()


@contextmanager
def _images(app: App) -> Iterator[Images]:
    from pithy_local.executors.engine import Engine
    from pithy_local.executors.image import Images

    with Engine.connect() as engine:
        yield Images(engine, app.settings.sandbox, locks=app.home.root)


def _title(text: str) -> str:
    """The first line, cut at 72 characters (CONTRACT §4)."""
    line = " ".join(text.strip().split("\n")[0].split())
    return line if len(line) <= MAX_TITLE else line[: MAX_TITLE - 1].rstrip() + "…"


def _branch_prefix(prefix: str) -> str:
    return prefix if prefix.endswith(("/", "-", "_")) else prefix + "/"


def _check_isolation(app: App, executor: str, provider: str, unisolated: bool) -> None:
    """Model-written code runs on this host only when the user said so."""
    if executor == "local" and provider != "scripted" and not (unisolated or app.settings.allow_unisolated):
        raise Refused(
            "executor `local` runs model-written code on this machine without any isolation",
            hint="Use the docker executor, or say --unisolated (or `allow_unisolated = true`) if you mean it.",
        )


def _check_model(app: App, provider: str) -> None:
    """Whether the provider can be asked at all, before anything is queued for it."""
    model = app.settings.model
    if provider == "scripted":
        if not model.scripted.file:
            raise UsageError(
                "provider `scripted` needs `model.scripted.file`",
                hint="A JSON array of strings: the replies, in order.", code=ErrorCode.CONFIG,
            )  # fmt: skip
    elif not app.secrets.openai_api_key and not model.openai.base_url:
        raise PithyError(ErrorCode.LLM_AUTH, "there is no OPENAI_API_KEY in the environment")


def _check_repository(app: App, repo: str, base: str | None) -> tuple[Remote, tuple[str, ...]]:
    """What the user named, if it exists and may be pushed to; offline or a 5xx is a warning."""
    from pithy_local.lifecycle.factory import make_forge
    from pithy_local.lifecycle.repository import Repositories

    settings, secrets = app.settings, app.secrets
    with closing(make_forge(settings, secrets)) as forge:  # asked only if the repository is GitHub's
        return Repositories(
            api_url=settings.github.api_url, token=secrets.github_token, home=app.home, forge=lambda: forge
        ).check(repo, base)
