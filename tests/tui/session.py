"""`python -m tests.tui.session --out DIR`: a day with the dashboard, in a real terminal, from an empty home.

Real Docker, git and terminal (tmux); the model and GitHub are the fakes of the end-to-end tests. Every step waits for
what a user would see. Writes the screens as SVG, and as PNG where `rsvg-convert` is there.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import machine_sandbox
from tests.e2e.world import FIX, SLUG, World, fix
from tests.fakes.loopback import Gate
from tests.fakes.model_replies import Reply
from tests.tui.tmux import Tmux, terminal

ADD, REWRITE = "add() must add: it subtracts", "Rewrite all of it in Rust"
STRINGS, DOCUMENT = "Let add() join strings, too", "Say in the README what add() is for"
QUESTION = "QUESTION: Shall add() refuse a number and a string together?"
NOTE = "Say why in a comment"
README = """```diff
--- a/README.md
+++ b/README.md
@@ -1 +1,3 @@
 # calc
+
+`add(a, b)` is the sum of two numbers.
```
"""
COMMENTED = FIX.replace(
    "+    return a + b\n", "+    # it subtracted: the operator was wrong\n+    return a + b\n"
).replace("+1,2 @@", "+1,3 @@")
LINES, PAUSE = 10, 0.25
CHECKS = f"""import time

for number in range({LINES}):
    print(f"check {{number}} written at {{time.time():.3f}}", flush=True)
    time.sleep({PAUSE})
