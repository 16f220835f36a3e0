"""The root of the command line: which verbs there are, and what happens around each."""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Sequence

import click

from pithy_local.cli.command import Check, Dashboard, Lazy, Server, State, VerbGroup
from pithy_local.cli.exit_codes import report
from pithy_local.errors import ExitCode, UsageError

PROGRAM = "pithy-local"
COMPLETE = "_PITHY_LOCAL_COMPLETE"
"""Set by the script that `completion` prints: the shell asks what fits, and no verb is run."""

VERBS = {
    "add": Lazy("pithy_local.cli.add:add", "Queue a task: what to change, and in which repository."),
    "run": Lazy("pithy_local.cli.run:run", "Work the queue in the foreground."),
    "list": Lazy("pithy_local.cli.view:list_", "List tasks, newest first (also: ls)."),
    "show": Lazy("pithy_local.cli.view:show", "Show one task: state, error, evidence, usage."),
    "logs": Lazy("pithy_local.cli.logs:logs", "Print a task's log; -f follows it."),
    "diff": Lazy("pithy_local.cli.diff:diff", "Print a task's patch; `git apply` takes it."),
    "wait": Lazy("pithy_local.cli.wait:wait", "Wait until tasks have settled."),
    "cancel": Lazy("pithy_local.cli.end:cancel", "Cancel tasks that have not ended."),
    "retry": Lazy("pithy_local.cli.settled:retry", "Queue a settled task again; --feedback says more."),
    "answer": Lazy("pithy_local.cli.settled:answer", "Answer the model's question."),
    "accept": Lazy("pithy_local.cli.settled:accept", "Deliver a change that needs review."),
    "reject": Lazy("pithy_local.cli.settled:reject", "Drop a change that needs review, or a question."),
    "replay": Lazy("pithy_local.cli.replay:replay", "Run an attempt again from its recorded replies; spends nothing."),
    "rm": Lazy("pithy_local.cli.end:rm", "Delete settled tasks with logs and diffs."),
    "prune": Lazy("pithy_local.cli.end:prune", "Delete the tasks that settled long ago."),
    "pause": Lazy("pithy_local.cli.hold:pause", "Start no more tasks; what runs goes on."),
    "resume": Lazy("pithy_local.cli.hold:resume", "Start tasks again; --budget allows more today."),
    "stats": Lazy("pithy_local.cli.stats:stats", "What was done and spent, and how it ended."),
    "init": Lazy("pithy_local.cli.init:init", "Write a first configuration, question by question."),
    "serve": Lazy("pithy_local.cli.serve:serve", "Work the queue without a terminal: HTTP API, live logs, webhooks."),
    "tui": Lazy("pithy_local.cli.tui:tui", "Open the dashboard."),
    "demo": Lazy("pithy_local.cli.demo:demo", "See it work on a sample repository; needs no key."),
    "doctor": Lazy("pithy_local.cli.doctor:doctor", "Check this machine, with a fix for each finding."),
    "config": Lazy("pithy_local.cli.config:config", "Show, find or check the configuration."),
    "image": Lazy("pithy_local.cli.image:image", "Build, list or prune the sandbox image."),
    "backup": Lazy("pithy_local.cli.backup:backup", "Save queue, logs and diffs in one file."),
    "completion": Lazy("pithy_local.cli.completion:completion", "Print the completion script for a shell."),
}

HELP = """Type a task, get a pull request: AI agents in sealed containers on your own machine.

Without a command: the dashboard on a terminal, the list of tasks in a pipe.

\b
  pithy-local demo                                         see it work
  pithy-local add "Fix the flaky test" --repo owner/name   queue a task
  pithy-local run --until-idle                             work the queue
"""


@click.group(
    PROGRAM,
    cls=VerbGroup,
    lazy=VERBS,
    aliases={"ls": "list"},
    help=HELP,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.pass_context
def root(ctx: click.Context) -> int | None:
    if ctx.invoked_subcommand is not None:
        return None
    verb = "tui" if sys.stdout.isatty() and sys.stdin.isatty() and not ctx.ensure_object(State).json else "list"
    command = root.get_command(ctx, verb)
    assert command is not None
    with command.make_context(verb, [], parent=ctx) as inner:
        code: int | None = command.invoke(inner)
        return code


def main(
    argv: Sequence[str] | None = None, *, dashboard: Dashboard | None = None, server: Server | None = None,
    check: Check | None = None,
) -> int:  # fmt: skip
    """Run one invocation; the exit code. What is given lies in the interfaces beside this layer."""
    _fill_closed()
    if instruction := os.environ.get(COMPLETE):
        return _complete(instruction)
    args = list(sys.argv[1:] if argv is None else argv)
    state = State(dashboard=dashboard, server=server, check=check)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a glyph that the terminal's encoding lacks is no reason to fail
    try:
        _look_at_crash_points()
        code = _invoke(args, state)
        sys.stdout.flush()
        return code
    except BaseException as error:
        if isinstance(error, (SystemExit, GeneratorExit)):
            raise
        # A command line that click refused may not have reached its --json.
        as_json = state.json or "--json" in args
        return report(error, as_json=as_json, verbose=state.verbose, env=os.environ)


def _fill_closed() -> None:
    """Let standard streams that were closed go nowhere: else a database could be opened as descriptor 1 or 2."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)  # gets the lowest free number: the closed one
            os.set_inheritable(nowhere, True)
            setattr(sys, name, open(nowhere, mode))


def _complete(instruction: str) -> int:
    """Answer the shell's tab key. Whatever is wrong, it prints nothing amid what is typed."""
    from click.shell_completion import shell_complete

    try:
        return shell_complete(root, {}, PROGRAM, COMPLETE, instruction)
    except Exception:
        return int(ExitCode.FAILED)


def _look_at_crash_points() -> None:
    """Raises UsageError for what the tests' variables cannot mean: else it would fail somewhere in the middle."""
    if os.environ.get("PITHY_CRASH") or os.environ.get("PITHY_CRASH_LOG"):
        try:
            importlib.import_module("pithy_local.crash")
        except (ValueError, OSError) as error:
            hint = "PITHY_CRASH and PITHY_CRASH_LOG are for tests: unset them."
            raise UsageError(str(error), hint=hint) from error


def _invoke(args: list[str], state: State) -> int:
    try:
        with root.make_context(PROGRAM, args, obj=state) as ctx:
            return int(root.invoke(ctx) or 0)
    except click.exceptions.Exit as done:
        return done.exit_code
