"""Typed settings: one field a key, its explanation beside it; `config.example.toml` is generated from here.

Precedence: flag > environment > user's file > default (CONTRACT §1). Unknown keys are errors that name
the file, the key and the nearest valid key.
"""

from __future__ import annotations

import difflib
import functools
import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from pithy_local.errors import ErrorCode, UsageError
from pithy_local.paths import find_config

Duration = Annotated[str, Meta(pattern=r"^\d+(\.\d+)?(ms|s|m|h|d)$")]
Size = Annotated[str, Meta(pattern=r"^\d+[kmg]$")]
Tokens = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Url = Annotated[str, Meta(pattern=r"^$|^https?://")]

ExecutorName = Literal["docker", "local"]
ProviderName = Literal["openai", "anthropic", "scripted"]
Publish = Literal["auto", "review"]
Network = Literal["sealed", "open"]

MAX_USD = 1_000_000_000
MAX_DURATION = "30d"
MAX_MEMORY = "1048576g"
"""1 PiB: more than any machine has, less than what overflows an engine."""
DEFAULT_MODELS = {"openai": "gpt-4o", "anthropic": "claude-sonnet-5-5", "scripted": "scripted"}


class OpenAISettings(Struct, frozen=True, kw_only=True):
    base_url: Annotated[Url, Meta(description="any OpenAI-compatible server: Ollama, vLLM, llama.cpp, OpenRouter")] = ""
    temperature: Annotated[float, Meta(ge=0, le=2, description="left out for models that refuse it")] = 0.0


class AnthropicSettings(Struct, frozen=True, kw_only=True):
    base_url: Annotated[Url, Meta(description='any server that speaks the Messages API; "" = Anthropic\'s own')] = ""


class ScriptedSettings(Struct, frozen=True, kw_only=True):
    file: Annotated[str, Meta(description="JSON array of replies in order, written (strings) or recorded")] = ""


class ModelSettings(Struct, frozen=True, kw_only=True):
    provider: Annotated[ProviderName, Meta(description="openai | anthropic | scripted")] = "openai"
    name: Annotated[
        str, Meta(description='"" = the provider\'s default (openai: gpt-4o, anthropic: claude-sonnet-5-5)')
    ] = ""
    fallback: Annotated[
        str,
        Meta(
            pattern=r"^$|^(openai|anthropic):\S+$",
            description='"anthropic:claude-sonnet-5-5": asked when the first answers with a service error',
        ),
    ] = ""
    timeout: Annotated[Duration, Meta(description="one LLM call")] = "180s"
    max_tokens_per_task: Annotated[
        Tokens,
        Meta(
            description="reached: failed(token_limit), work so far kept; looked at before each call, which may pass it "
            "by what the call reserves"
        ),
    ] = 200_000
    warn_tokens_per_task: Annotated[Tokens, Meta(description="passed: a warning in the task's log")] = 50_000
    repair_rounds: Annotated[
        int, Meta(ge=0, le=10, description="times the model may mend an answer that does not apply or verify")
    ] = 2
    reasoning: Annotated[
        Literal["", "low", "medium", "high"],
        Meta(description='how long a reasoning model thinks: low | medium | high, "" = the provider\'s default'),
    ] = ""
    openai: OpenAISettings = OpenAISettings()
    anthropic: AnthropicSettings = AnthropicSettings()
    scripted: ScriptedSettings = ScriptedSettings()


class SandboxSettings(Struct, frozen=True, kw_only=True):
    base_image: Annotated[
        str, Meta(min_length=1, description="what Dockerfile.sandbox builds on (PITHY_BASE_IMAGE)")
    ] = "python:3.12-slim-bookworm"
    ca_bundle: Annotated[str, Meta(description="a site's extra CA certificates, trusted inside the image")] = ""
    cpus: Annotated[float, Meta(gt=0, le=1024, description="processors")] = 2.0
    memory: Annotated[Size, Meta(description="hard limit; reached: the kernel kills inside the container")] = "4g"
    pids: Annotated[int, Meta(ge=16, le=4_194_304, description="processes and threads")] = 512
    disk: Annotated[Size, Meta(description="tmpfs: counts as memory, must stay under it")] = "2g"
    network: Annotated[
        Network, Meta(description="sealed: the model's gateway only | open: the engine's bridge network")
    ] = "sealed"
    verify: Annotated[tuple[str, ...], Meta(description='commands that must pass, e.g. ["pytest -q"]')] = ()


