"""Every setting: one typed field a key, its explanation beside it. What a type cannot say is in `checks`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

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
MAX_RETENTION = "36500d"
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
    mirror_limit: Annotated[
        Size, Meta(description="disk for kept clones; above it the least recently used that no task needs are removed")
    ] = "5g"


class BudgetSettings(Struct, frozen=True, kw_only=True):
    usd_per_day: Annotated[
        float,
        Meta(ge=0, le=MAX_USD, description="0 = no limit; reached: the queue pauses until midnight and says so"),
    ] = 0.0


class LogSettings(Struct, frozen=True, kw_only=True):
    retention: Annotated[
        Duration, Meta(description="the log of a task that settled longer ago is removed; the task itself stays")
    ] = "7d"
    max_bytes_per_task: Annotated[
        int,
        Meta(
            ge=10_000,
            le=1_000_000_000,
            description="as the engine stores them (70 for a short line), or 2,000,000 lines; what follows is dropped",
        ),
    ] = 200_000_000


class NotifySettings(Struct, frozen=True, kw_only=True):
    urls: Annotated[tuple[str, ...], Meta(description="apprise URLs: mailto://, slack://, ntfy://, desktop …")] = ()
    on: Annotated[
        tuple[Literal["completed", "failed", "needs_review", "needs_clarification", "cancelled"], ...],
        Meta(description="the statuses that are told"),
    ] = ("completed", "failed", "needs_review", "needs_clarification")


class ServeSettings(Struct, frozen=True, kw_only=True):
    host: Annotated[
        str, Meta(min_length=1, description="loopback only, unless another address of this machine is named")
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535, description="0 = a free one")] = 8765
    names: Annotated[
        tuple[str, ...], Meta(description='further names it is reached by, e.g. behind a proxy: ["pithy.example.org"]')
    ] = ()
    webhook_secret: Annotated[
        str,
        Meta(description='"whsec_…" or plain text, "" = no webhooks; while it is changed both, with a space between'),
    ] = ""
    rate_limit: Annotated[
        str, Meta(pattern=r"^[1-9]\d{0,5}/(second|minute|hour)$", description="webhooks from one address")
    ] = "60/minute"


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
    concurrency_per_repo: Annotated[
        int, Meta(ge=0, le=64, description="attempts at once on one repository; 0 = no limit of its own")
    ] = 0
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
    theme: Annotated[str, Meta(description="colours of the dashboard; ctrl+p, Theme shows which there are")] = (
        "textual-dark"
    )
    model: ModelSettings = ModelSettings()
    sandbox: SandboxSettings = SandboxSettings()
    github: GitHubSettings = GitHubSettings()
    git: GitSettings = GitSettings()
    budget: BudgetSettings = BudgetSettings()
    logs: LogSettings = LogSettings()
    serve: ServeSettings = ServeSettings()
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
