"""What `init` asks, and what it takes where nobody is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import click
from msgspec.structs import replace

from pithy_local import config
from pithy_local.cli.command import State
from pithy_local.config import ModelSettings, Settings
from pithy_local.errors import PithyError
from pithy_local.repo_settings import FILE
from pithy_local.scaffold.files import names_verify
from pithy_local.scaffold.proposals import find_repository, likely_provider, propose

KEYS = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}
NOTHING = "-"


@dataclass(frozen=True, kw_only=True)
class Verify:
    """Commands that must pass, and the work tree whose own file they go to; None: the configuration."""

    commands: tuple[str, ...] = ()
    repository: Path | None = None


class Questions:
    """Each has a default: with `asking` False it is the answer."""

    def __init__(self, state: State, *, asking: bool) -> None:
        self._state, self.asking = state, asking

    def settings(self, present: Settings) -> Settings:
        """`present` with the answers in it."""
        executor = self._choose("Where do tasks run", get_args(config.ExecutorName), present.executor)
        settings = replace(present, executor=executor, model=self._model(present))
        if executor == "local" and not present.allow_unisolated:
            self._explain("UNISOLATED: in `local` what the model writes runs as you, on this machine")
            allowed = self.agree("Allow that for every task (no: each needs --unisolated)", default=False)
            settings = replace(settings, allow_unisolated=allowed)
        self._explain("auto: push and open the pull request · review: wait for `pithy-local accept`")
        publish = self._choose("What happens to a finished change", get_args(config.Publish), present.publish)
        limit = self._number("US dollars a day at most, 0 = no limit", present.budget.usd_per_day)
        return replace(settings, publish=publish, budget=replace(present.budget, usd_per_day=limit))

    def _model(self, present: Settings) -> ModelSettings:
        secrets = config.read_secrets(self._state.env)
        model = present.model
        usual = likely_provider(secrets, model.provider if model.provider in KEYS else "openai")
        provider = self._choose("Whose model", tuple(KEYS), usual)
        own = model.anthropic if provider == "anthropic" else model.openai
        if secrets.api_key(provider):
            self._explain(f"{KEYS[provider]} is set: it stays in the environment")
        else:
            self._explain(f"there is no {KEYS[provider]} in the environment: set it, or name a server of your own")
            own = replace(own, base_url=self._words(f"Its base URL, {NOTHING} = none", own.base_url, _url))
        name = self._words("Model", present.model_name(provider))
        name = "" if name == config.DEFAULT_MODELS[provider] else name
        return replace(model, provider=provider, name=name, **{provider: own})

    def verify(self, folder: Path) -> Verify:
        """Proposed for the repository around `folder`, agreed to one by one."""
        root = find_repository(folder)
        if root is not None and self._named(root):
            return Verify()
        commands = [
            command
            for command in (propose(root) if root is not None else ())
            if self.agree(f"Must `{command}` pass before a change is delivered")
        ]
        while more := self._words(
            f"{'Another' if commands else 'A'} command that must pass, {NOTHING} = none", "", _command
        ):
            commands.append(more)
        if root is None or not commands:
            return Verify(commands=tuple(commands))
        self._explain("They run in the sandbox, without a network: `sandbox.base_image` must hold what they need")
        here = self.agree(f"Write them to {root / FILE} (no: to the configuration, for all repositories)")
        return Verify(commands=tuple(commands), repository=root if here else None)

    def agree(self, question: str, *, default: bool = True) -> bool:
        return click.confirm(question, default=default, err=True) if self.asking else default

    def _explain(self, text: str) -> None:
        """Words that belong to a question: none where it is not asked."""
        if self.asking:
            self._state.say(text)

    def _named(self, root: Path) -> bool:
        """Whether the repository says itself what must pass, or its file cannot be read; then it stays as it is."""
        try:
            if not names_verify(root):
                return False
            self._state.say(f"{root / FILE} names the verify commands already: it stays as it is")
        except PithyError as error:
            self._state.say(f"{error.message}: it stays as it is")
        return True

    def _choose(self, question: str, choices: Sequence[str], default: str) -> str:
        if not self.asking:
            return default
        return str(click.prompt(question, default=default, type=click.Choice(choices), err=True))

    def _number(self, question: str, default: float) -> float:
        if not self.asking:
            return default
        return float(click.prompt(question, default=default, value_proc=_amount, err=True))

    def _words(self, question: str, default: str, checked: Callable[[str], str] = str) -> str:
        """ "" for NOTHING."""
        if not self.asking:
            return default
        answer = click.prompt(
            question, default=default or NOTHING, value_proc=lambda text: _taken(text, checked), err=True
        )
        return str(answer)


def _taken(text: str, checked: Callable[[str], str]) -> str:
    return "" if text.strip() == NOTHING else checked(text.strip())


def _command(text: str) -> str:
    """ "" for a no: the question above is one of yes or no."""
    return "" if text.lower() in ("n", "no") else text


def _amount(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = -1.0
    if not 0 <= amount <= config.MAX_USD:  # nor is it nan
        raise click.BadParameter(f"an amount is a number from 0 to {config.MAX_USD:,}")
    return amount


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise click.BadParameter("a URL starts with http:// or https://")
    return text
