"""Writes docs/configuration.md from the code: `python -m tests.configuration_page > docs/configuration.md`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pithy_local import config
from pithy_local.config import ENVIRONMENT

HEAD = """\
# Configuration

One TOML file; `pithy-local config path` says where, `config show` prints what is in force, `config check` says what is
wrong with it. `--config FILE` or `PITHY_CONFIG` name another one. A file in the current directory is never read: a
cloned repository could point `base_url` at a server of its own.

What counts: a flag, else the environment, else the repository's `.pithy.toml`, else this file, else the default.
Unknown keys are errors that name the file, the key and the nearest valid key. Keys and tokens are no settings: they
come from the environment alone. [config.example.toml](../config.example.toml) is a file with every key at its default.
"""
TAIL = """
## A repository's own settings

A repository may carry `.pithy.toml` with `verify`, `protected` and `network`. It is read from the base commit that a
task builds on, never from a work tree or a diff. It can add and tighten, not loosen: its verify commands and protected
paths are added, and `network` may only be the stricter one.

```toml
verify = ["pytest -q"]
protected = ["deploy/**"]
network = "sealed"
```

## Two homes

`--home DIR`, else `PITHY_HOME`, else the platform's data directory holds the queue, the logs, kept clones and diffs.
Two homes have nothing in common, also on one Docker engine. It belongs on a local disk: `doctor` says so of another.
"""
_TABLE = re.compile(r"^\[(.+?)\](?: +# (.*))?$")
_KEY = re.compile(r'^("?[\w"-]+) = (.*?) +# (.*)$')


def lines() -> Iterator[str]:
    """The page, line by line."""
    yield HEAD
    for line in config.example().splitlines()[1:]:
        if table := _TABLE.match(line):
            yield f"\n## `[{table[1]}]`\n"
            yield from ([table[2]] if table[2] else _header())
        elif key := _KEY.match(line):
            if key[1] == "executor":
                yield from _header()
            yield f"| `{key[1]}` | `{key[2]}` | {_cell(key[3])} |"
        elif line:
            raise ValueError(f"neither a table nor a key with its meaning: {line!r}")
    yield "\n## Environment\n"
    yield "| variable | is |"
    yield "|---|---|"
    for variable, setting in ENVIRONMENT.items():
        yield f"| `{variable}` | `{setting}` |"
    yield "| `OPENAI_API_KEY`, `ANTHROPIC_API_KEY` | the providers' keys |"
    yield "| `GITHUB_TOKEN` | the token to push and to open pull requests with; else what `gh auth token` prints |"
    yield "| `PITHY_HOME`, `PITHY_CONFIG` | the data directory, the configuration file |"
    yield "| `DOCKER_HOST`, `DOCKER_CONTEXT` | the engine, as for the docker command: [engines](providers.md#engines) |"
    yield "| `NO_COLOR` | no colours |"
    yield TAIL.rstrip("\n")


def _header() -> Iterator[str]:
    yield "| key | default | what |"
    yield "|---|---|---|"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("**", "\\*\\*")


if __name__ == "__main__":
    print("\n".join(lines()))  # noqa: T201 - this is what it is for