class GitHubSettings(Struct, frozen=True, kw_only=True):
    api_url: Annotated[str, Meta(pattern=r"^https?://", description="GitHub's API, or your GitHub Enterprise's")] = (
        "https://api.github.com"
    )
    draft: Annotated[bool, Meta(description="open pull requests as drafts")] = False
    coderabbit: Annotated[
        bool,
        Meta(description="add .coderabbit.yaml to a repository that has none, read CodeRabbit's findings as context"),
    ] = True


class GitSettings(Struct, frozen=True, kw_only=True):
    branch_prefix: Annotated[
        str,
        Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*/?$", description="+ the task's id"),
    ] = "pj/"
    author: Annotated[
        str,
        Meta(
            pattern=r"^$|^[^<>\n]+ <[^<>\s]+>$",
            description='"" = this host\'s git identity; where there is none: Pithy Jaunt <pithy-jaunt@localhost>',
        ),
    ] = ""
    protected: Annotated[tuple[str, ...], Meta(description="a diff that touches these goes to needs_review")] = (
        ".github/workflows/**",
        ".github/actions/**",
        ".pithy.toml",
    )


class BudgetSettings(Struct, frozen=True, kw_only=True):
    usd_per_day: Annotated[
        float,
        Meta(ge=0, le=MAX_USD, description="0 = no limit; reached: the queue pauses until midnight and says so"),
    ] = 0.0


class NotifySettings(Struct, frozen=True, kw_only=True):
    urls: Annotated[tuple[str, ...], Meta(description="apprise URLs: mailto://, slack://, ntfy://, desktop …")] = ()
    on: Annotated[
        tuple[Literal["completed", "failed", "needs_review", "needs_clarification", "cancelled"], ...],
        Meta(description="the statuses that are told"),
    ] = ("completed", "failed", "needs_review", "needs_clarification")


