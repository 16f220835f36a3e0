"""`add`: put a task into the queue."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import get_args

import click

from pithy_local.cli import render
from pithy_local.cli.command import State, Verb, pass_state
from pithy_local.cli.params import COUNT, decoded, offer, read_text
from pithy_local.cli.render import Screen
from pithy_local.cli.view import print_task
from pithy_local.config import ExecutorName, ProviderName, Publish
from pithy_local.errors import ExitCode, UsageError
from pithy_local.models import MOST_PRIORITY, Status, Task
from pithy_local.paths import open_now


@click.command(cls=Verb)
@click.argument("prompt", required=False, metavar="[PROMPT or -]")
@click.option("--repo", required=True, metavar="R", help="owner/name, an https URL, or a path to a git repository.")
@click.option("--title", metavar="TEXT", help="The prompt's first line otherwise.")
@click.option("--base", metavar="BRANCH", help="Branch to start from; the repository's default otherwise.")
@click.option("--executor", type=click.Choice(get_args(ExecutorName)), help="Where it runs.")
@click.option("--provider", type=click.Choice(get_args(ProviderName)), help="Who answers.")
@click.option("--model", metavar="NAME", help="The model to ask.")
@click.option("--verify", multiple=True, metavar="CMD", help="A command that must pass; repeat for more.")
@click.option("--publish", type=click.Choice(get_args(Publish)), help="auto: push and PR; review: stop until `accept`.")
@click.option("--priority", type=click.IntRange(-MOST_PRIORITY, MOST_PRIORITY), default=0, metavar="N",
              help="Higher goes first; lower ones wait as long as there are such (default 0).")  # fmt: skip
@click.option("--after", metavar="ID", shell_complete=offer(Status.QUEUED, Status.RUNNING),
              help="Start when this task has completed; cancelled if it fails.")  # fmt: skip
@click.option("--at", metavar="TIME", help="Not before: HH:MM, `tomorrow HH:MM`, +2h, 2026-12-24T09:00.")
@click.option("--idempotency-key", metavar="K", help="Add nothing if a task was added with this key: print that one.")
@click.option("--max-tokens", type=COUNT, metavar="N", help="This task's token limit.")
@click.option("--file", type=click.Path(path_type=Path), metavar="F", help="Read the prompt from this file.")
@click.option("--unisolated", is_flag=True, help="Allow `local` with a real model: its code runs on this host.")
@click.option("--wait", "waits", is_flag=True, help="Return when the task has settled: 0 if completed, else 1.")
@click.option("--follow", is_flag=True, help="As --wait, and print the log on stderr meanwhile.")
@pass_state
def add(
    state: State, prompt: str | None, repo: str, title: str | None, base: str | None, executor: str | None,
    provider: str | None, model: str | None, verify: tuple[str, ...], publish: str | None, priority: int,
    after: str | None, at: str | None, idempotency_key: str | None, max_tokens: int | None, file: Path | None,
    unisolated: bool, waits: bool, follow: bool,
) -> int:  # fmt: skip
    """Queue a task: PROMPT says what to change, `-` reads it from stdin.

    In a pipe only the id is printed; with --json the task object. --wait and --follow work the task in this process
    unless another one has taken it. A prompt that begins with a dash goes last, after `--`.
    """
    from pithy_local import service

    request = service.AddRequest(
        prompt=_prompt(prompt, file, state), repo=repo, title=title, base=base, executor=executor, provider=provider,
        model=model, publish=publish, verify=verify, priority=priority, max_tokens=max_tokens, unisolated=unisolated,
        after=after, at=at, idempotency_key=idempotency_key,
    )  # fmt: skip
    with state.app() as app:
        added = service.add(app, request)
        for warning in added.warnings:
            state.say(f"warning: {warning}")
        task = added.task
        if not added.created:
            state.say(f"nothing was added: task {task.id} has this idempotency key already")
        waits = waits or follow
        if not (waits and state.json):  # whoever waits for JSON gets the task as it ended, alone
            _print(task, state)
        if not waits:
            if Screen.current().tty:
                state.say("`pithy-local run` works the queue; `pithy-local` opens the dashboard.")
            return int(ExitCode.OK)
        from pithy_local.cli.work import settle_here

        try:
            return settle_here(app, task.id, say=state.say, follow=follow)
        finally:
            if state.json:  # whatever came between: the task is there, and this is how it is found
                _print(service.find(app, task.id), state)


def _prompt(argument: str | None, file: Path | None, state: State) -> str:
    """The prompt from where the user put it. Raises UsageError unless it is in exactly one place, as UTF-8."""
    if argument is not None and file is not None:
        raise UsageError("the prompt is given twice, as an argument and with --file", hint="Give one of them.")
    if argument is not None:
        return read_text(argument, state, "prompt")
    if file is None:
        raise UsageError("there is no prompt", hint="Say what to change, or `-` to read it from stdin.")
    try:
        with open(file, "rb", opener=open_now) as source:
            return decoded(source, "prompt")
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}", hint="Name a text file with the prompt.") from error


def _print(task: Task, state: State) -> None:
    """The task; in a pipe its id alone, at once: scripts wait for it."""
    if state.json or Screen.current().tty:
        print_task(task, as_json=state.json)
    else:
        render.out(task.id)
    sys.stdout.flush()
