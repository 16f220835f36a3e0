"""The whole product against loopback peers: a model server, GitHub, git over HTTP; driven by the real command line."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from pithy_local.config import SandboxSettings
from tests.fakes.git_http import GitHttpServer, Right
from tests.fakes.github import FakeGitHub
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import Reply
from tests.support import branch_sha, commit_files, git, make_bare, make_repo

KEY = "sk-canary-5f2b9c7d1e8a4036b1c2"
TOKEN = "ghp_canaryA1b2C3d4E5f6G7h8I9j0"
SLUG = "acme/api"
MODELS = ("gpt-4o", "claude-sonnet-5-5", "house-model-1")
"""What the model server has; nobody knows the last one's price."""
FILES = {
    "calc.py": "def add(a, b):\n    return a - b\n",
    "test_calc.py": "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n",
    "README.md": "# calc\n",
}
FIX = """Fixed.

```diff
--- a/calc.py
+++ b/calc.py
@@ -1,2 +1,2 @@
 def add(a, b):
-    return a - b
+    return a + b
```
"""


def fix(prompt_tokens: int = 1200, completion_tokens: int = 80) -> Reply:
    """The answer that mends `calc.py`."""
    return Reply(text=FIX, prompt_tokens=prompt_tokens, completion_tokens=completion_tokens)


Script = Callable[[dict[str, Any]], Reply]
"""What the model answers to a request's body."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(kw_only=True)
class World:
    """One user's machine: a home, a configuration, and the peers it talks to."""

    root: Path
    executor: str
    sandbox: SandboxSettings
    model: FakeModel
    github: FakeGitHub
    git_server: GitHttpServer
    bare: Path
    script: Script
    env: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def make(
        cls, root: Path, executor: str, sandbox: SandboxSettings, script: Script, files: Mapping[str, str] = FILES
    ) -> World:
        """Not started: `start` does. `files`: what the repository holds."""
        origin = make_repo(root / "origin", files)
        bare = make_bare(root / "served" / f"{SLUG}.git", origin)
        world = cls(
            root=root, executor=executor, sandbox=sandbox, bare=bare, script=script,
            model=FakeModel(lambda body: world.script(body), key=KEY, models=MODELS), github=FakeGitHub(),
            git_server=GitHttpServer(root / "served"),
        )  # fmt: skip
        return world

    def start(self) -> None:
        for peer in (self.model, self.github, self.git_server):
            peer.start()
        self.git_server.add_token(TOKEN, Right.WRITE)
        self.github.add_token(TOKEN)
        self.github.add_repo(SLUG, self.bare, self.git_server.url_of(SLUG))
        self.env = {
            "PATH": os.environ["PATH"], "HOME": str(self.root / "user"), "LANG": "C.UTF-8",
            "PITHY_HOME": str(self.home), "PITHY_CONFIG": str(self.config),
            "OPENAI_API_KEY": KEY, "ANTHROPIC_API_KEY": KEY, "GITHUB_TOKEN": TOKEN, "NO_COLOR": "1",
            "PYTHONWARNINGS": "error::ResourceWarning", **engine_env(),
            **({"TZ": os.environ["TZ"]} if "TZ" in os.environ else {}),
        }  # fmt: skip
        (self.root / "user").mkdir()
        self.configure()

    def stop(self) -> None:
        for peer in (self.model, self.github, self.git_server):
            peer.stop()

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def config(self) -> Path:
        return self.root / "config.toml"

    def configure(self, **changes: Any) -> None:
        """Write the configuration file: dotted keys with `__` for the dot."""
        self.settings |= changes
        values: dict[str, Any] = {
            "executor": self.executor, "allow_unisolated": self.executor == "local",
            "model__openai__base_url": self.model.base_url, "github__api_url": self.github.url,
            "sandbox__base_image": self.sandbox.base_image, "sandbox__ca_bundle": self.sandbox.ca_bundle,
            "model__anthropic__base_url": self.model.anthropic_url, "github__coderabbit": False,
            "sandbox__memory": "512m", "sandbox__disk": "128m", "sandbox__cpus": 1.0,
            **self.settings,
        }  # fmt: skip
        lines = [f"{key.replace('__', '.')} = {_toml(value)}" for key, value in values.items()]
        self.config.write_text("\n".join(lines) + "\n")

    def popen(
        self, *args: str, env: dict[str, str] | None = None, output: IO[str] | int = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        """Start a command; the caller ends it. `output`: where stdout and stderr go."""
        return subprocess.Popen(
            [sys.executable, "-m", "pithy_local", *args],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, text=True,
            env=self.env | (env or {}), cwd=self.root,
        )  # fmt: skip

    def run(self, *args: str, env: dict[str, str] | None = None, timeout: float = 100) -> Ran:
        """Run a command to its end."""
        with self.popen(*args, env=env) as process:
            try:
                out, err = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
                raise AssertionError(f"{args} did not end in {timeout} s:\n{out}\n{err}") from None
        return Ran(code=process.returncode, out=out, err=err)

    def ok(self, *args: str, timeout: float = 100) -> Ran:
        """Run a command that must succeed."""
        ran = self.run(*args, timeout=timeout)
        assert ran.code == 0, f"{args}: exit {ran.code}\n{ran.out}\n{ran.err}"
        return ran

    def add(self, prompt: str = "add() must add", *args: str, repo: str = SLUG) -> str:
        """Queue a task; its id."""
        return self.ok("add", prompt, "--repo", repo, *args).out.strip()

    def show(self, task: str) -> dict[str, Any]:
        shown: dict[str, Any] = self.ok("show", task, "--json").json
        return shown

    def settle(self, prompt: str = "add() must add", *args: str, repo: str = SLUG) -> dict[str, Any]:
        """Queue a task, work the queue until it is idle, and read the task."""
        task = self.add(prompt, *args, repo=repo)
        self.ok("run", "--until-idle")
        return self.show(task)

    def log(self, task: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.ok("logs", task, "--json").out.splitlines()]

    def branch(self, task: str) -> str | None:
        """Where the task's branch stands in the repository that is served."""
        return branch_sha(self.bare, f"pj/{task}")

    def push_to_main(self, files: Mapping[str, str]) -> None:
        """Somebody else changes the repository."""
        clone = self.root / "clone"
        git("clone", "-q", str(self.bare), str(clone))
        commit_files(clone, files)
        git("push", "-q", "origin", "main", cwd=clone)

    def file_at(self, sha: str, path: str) -> str:
        return git("show", f"{sha}:{path}", cwd=self.bare)

    def leftovers(self) -> list[str]:
        """What a settled queue must not leave: temporary directories, processes of attempts."""
        folders = [*(self.home / "tmp").glob("*"), *(self.home / "mirrors").glob("*/index-*")]
        found = [str(path) for path in folders]
        for proc in Path("/proc").glob("[0-9]*"):
            try:
                environ = (proc / "environ").read_bytes()
            except OSError:
                continue
            if b"PITHY_JOB=" in environ and str(self.home).encode() in environ:
                found.append((proc / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        return found

    def instance(self) -> str:
        with sqlite3.connect(self.home / "queue.db") as db:
            (value,) = db.execute("SELECT value FROM meta WHERE key = 'instance'").fetchone()
        db.close()
        return str(value)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


def engine_env() -> dict[str, str]:
    """How this machine's Docker engine is found."""
    return {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}