class Price(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model costs, in USD per million tokens."""

    input: Annotated[float, Meta(ge=0, le=MAX_USD)]
    output: Annotated[float, Meta(ge=0, le=MAX_USD)]


class Settings(Struct, frozen=True, kw_only=True):
    executor: Annotated[ExecutorName, Meta(description="docker | local (mock execution, no isolation)")] = "docker"
    allow_unisolated: Annotated[
        bool,
        Meta(description="local with a real provider runs model-written code on this host: needs this or --unisolated"),
    ] = False
    concurrency: Annotated[int, Meta(ge=1, le=64, description="attempts at once, over all processes of this home")] = 2
    timeout: Annotated[
        Duration,
        Meta(
            description="the agent's part of an attempt, its own verify rounds included; image build, waiting for a "
            "rate limit, the host's verify and delivery not; then killed"
        ),
    ] = "10m"
    verify_timeout: Annotated[Duration, Meta(description="one verify command")] = "10m"
    publish: Annotated[Publish, Meta(description="auto: push and PR | review: stop in needs_review until `accept`")] = (
        "auto"
    )
    model: ModelSettings = ModelSettings()
    sandbox: SandboxSettings = SandboxSettings()
    github: GitHubSettings = GitHubSettings()
    git: GitSettings = GitSettings()
    budget: BudgetSettings = BudgetSettings()
    notify: NotifySettings = NotifySettings()
    prices: Annotated[
        dict[str, Price],
        Meta(description='USD per million tokens, by model: "my-model" = {input = 0.5, output = 1.5}'),
    ] = {}  # msgspec copies it for each instance
    keys: Annotated[
        dict[str, str], Meta(description='keys of the dashboard, by the id in its help: "task.cancel" = "X,delete"')
    ] = {}

    def model_name(self, provider: str | None = None, name: str | None = None) -> str:
        """The model for a task: the one named, else the configured one if it is of this provider, else the default."""
        provider = provider or self.model.provider
        configured = self.model.name if provider == self.model.provider else ""
        return name or configured or DEFAULT_MODELS[provider]


class Secrets(Struct, frozen=True, kw_only=True, repr_omit_defaults=True):
    """Keys and tokens: in memory alone, out of every repr."""

    openai_api_key: str = ""
    anthropic_api_key: str = ""
    github_token_env: str = ""

    def __repr__(self) -> str:
        return "Secrets(…)"

    @property
    def github_token(self) -> str:
        """GITHUB_TOKEN, else what `gh auth token` prints where gh is there, else ""."""
        return self.github_token_env or _gh_token()

    def in_memory(self) -> tuple[str, ...]:
        """Every secret this process holds already: asks nobody."""
        gh = _gh_token() if _gh_token.cache_info().currsize else ""
        return tuple(secret for secret in (*self._keys, self.github_token_env, gh) if secret)

    def known(self) -> tuple[str, ...]:
        """Every secret there is, for the redactor."""
        return tuple(secret for secret in (*self._keys, self.github_token) if secret)

    def api_key(self, provider: str) -> str:
        """The provider's key, "" where there is none."""
        return {"openai": self.openai_api_key, "anthropic": self.anthropic_api_key}.get(provider, "")

    @property
    def _keys(self) -> tuple[str, str]:
        return self.openai_api_key, self.anthropic_api_key


@functools.cache
def _gh_token() -> str:
    gh = shutil.which("gh")
    if gh is None:
        return ""
    try:
        found = subprocess.run([gh, "auth", "token"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""


ENVIRONMENT = {
    "PITHY_EXECUTOR": "executor",
    "MODEL_PROVIDER": "model.provider",
    "MODEL_NAME": "model.name",
    "OPENAI_BASE_URL": "model.openai.base_url",
    "ANTHROPIC_BASE_URL": "model.anthropic.base_url",
    "GITHUB_API_URL": "github.api_url",
    "PITHY_BASE_IMAGE": "sandbox.base_image",
}
"""Environment variable → key (CONTRACT §1). The secrets are read by `read_secrets` alone."""


def load(flag: str | None, env: Mapping[str, str]) -> Settings:
    """The settings in force.

    Raises UsageError (code `config`) for a missing, unreadable or wrong file or environment value.
    """
    path, named = find_config(flag, env)
    source = str(path)
    try:
        text = path.read_text("utf-8") if named or path.is_file() else ""
        data = tomllib.loads(text)
    except FileNotFoundError as error:
        hint = "`pithy-local init` writes it; or name a file that is there (--config, PITHY_CONFIG)."
        raise _wrong(f"{source}: cannot be read: {error.strerror}", hint) from error
    except OSError as error:
        raise _wrong(f"{source}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, a number of too many digits, nested too deep
        raise _wrong(f"{source}: not valid TOML: {error}") from error
    _refuse_unknown_keys(data, Settings, source)
    settings = _convert(data, source)
    for name, key in ENVIRONMENT.items():
        if value := env.get(name):
            _set(data, key, value)
            settings = _convert(data, f"environment variable {name}", hint=f"Change or unset {name}.")
    _check(settings, source)
    _check_addresses(settings, source, env)
    return settings


def read_secrets(env: Mapping[str, str]) -> Secrets:
    return Secrets(
        openai_api_key=env.get("OPENAI_API_KEY", "").strip(),
        anthropic_api_key=env.get("ANTHROPIC_API_KEY", "").strip(),
        github_token_env=env.get("GITHUB_TOKEN", "").strip(),
    )


def spoilt(variable: str, secret: str) -> UsageError | None:
    """What is wrong with a key or token that no HTTP header can hold, without its value; None where nothing is."""
    if all("!" <= char <= "~" for char in secret):
        return None
    return UsageError(
        f"{variable} holds blanks, control or other characters that no key has",
        hint=f"Set {variable} again, to the key alone.",
    )


def seconds(duration: str) -> float:
    """`"10m"` → 600.0."""
    number, unit = re.fullmatch(r"([\d.]+)(ms|s|m|h|d)", duration).groups()  # type: ignore[union-attr]  # Duration's pattern
    return float(number) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}[unit]


def parse_duration(text: str) -> float | None:
    """Seconds, from `"90s"`, `"10m"` or a plain number of seconds; None for anything else."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    return seconds(text) if re.fullmatch(r"\d+(\.\d+)?(ms|s|m|h|d)", text) else None


def size_bytes(size: str) -> int:
    """`"4g"` → 4 GiB in bytes."""
    return int(size[:-1]) << {"k": 10, "m": 20, "g": 30}[size[-1]]


def example() -> str:
    """The text of `config.example.toml`: every key with its default and its explanation."""
    head = "# pithy-local: every setting with its default. `pithy-local config path` says where the file lives."
    return f"{head}\n{as_toml(Settings())}"


def as_toml(settings: Settings) -> str:
    """Settings as the text of a configuration file, each key with its explanation."""
    return "\n".join(_table(settings, "")) + "\n"


def _table(settings: Struct, prefix: str) -> Iterator[str]:
    tables = []
    for field in msgspec.structs.fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, Struct | dict):
            tables.append((f"{prefix}{field.name}", value, _description(field.type)))
            continue
        line = f"{field.name} = {_toml(value)}"
        note = _description(field.type)
        yield f"{line:<30} # {note}" if note else line
    for name, table, note in tables:
        yield ""
        yield f"[{name}]" + (f"{'':<{29 - len(name)}}# {note}" if note else "")
        if isinstance(table, Struct):
            yield from _table(table, f"{name}.")
        else:
            yield from (f"{json.dumps(key)} = {_toml(value)}" for key, value in table.items())


def _description(annotation: Any) -> str:
    """The outermost Meta that has a description."""
    for meta in reversed(getattr(annotation, "__metadata__", ())):
        if isinstance(meta, Meta) and meta.description:
            return meta.description
    return ""


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:_}"
    if isinstance(value, Struct):
        return "{" + ", ".join(f"{name} = {_toml(part)}" for name, part in msgspec.structs.asdict(value).items()) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)  # TOML's basic strings take JSON's escapes
    return str(value)


def _refuse_unknown_keys(data: Mapping[str, Any], kind: type[Struct], source: str, prefix: str = "") -> None:
    known = {field.name: field for field in msgspec.structs.fields(kind)}
    for key, value in data.items():
        if key not in known:
            raise UsageError(
                f"{source}: unknown key `{prefix}{key}`", hint=_nearest(key, prefix, list(known)), code=ErrorCode.CONFIG
            )
        default = known[key].default
        if isinstance(default, Struct) and isinstance(value, dict):
            _refuse_unknown_keys(value, type(default), source, f"{prefix}{key}.")


def _nearest(key: str, prefix: str, known: list[str]) -> str:
    """The valid key that was meant, here or in another table, where one is near; else the valid keys here."""
    here = difflib.get_close_matches(key, known, n=1)
    if here:
        return f"Did you mean `{prefix}{here[0]}`?"
    elsewhere = {path.rpartition(".")[2]: path for path, _ in _walk(Settings)}
    near = difflib.get_close_matches(key, elsewhere, n=1)
    return f"Did you mean `{elsewhere[near[0]]}`?" if near else f"Valid keys here: {', '.join(known)}."


def _walk(kind: type[Struct], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every key with its type: `model`, `model.openai`, `model.openai.base_url`, …"""
    for field in msgspec.structs.fields(kind):
        yield prefix + field.name, field.type
        if isinstance(field.default, Struct):
            yield from _walk(type(field.default), f"{prefix}{field.name}.")


def _convert(data: Mapping[str, Any], source: str, hint: str | None = None) -> Settings:
    try:
        return msgspec.convert(data, Settings)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        key = where.rstrip("`") or "the file"
        if key.startswith("prices[...]"):
            key = f"prices.{json.dumps(_mispriced(data))}{key.removeprefix('prices[...]')}"
        raise _wrong(f"{source}: `{key}`: {_plain(what, key)}", hint) from error


def _mispriced(data: Mapping[str, Any]) -> str:
    """The model whose price is none: msgspec does not say which."""
    for model, price in data["prices"].items():
        try:
            msgspec.convert(price, Price)
        except msgspec.ValidationError:
            return str(model)
    return "…"


_TYPES = {
    "`object`": "a table", "`str`": "a string", "`int`": "a whole number", "`float`": "a number",
    "`bool`": "true or false", "`array`": "a list",
}  # fmt: skip


def _plain(what: str, key: str) -> str:
    """msgspec names types and patterns; people want words, the choices or an example."""
    if what.startswith("Invalid enum value"):
        choices = (word or '""' for word in _choices(dict(_walk(Settings))[_named(key)]))
        return f"expected one of {', '.join(choices)}"
    if "matching regex" not in what:
        for name, words in _TYPES.items():
            what = what.replace(name, words)
        return what[:1].lower() + what[1:]
    for pattern, words in {
        r"(ms|s|m|h|d)": 'expected a duration such as "90s" or "10m"',
        "[kmg]": 'expected a size such as "512m" or "4g"',
        "(openai|anthropic):": 'expected "provider:model", for example "anthropic:claude-sonnet-5-5"',
        "https?": "expected a URL that starts with http:// or https://",
        "<[^<>": 'expected "Name <mail@example.org>"',
    }.items():
        if pattern in what:
            return words
    return "not in the expected form"


def _named(key: str) -> str:
    """`notify.on[0]` → `notify.on`"""
    return key.partition("[")[0]


def _choices(annotation: Any) -> tuple[str, ...]:
    """The words of the Literal that is somewhere in a key's type."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return next((found for part in get_args(annotation) if (found := _choices(part))), ())


def _set(data: dict[str, Any], key: str, value: str) -> None:
    *tables, last = key.split(".")
    for table in tables:
        data = data.setdefault(table, {})
    data[last] = value


def _check(settings: Settings, source: str) -> None:
    """What a type cannot say."""
    if size_bytes(settings.sandbox.disk) >= size_bytes(settings.sandbox.memory):
        raise _wrong(f"{source}: `sandbox.disk` counts as memory: it must be smaller than `sandbox.memory`")
    if size_bytes(settings.sandbox.memory) > size_bytes(MAX_MEMORY):
        raise _wrong(f"{source}: `sandbox.memory`: expected at most {MAX_MEMORY}")
    durations = {
        "timeout": settings.timeout, "verify_timeout": settings.verify_timeout, "model.timeout": settings.model.timeout
    }  # fmt: skip
    for key, duration in durations.items():
        if seconds(duration) > seconds(MAX_DURATION):
            raise _wrong(f"{source}: `{key}`: expected at most {MAX_DURATION}")
    for number, command in enumerate(settings.sandbox.verify):
        if not command.strip():
            raise _wrong(f'{source}: `sandbox.verify[{number}]`: expected a command, for example "pytest -q"')
    bundle = settings.sandbox.ca_bundle
    if bundle and not Path(bundle).expanduser().is_file():
        raise _wrong(f"{source}: `sandbox.ca_bundle`: there is no file {bundle}")


def _check_addresses(settings: Settings, source: str, env: Mapping[str, str]) -> None:
    """Each is one, and holds no password: addresses are shown and logged. What is wrong with one never quotes it."""
    addresses = {
        "model.openai.base_url": settings.model.openai.base_url,
        "model.anthropic.base_url": settings.model.anthropic.base_url, "github.api_url": settings.github.api_url,
    }  # fmt: skip
    for key, address in addresses.items():
        variable = next((name for name, known in ENVIRONMENT.items() if known == key and env.get(name)), None)
        where = f"environment variable {variable}" if variable else source
        hint = f"Change or unset {variable}." if variable else None
        try:
            parts = urlsplit(address)
            good = not address or bool(parts.hostname and (parts.port is None or parts.port))
        except ValueError:
            good = False
        if not good:
            raise _wrong(f"{where}: `{key}`: expected a URL such as https://example.org/v1", hint)
        if "@" in parts.netloc:
            raise _wrong(
                f"{where}: `{key}`: an address must not hold a user name or a password",
                "Leave them out: keys and tokens come from the environment.",
            )


def _wrong(message: str, hint: str | None = None) -> UsageError:
    return UsageError(message, hint=hint, code=ErrorCode.CONFIG)
