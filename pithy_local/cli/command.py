"""What every verb shares: the global flags, taken before and after the verb, and groups that import a verb on use."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import click

from pithy_local import __version__
from pithy_local.errors import ExitCode, PithyError, UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from pithy_local.config import Settings
    from pithy_local.service import App

Dashboard = Callable[["App", bool], int]
"""Opens the dashboard: (app, whether this process works the queue too) -> exit code."""
Server = Callable[..., None]
"""Serves a home until it is told to stop: `http.serving.serve`."""
Check = Callable[["Settings"], None]
"""Raises UsageError for what the dashboard does not understand of the settings."""


@dataclass(kw_only=True)
class State:
    """What the global flags said, for one invocation."""

    config: str | None = None
    home: str | None = None
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    no_input: bool = False
    dashboard: Dashboard | None = None
    server: Server | None = None
    check: Check | None = None
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def say(self, text: str) -> None:
        """One line of narration on stderr; none with -q. Called from any thread."""
        if not self.quiet:
            from pithy_local.text import safe

            write_error(safe(text))

    @property
    def may_ask(self) -> bool:
        """Whether a question may be put to the user."""
        return not self.no_input and not self.json and sys.stdin.isatty() and sys.stderr.isatty()

    @contextmanager
    def app(self) -> Iterator[App]:
        """The product, opened with this invocation's configuration and home."""
        from pithy_local.service import open_app

        with open_app(config_file=self.config, home=self.home, env=self.env) as app:
            yield app

    def confirm(self, question: str, *, yes: bool) -> None:
        """Returns if the user agrees. Raises UsageError where nobody can be asked; a no ends with exit code 1."""
        if yes:
            return
        if not self.may_ask:
            raise UsageError(f"{question}: this needs --yes where nobody can be asked", hint="Add --yes.")
        if not click.confirm(question, err=True):
            raise click.exceptions.Exit(int(ExitCode.FAILED))


pass_state = click.make_pass_decorator(State)


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """A flag given anywhere counts; a default after the verb does not undo what stood before it.

    An empty name is a script's unset variable: it does not mean the usual home.
    """
    assert param.name is not None
    if value == "":
        raise click.BadParameter("the name is empty", ctx, param)
    if ctx.get_parameter_source(param.name) is click.core.ParameterSource.COMMANDLINE:
        setattr(ctx.ensure_object(State), param.name.removeprefix("global_"), value)


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"pithy-local {__version__}")
        ctx.exit()


def _flag(*names: str, text: str, **more: Any) -> click.Option:
    name = names[-1].lstrip("-").replace("-", "_")
    more.setdefault("is_flag", True)
    return click.Option([*names, f"global_{name}"], expose_value=False, callback=_remember, help=text, **more)


GLOBAL_FLAGS = (
    _flag("--config", text="Configuration file to read.", is_flag=None, metavar="FILE"),
    _flag("--home", text="Data directory: queue, logs, mirrors.", is_flag=None, metavar="DIR"),
    _flag("--json", text="Print JSON; errors too, on stderr."),
    _flag("-q", "--quiet", text="No narration on stderr, errors only."),
    _flag("-v", "--verbose", text="More detail with errors."),
    _flag("--no-input", text="Never ask."),
    click.Option(["--version", "global_version"], is_flag=True, is_eager=True, expose_value=False,
                 callback=_version, help="Print the version."),
)  # fmt: skip


class Verb(click.Command):
    """A command that takes the global flags too, and shows its own apart from them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(GLOBAL_FLAGS)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_options(self, ctx, formatter)


class Lazy(NamedTuple):
    """A verb whose module is imported when it is used: `module:command`, and its line in the list of commands."""

    target: str
    summary: str


class VerbGroup(click.Group):
    """A group of verbs, some of them imported on use; global flags as with `Verb`."""

    command_class = Verb

    def __init__(
        self,
        *args: Any,
        lazy: Mapping[str, Lazy] | None = None,
        aliases: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = dict(lazy or {})
        self._aliases = dict(aliases or {})
        self.params.extend(GLOBAL_FLAGS)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self._lazy, *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        name = self._aliases.get(cmd_name, cmd_name)
        if name not in self._lazy:
            return super().get_command(ctx, name)
        module, _, attribute = self._lazy[name].target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """click's own, but what is near a mistyped verb is looked for among the lazy ones too."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            names = self.list_commands(ctx)
            raise click.exceptions.NoSuchCommand(error.command_name, possibilities=names, ctx=ctx) from None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """click's own, without importing one of the lazy verbs for its help."""
        from click.shell_completion import CompletionItem

        fitting = [CompletionItem(name, help=text) for name, text in self._summaries() if name.startswith(incomplete)]
        return [*fitting, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of verbs, without importing one of the lazy ones."""
        with formatter.section("Commands"):
            formatter.write_dl(self._summaries())

    def _summaries(self) -> list[tuple[str, str]]:
        """Every verb with its line, without importing one of the lazy ones."""
        lazy = [(name, lazy.summary) for name, lazy in self._lazy.items()]
        return lazy + [(name, command.get_short_help_str(90)) for name, command in self.commands.items()]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        _write_options(self, ctx, formatter)


def _write_options(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """The command's own options in full; the global ones in full at the root, in one line elsewhere."""
    flags = [param for param in command.get_params(ctx) if isinstance(param, click.Option)]
    records = {param: param.get_help_record(ctx) for param in flags}
    own = [record for param, record in records.items() if record and param not in GLOBAL_FLAGS]
    shared = [record for param, record in records.items() if record and param in GLOBAL_FLAGS]
    if ctx.parent is None:
        with formatter.section("Global options, before or after the command"):
            formatter.write_dl(shared + own)
        return
    with formatter.section("Options"):
        formatter.write_dl(own)
    with formatter.section("Global options (see pithy-local --help)"):
        formatter.write_text("--config --home --json -q -v --no-input --version")


def write_error(text: str) -> None:
    """Lines on stderr. Never raises: that nobody listens any more (a closed pipe or terminal) must end no attempt."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        silence(sys.stderr)


def silence(stream: TextIO) -> None:
    """Let what is still to be written go nowhere: the interpreter flushes once more at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def error_of(error: click.ClickException) -> PithyError:
    """click's complaint about the command line as one of ours: exit 2, one line, where to look."""
    context: click.Context | None = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "pithy-local"
    message = " ".join(error.format_message().split())
    hint = f"See `{path} --help`."
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and isinstance(error.ctx.command, click.Group):
        message = f"`{path}` needs a command: {', '.join(error.ctx.command.list_commands(error.ctx))}"
    elif isinstance(error, click.NoSuchOption) and path.endswith(" add"):
        hint += " A prompt that begins with a dash goes last, after `--`."
    return UsageError(message[:1].lower() + message[1:].removesuffix("."), hint=hint)