"""
"""A program of the repository whose lines say when they were written, in the container."""
VERIFY = "python3 checks.py"
WRITTEN = re.compile(r"check \d+ written at (\d+\.\d+)")
TIME_LIMIT_SECONDS = 0.5


@dataclass(kw_only=True)
class Model:
    """What the model says to each task; two of them have to wait for the user."""

    rewriting: Gate = field(default_factory=Gate)
    documenting: Gate = field(default_factory=Gate)

    def __call__(self, body: dict[str, Any]) -> Reply:
        asked = json.dumps(body)
        if REWRITE in asked:
            return Reply(text=FIX, gate=self.rewriting)
        if DOCUMENT in asked:
            return Reply(text=README, gate=self.documenting)
        if STRINGS in asked:
            return fix() if "refuse them" in asked else Reply(text=QUESTION)
        return Reply(text=COMMENTED, prompt_tokens=1900, completion_tokens=120) if NOTE in asked else fix()


@dataclass(kw_only=True)
class Session:
    """One user at one terminal. `late`: seconds from a line's writing in the container to its being on the screen."""

    world: World
    model: Model
    screen: Tmux
    shot: Callable[[str, str], None]
    late: list[float] = field(default_factory=list)
    looks: int = 0
    """How many looks at the log brought new lines."""

    def run(self, *without: str) -> None:
        """All of it, in order, but the steps with these names."""
        for step in (
            self.first_run, self.add_a_task, self.watch_its_log, self.search_its_log, self.read_the_diff,
            self.send_it_back, self.accept_it, self.cancel_another, self.answer_a_third, self.leave_one_running,
            self.find_it_adopted,
        ):  # fmt: skip
            if step.__name__ in without:
                continue
            began = time.monotonic()
            step()
            say(f"{step.__name__.replace('_', ' '):<24}{time.monotonic() - began:6.1f} s")

    def add(self, prompt: str, *, verify: str = "", review: bool = False) -> None:
        """Write a task by `n` and send it."""
        self.screen.presses("n")
        self.screen.sees("What should change?")
        first = "owner/name" in self.screen.screen
        if first:
            self.screen.types(SLUG)
            self.screen.presses("Tab")
        self.screen.types(prompt)
        self.screen.presses("Tab", "Tab", "Tab")
        self.screen.types(verify)
        self.screen.presses("Tab", "Tab")
        self.screen.types("review" if review else "auto")
        if first:
            self.screen.sees(prompt, "review")
            self.shot("new-task", "n: a new task")
        self.screen.presses("C-s")
        self.screen.sees_no("What should change?")

    def first_run(self) -> None:
        self.screen.sees("Type a task, get a pull request", "Ready: press n.")
        self.shot("first-run", "The first start")

    def add_a_task(self) -> None:
        self.add(ADD, verify=VERIFY, review=True)
        self.screen.sees("● running")

    def watch_its_log(self) -> None:
        """Each line says when it was written; the first look that shows it says how late it came."""
        seen: set[str] = set()
        deadline = time.monotonic() + 60
        while len(seen) < LINES:
            assert time.monotonic() < deadline, f"the log stands still:\n{self.screen.screen}"
            found, now = {match[0]: float(match[1]) for match in WRITTEN.finditer(self.screen.screen)}, time.time()
            self.looks += bool(found.keys() - seen)
            self.late += [now - found[line] for line in found.keys() - seen]
            seen |= found.keys()
            if len(seen) == LINES // 2:
                self.shot("log", "The log of a running task")

    def search_its_log(self) -> None:
        self.screen.presses("Tab")
        self.screen.presses("/")
        self.screen.sees("Search")
        self.screen.types("check 3")
        self.screen.presses("Enter")
        self.screen.sees("match 1 of", "PAUSED")
        self.shot("search", "/ searches")
        self.screen.presses("Escape")
        self.screen.sees_no("match 1 of")
        self.screen.presses("G")
        self.screen.sees("FOLLOW")

    def read_the_diff(self) -> None:
        self.screen.sees("◆ review")
        self.screen.presses("2", "z")
        self.screen.sees("+", "return a + b", "return a - b")
        self.shot("diff", "The diff of a task that waits for review")

    def send_it_back(self) -> None:
        self.screen.presses("J", "b")
        self.screen.sees("Send back")
        self.screen.types(NOTE)
        self.screen.sees(NOTE)
        self.shot("send-back", "b: sent back with a note")
        self.screen.presses("C-s")
        self.screen.sees("it subtracted: the operator was wrong")

    def accept_it(self) -> None:
        self.screen.sees("◆ review")
        self.screen.presses("A")
        self.screen.sees("is pushed to")
        self.shot("accept", "A: accept")
        self.screen.presses("y")
        self.screen.presses("4")
        self.screen.sees("✓ done", "/pull/1")
        self.shot("info", "Branch and pull request")
        assert [pr.number for pr in self.world.github.prs] == [1]
        self.screen.presses("z", "1")

    def cancel_another(self) -> None:
        self.add(REWRITE)
        self.screen.sees("● running", REWRITE)
        assert self.model.rewriting.reached.wait(40)
        self.screen.presses("x")
        self.screen.sees("The attempt is stopped")
        self.screen.presses("y")
        self.screen.sees("⊘ cancelled")

    def answer_a_third(self) -> None:
        self.add(STRINGS)
        self.screen.sees("? question")
        self.screen.presses("c")
        self.screen.sees("refuse a number and a string")
        self.screen.types("Yes, refuse them.")
        self.screen.sees("Yes, refuse them.")
        self.shot("answer", "c: an answer")
        self.screen.presses("C-s")
        self.screen.until(lambda screen: screen.count("✓ done") >= 2, "the third task")

    def leave_one_running(self) -> None:
        self.add(DOCUMENT)
        assert self.model.documenting.reached.wait(40)
        self.screen.presses("q")
        self.screen.sees("Leave them running")
        self.shot("quit", "q: quit while a task runs")
        self.screen.presses("l")
        assert self.screen.ends() == 0

    def find_it_adopted(self) -> None:
        self.screen.again()
        self.screen.sees("● running", DOCUMENT)
        self.screen.sees("the host is back")
        self.shot("adopted", "Started again: the task is taken up")
        delivered = len(self.world.github.prs)
        self.model.documenting.release()
        self.screen.until(lambda screen: screen.count("✓ done") > delivered, "the task that was left running")
        self.shot("dashboard", "The dashboard")
        self.screen.presses("q")
        assert self.screen.ends() == 0
        assert len(self.world.github.prs) == delivered + 1


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def play(
    world: World, *without: str, shot: Callable[[Tmux, str, str], None] = lambda screen, name, title: None
) -> Session:
    """The session, but for these steps, in a world that was started."""
    model = Model()
    world.script = model
    env = {key: value for key, value in world.env.items() if key != "NO_COLOR"} | {"COLORTERM": "truecolor"}
    world.push_to_main({"checks.py": CHECKS})
    try:
        with terminal([sys.executable, "-m", "pithy_local"], env) as screen:
            session = Session(
                world=world, model=model, screen=screen, shot=lambda name, title: shot(screen, name, title)
            )
            session.run(*without)
    except BaseException:
        model.rewriting.release()
        model.documenting.release()
        world.run("run", "--until-idle")  # nothing of it is left in the engine
        raise
    return session


def main() -> int:
    """Play it and keep its screens; 1 where a line came too late."""
    parser = argparse.ArgumentParser(prog="python -m tests.tui.session", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="where the screens go")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)

    def shot(screen: Tmux, name: str, title: str) -> None:
        time.sleep(0.3)  # what comes with the last key is painted, too
        file = out / f"{name}.svg"
        file.write_text(screen.picture(title), "utf-8")
        if shutil.which("rsvg-convert"):
            subprocess.run(["rsvg-convert", "-w", "1000", "-o", str(file.with_suffix(".png")), str(file)], check=True)

    with tempfile.TemporaryDirectory() as folder:
        world = World.make(Path(folder), "docker", machine_sandbox(), Model())
        world.start()
        try:
            session = play(world, shot=shot)
        finally:
            world.stop()
    usual, worst = statistics.median(session.late), max(session.late)
    say(f"from a line's writing in the container to the screen: {1000 * usual:.0f} ms, at worst {1000 * worst:.0f} ms")
    return int(worst > TIME_LIMIT_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
