"""The conversation with the model. A round is one answer that is meant to be a change, whatever it takes to get it."""

from __future__ import annotations

from dataclasses import replace

from runner import asks, continuation, prompts, shown, survey
from runner.errors import PatchRefused, SyntaxBroken, VerifyFailed
from runner.job import Job
from runner.narrate import Narrator
from runner.providers import Message, Provider, Reply

_CONTINUATIONS = 2
"""Times that a cut answer is gone on with."""
_RESERVE = 4
"""One part in so many of the budget: what the survey leaves for files that are asked for, or turn out to matter."""
_FEW = 3
"""A model that asked for no more files than these may ask once more."""


class Dialogue:
    """What was said so far, and the files that were shown."""

    def __init__(self, job: Job, model: Provider, tell: Narrator) -> None:
        """Survey the work tree `job.repo`. Raises RepoAnalysisError."""
        self._job, self._model, self._tell = job, model, tell
        tell.step("survey", 0, "reading the repository")
        told = prompts.background(job)
        room = job.context_tokens - told.tokens
        view = survey.take(job.repo, prompts.about(job), room - room // _RESERVE)
        tokens = view.tokens + told.tokens
        tell.detail(0, f"{len(view.files) + len(view.guides)} files shown, about {tokens:,} tokens")
        self._view = view
        self._room = job.context_tokens - tokens
        self._file_rounds = 2
        self._talk: list[Message] = prompts.opening(job, told, view)

    @property
    def not_seen(self) -> frozenset[str]:
        """Files of which the model saw parts, or nothing."""
        return self._view.not_seen

    def answer(self, round_: int) -> Reply:
        """Ask until there is an answer that is no request for files, or no more of those are granted.

        Raises what `Provider.ask` raises.
        """
        self._tell.step("ask", round_, f"asking {self._model.name}")
        reply = self._whole(round_)
        while self._file_rounds and (wanted := asks.files(reply.text)):
            self._show(round_, reply, wanted)
            reply = self._whole(round_)
        return reply

    def repair(self, reply: Reply, problem: PatchRefused | SyntaxBroken | VerifyFailed) -> None:
        """Say what was wrong with an answer, and show the files that matter to mend it."""
        unseen = self._view.unseen(problem.paths, self._room)
        self._showing(unseen)
        self._talk += prompts.repair(reply, problem, unseen)

    def _show(self, round_: int, reply: Reply, wanted: tuple[str, ...]) -> None:
        found = shown.answer(self._view, wanted, self._room)
        self._showing(found.files)
        self._file_rounds = self._file_rounds - 1 if len(wanted) <= _FEW else 0
        number = f"{len(found.files)} of {len(wanted)} files"
        self._tell.step("ask", round_, f"showing {number} that {self._model.name} asks for")
        self._talk += prompts.shown(reply, found.files, found.notes, again=self._file_rounds > 0)

    def _showing(self, files: tuple[survey.SourceFile, ...]) -> None:
        self._room -= int(sum(file.size for file in files) / survey.BYTES_PER_TOKEN)
        self._view = self._view.showing(files)

    def _whole(self, round_: int) -> Reply:
        """One answer, gone on with where it ran into the output limit; `truncated` still if that did not mend it."""
        reply = self._once(round_, self._talk)
        for _ in range(_CONTINUATIONS):
            if not reply.truncated or not continuation.possible(reply.text):
                break
            self._tell.step("ask", round_, f"asking {self._model.name} for the rest of its answer")
            rest = self._once(round_, [*self._talk, *prompts.go_on(reply, continuation.last_lines(reply.text))])
            text = continuation.joined(reply.text, rest.text)
            if text is None:
                self._tell.detail(round_, "the rest does not begin where the answer stopped: not joined")
                break
            reply = replace(rest, text=text)
        return reply

    def _once(self, round_: int, talk: list[Message]) -> Reply:
        reply = self._model.ask(talk)
        self._tell.answered(round_, reply)
        return reply
