"""What the runner says while it works: plain lines on stdout, and the numbered events of `wire`.

The model's text is never printed: it is long, and whatever it holds would look like the runner's own words.
"""

from __future__ import annotations

import sys
from typing import Literal

from runner.errors import PatchRefused, Question, RunnerError
from runner.providers import Reply
from runner.wire import Host

Step = Literal["clone", "survey", "ask", "apply", "diff", "verify"]
Verdict = Literal["applied", "patch_rejected", "patch_malformed", "truncated", "question", "empty"]
_REASON_LIMIT = 8_000
_ARTIFACT_LIMIT = 300_000
"""Characters; an event may be 4 MiB, and JSON may write one character as twelve."""
_WORD_LIMIT = 40


class Narrator:
    """Tells the log and the host what happens, in the same words."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._mended = 0

    def step(self, name: Step, round_: int, text: str) -> None:
        """A step begins. Rounds count from 1; 0 is before the first."""
        self.detail(round_, text)
        self._host.event("step", {"name": name, "round": round_, "text": text})

    def detail(self, round_: int, text: str) -> None:
        """A line for the log alone."""
        say(f"round {round_} · {text}" if round_ else text)

    def answered(self, round_: int, reply: Reply) -> None:
        """The model answered: how much is for the log, what is for the host's record."""
        counts = (("in", reply.input_tokens), ("out", reply.output_tokens))
        tokens = "".join(f", {count:,} tokens {way}" for way, count in counts if count is not None)
        cut = ", cut off at the output limit" if reply.truncated else ""
        self.detail(round_, f"answer of {len(reply.text):,} characters{tokens}{cut}")
        said = {"text": reply.text[:_ARTIFACT_LIMIT], "finish_reason": reply.finish_reason[:_WORD_LIMIT]}
        wrote = {"provider": reply.provider, "model": reply.model}
        self._host.event("reply", {"round": round_, **said, **wrote})

    def judged(self, round_: int, verdict: Verdict) -> None:
        """What became of an answer, for the statistics."""
        self._host.event("answer", {"round": round_, "verdict": verdict})

    def rejected(self, round_: int, refusal: PatchRefused, answer: str) -> None:
        """An answer was refused; the host keeps it beside the reason."""
        self.detail(round_, f"{refusal.code}: {refusal.message.splitlines()[0]}")
        reason, patch = refusal.message[:_REASON_LIMIT], answer[:_ARTIFACT_LIMIT]
        self._host.event("rejected", {"round": round_, "code": refusal.code, "reason": reason, "patch": patch})

    def changed(self, diff: bytes, mended: int) -> None:
        """The work tree changed; this is all of the change so far. `mended`: hunks that a reviewer should look at."""
        self._host.diff(diff)
        self._mended = mended

    def ready(self, message: str) -> None:
        """The last event: the work tree holds the change."""
        say(message)
        self._result(outcome="ready", code=None, message=message, detail={})

    def asked(self, question: Question) -> None:
        """The last event: the user must answer before there can be a change."""
        say(f"the model asks: {question.message}")
        self._end("question", question)

    def failed(self, error: RunnerError) -> None:
        """The last event: there is no change, and why."""
        say(f"{error.code}: {error.message}")
        self._end("failed", error)

    def _end(self, outcome: Literal["question", "failed"], error: RunnerError) -> None:
        self._result(outcome=outcome, code=error.code, message=error.message, detail=error.detail)

    def _result(self, **data: object) -> None:
        self._host.event("result", {**data, "mended": self._mended})


def pass_on(lines: bytes) -> None:
    """Whole lines of a command's output, as they are."""
    sys.stdout.flush()
    sys.stdout.buffer.write(lines)
    sys.stdout.buffer.flush()


def say(text: str) -> None:
    """One line, or a few, on stdout at once."""
    sys.stdout.write(f"agent · {text}\n")
    sys.stdout.flush()
