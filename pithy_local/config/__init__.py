"""Typed settings: one field a key, its explanation beside it; `config.example.toml` is generated from here.

Precedence: flag > environment > user's file > default (CONTRACT §1). Unknown keys are errors that name
the file, the key and the nearest valid key.
"""

from pithy_local.config.checks import ENVIRONMENT
from pithy_local.config.keys import Secrets, read_secrets, spoilt
from pithy_local.config.loading import load
from pithy_local.config.rendering import as_toml, example
from pithy_local.config.settings import (
    DEFAULT_MODELS,
    MAX_DURATION,
    MAX_MEMORY,
    MAX_USD,
    AnthropicSettings,
    BudgetSettings,
    Duration,
    ExecutorName,
    GitHubSettings,
    GitSettings,
    LogSettings,
    ModelSettings,
    Network,
    NotifySettings,
    OpenAISettings,
    Price,
    ProviderName,
    Publish,
    SandboxSettings,
    ScriptedSettings,
    ServeSettings,
    Settings,
    Size,
    Tokens,
    Url,
)
from pithy_local.config.units import parse_duration, seconds, size_bytes

__all__ = [
    "DEFAULT_MODELS",
    "ENVIRONMENT",
    "MAX_DURATION",
    "MAX_MEMORY",
    "MAX_USD",
    "AnthropicSettings",
    "BudgetSettings",
    "Duration",
    "ExecutorName",
    "GitHubSettings",
    "GitSettings",
    "LogSettings",
    "ModelSettings",
    "Network",
    "NotifySettings",
    "OpenAISettings",
    "Price",
    "ProviderName",
    "Publish",
    "SandboxSettings",
    "ScriptedSettings",
    "Secrets",
    "ServeSettings",
    "Settings",
    "Size",
    "Tokens",
    "Url",
    "as_toml",
    "example",
    "load",
    "parse_duration",
    "read_secrets",
    "seconds",
    "size_bytes",
    "spoilt",
]
