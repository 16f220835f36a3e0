"""Keys and tokens: in memory alone, out of every repr and every file of ours."""

from __future__ import annotations

import functools
import shutil
import subprocess
from collections.abc import Mapping

from msgspec import Struct

from pithy_local.errors import UsageError


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
