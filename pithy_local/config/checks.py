"""What a type cannot say of a setting, and the words for what is wrong with one."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import urlsplit

from pithy_local.config.settings import MAX_DURATION, MAX_MEMORY, MAX_RETENTION, Settings
from pithy_local.config.units import seconds, size_bytes
from pithy_local.errors import ErrorCode, UsageError
from pithy_local.paths import expanded

ENVIRONMENT = {
    "PITHY_EXECUTOR": "executor",
    "MODEL_PROVIDER": "model.provider",
    "MODEL_NAME": "model.name",
    "OPENAI_BASE_URL": "model.openai.base_url",
    "ANTHROPIC_BASE_URL": "model.anthropic.base_url",
    "GITHUB_API_URL": "github.api_url",
    "PITHY_BASE_IMAGE": "sandbox.base_image",
}
"""Environment variable → key (docs/contract.md §1). The secrets are read by `read_secrets` alone."""


def check(settings: Settings, source: str) -> None:
    """What a type cannot say."""
    if size_bytes(settings.sandbox.disk) >= size_bytes(settings.sandbox.memory):
        raise wrong(f"{source}: `sandbox.disk` counts as memory: it must be smaller than `sandbox.memory`")
    if size_bytes(settings.sandbox.memory) > size_bytes(MAX_MEMORY):
        raise wrong(f"{source}: `sandbox.memory`: expected at most {MAX_MEMORY}")
    durations = {
        "timeout": settings.timeout, "verify_timeout": settings.verify_timeout, "model.timeout": settings.model.timeout,
    }  # fmt: skip
    for key, duration in durations.items():
        if seconds(duration) > seconds(MAX_DURATION):
            raise wrong(f"{source}: `{key}`: expected at most {MAX_DURATION}")
    if seconds(settings.logs.retention) > seconds(MAX_RETENTION):
        raise wrong(f"{source}: `logs.retention`: expected at most {MAX_RETENTION}")
    for number, command in enumerate(settings.sandbox.verify):
        if not command.strip():
            raise wrong(f'{source}: `sandbox.verify[{number}]`: expected a command, for example "pytest -q"')
    if not all(map(_is_webhook_secret, settings.serve.webhook_secret.split())):
        raise wrong(f"{source}: `serve.webhook_secret`: expected base64 after whsec_")
    bundle = settings.sandbox.ca_bundle
    if bundle and not expanded(bundle).is_file():
        raise wrong(f"{source}: `sandbox.ca_bundle`: there is no file {bundle}")


def _is_webhook_secret(secret: str) -> bool:
    """What follows `whsec_` is base64; any other text is taken as it is."""
    encoded = secret.removeprefix("whsec_")
    if encoded == secret:
        return True
    try:
        return bool(base64.b64decode(encoded, validate=True))
    except ValueError:
        return False


def check_addresses(settings: Settings, source: str, env: Mapping[str, str]) -> None:
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
            raise wrong(f"{where}: `{key}`: expected a URL such as https://example.org/v1", hint)
        if "@" in parts.netloc:
            raise wrong(
                f"{where}: `{key}`: an address must not hold a user name or a password",
                "Leave them out: keys and tokens come from the environment.",
            )


def wrong(message: str, hint: str | None = None) -> UsageError:
    return UsageError(message, hint=hint, code=ErrorCode.CONFIG)
