"""Work that counts its own executions: what the agent does in its sandbox while the processes around it are killed.

The model's answer is a plan (`plan.json`: so many lines in so many seconds), and `work.py`, the verify command, follows
it in the agent's sandbox alone: it draws a name, which stands for this one execution, and writes numbered lines. So
the log says how often the work was done, and whether a line of it was lost or taken twice.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from tests.fakes.model_replies import Reply

VERIFY = "python3 work.py"
PROGRAM = '''"""Follow plan.json where the agent works: the runner is this program's ancestor there."""
import json, os, pathlib, time, uuid


def by_the_runner():
    pid = os.getppid()
    while pid > 0:
        folder = pathlib.Path("/proc", str(pid))
        if b"runner" in (folder / "cmdline").read_bytes().split(b"\\0"):
            return True
        pid = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    return False


plan = pathlib.Path("plan.json")
if plan.exists() and by_the_runner():
    todo, name = json.loads(plan.read_text()), uuid.uuid4().hex[:12]
    for number in range(1, todo["lines"] + 1):
        print("work", name, number, todo["lines"], "x" * todo["long"] * (number % 50 == 25), flush=True)
        time.sleep(todo["seconds"] / todo["lines"])
'''
FILES = {"work.py": PROGRAM, "README.md": "# work\n"}
_ASKED = re.compile(r"(\d+) lines in ([\d.]+) seconds")
_LINE = re.compile(r"work ([0-9a-f]{12}) (\d+) (\d+)(?: x+)?")
_LONG = 40_000
"""Bytes of every fiftieth line: more than the engine puts into one frame."""


def prompt(lines: int, seconds: float) -> str:
    """What a task asks for."""
    return f"write {lines} lines in {seconds:g} seconds"


def answer(body: dict[str, Any]) -> Reply:
    """The model's: the plan that the prompt asks for, as a new file."""
    found = _ASKED.search(json.dumps(body))
    assert found is not None, "the prompt asks for no work"
    plan = {"lines": int(found[1]), "seconds": float(found[2]), "long": _LONG}
    patch = f"--- /dev/null\n+++ b/plan.json\n@@ -0,0 +1 @@\n+{json.dumps(plan)}\n"
    return Reply(text=f"Planned.\n\n```diff\n{patch}```\n", prompt_tokens=1200, completion_tokens=80)


def executions(lines: Iterable[str]) -> dict[str, list[str]]:
    """What is wrong with each execution that a log shows, by its name: empty where it is whole, each line once."""
    seen: dict[str, list[int]] = defaultdict(list)
    wanted: dict[str, int] = {}
    for line in lines:
        if found := _LINE.fullmatch(line.rstrip()):
            seen[found[1]].append(int(found[2]))
            wanted[found[1]] = int(found[3])
    return {name: _faults(numbers, wanted[name]) for name, numbers in seen.items()}


def _faults(numbers: list[int], wanted: int) -> list[str]:
    if numbers == list(range(1, wanted + 1)):
        return []
    lost = sorted(set(range(1, wanted + 1)) - set(numbers))
    twice = sorted({number for number in numbers if numbers.count(number) > 1})
    return [f"of {wanted} lines lost {lost[:5]}, twice {twice[:5]}, in order: {numbers == sorted(numbers)}"]
