"""Where settings come from: the user's file, then the environment."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from pithy_local.config.checks import ENVIRONMENT, check, check_addresses, wrong
from pithy_local.config.conversion import convert, refuse_unknown_keys
from pithy_local.config.settings import Settings
from pithy_local.paths import find_config, read_limited

MAX_BYTES = 1_000_000


def load(flag: str | None, env: Mapping[str, str]) -> Settings:
    """The settings in force.

    Raises UsageError (code `config`) for a missing, unreadable or wrong file or environment value.
    """
    path, named = find_config(flag, env)
    source = str(path)
    try:
        content = read_limited(path, MAX_BYTES) if named or path.is_file() else b""
        if not content and path.is_fifo():  # what should have written it failed: that is no wish for the defaults
            raise wrong(f"{source}: cannot be read: nothing came through this pipe")
        data = tomllib.loads(content.decode("utf-8-sig"))
    except FileNotFoundError as error:
        hint = "`pithy-local init` writes it; or name a file that is there (--config, PITHY_CONFIG)."
        raise wrong(f"{source}: cannot be read: {error.strerror}", hint) from error
    except OSError as error:
        raise wrong(f"{source}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, a number of too many digits, nested too deep
        raise wrong(f"{source}: not valid TOML: {error}") from error
    refuse_unknown_keys(data, Settings, source)
    settings = convert(data, source)
    for name, key in ENVIRONMENT.items():
        if value := env.get(name):
            _set(data, key, value)
            settings = convert(data, f"environment variable {name}", hint=f"Change or unset {name}.")
    check(settings, source)
    check_addresses(settings, source, env)
    return settings


def _set(data: dict[str, Any], key: str, value: str) -> None:
    *tables, last = key.split(".")
    for table in tables:
        data = data.setdefault(table, {})
    data[last] = value
