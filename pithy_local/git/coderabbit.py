"""CodeRabbit turned on for a repository that has no configuration of it: a commit of its own, on top of ours."""

from __future__ import annotations

import re

from pithy_local.git.commit import commit_tree, scratch_index
from pithy_local.git.mirror import Mirror
from pithy_local.git.names import fold

PATH = ".coderabbit.yaml"
CONFIGURED = frozenset({PATH, ".coderabbit.yml"})
MESSAGE = "Pithy Jaunt: turn on CodeRabbit reviews"

CONTENT = """\
# Added by Pithy Jaunt (pithy-local): this repository had no CodeRabbit configuration.
# CodeRabbit, where it is installed, reviews pull requests into the default branch and into the branches named here.
# Delete the file if you do not want that; `coderabbit = false` below [github] keeps pithy-local from adding it.
reviews:
  auto_review:
    enabled: true
    base_branches:
      - {pattern}
"""


def turn_on_reviews(mirror: Mirror, task: str, sha: str, *, base: str, author: str = "") -> str | None:
    """Commit a configuration that lets CodeRabbit review pull requests into `base`; the new refs/pithy/<task>/head.

    None, and nothing is done, where the tree of `sha` has one. Raises PithyError (repo_analysis, disk_full, internal).
    """
    listed = mirror.git.run("ls-tree", "-z", "--name-only", "--full-tree", sha).stdout.decode("utf-8", "replace")
    if any(fold(name) in CONFIGURED for name in listed.split("\0")):
        return None
    with scratch_index(mirror, task, sha) as git:
        blob = git.run("hash-object", "-w", "--stdin", stdin=configuration(base).encode()).text
        git.run("update-index", "--add", "--cacheinfo", f"100644,{blob},{PATH}")
        made = commit_tree(git, sha, git.run("write-tree").text, MESSAGE, author)
    mirror.pin(task, made, "head")
    return made


def was_turned_on(mirror: Mirror, base_sha: str, sha: str) -> bool:
    """Whether `sha` is such a commit of ours: its message says so, and the base has no such file."""
    subject = mirror.git.run("log", "-1", "--format=%s", sha).text
    listed = mirror.git.run("ls-tree", "--name-only", "--full-tree", base_sha, "--", PATH).text
    return subject == MESSAGE and not listed


def configuration(base: str) -> str:
    """The file's text. `base_branches` are regular expressions; the branch stands for itself alone."""
    escaped = re.sub(r"[.*+?^${}()|\[\]\\]", r"\\\g<0>", base)
    return CONTENT.format(pattern=_quoted(f"^{escaped}$"))


def _quoted(text: str) -> str:
    """A string in YAML's double quotes."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char.isascii() else f"\\U{ord(char):08X}" for char in plain) + '"'
