"""The loop: unpack → survey → ask → apply → parse → verify → (repair) → hand over. Errors are its other way out."""

from __future__ import annotations

from dataclasses import dataclass

from runner import asks, diff, parses, patch, snapshot, verify, workspace
from runner.dialogue import Dialogue
from runner.errors import AgentError, PatchEmpty, PatchRefused, Question, SyntaxBroken, VerifyFailed
from runner.job import Job
from runner.narrate import Narrator
from runner.providers import Provider, Reply


@dataclass(frozen=True, kw_only=True)
class _Change:
    """What an answer made of the work tree."""

    round_: int
    tree: str
    diff: bytes
    mended: int
    """Hunks that a reviewer should look at."""
    left_out: tuple[str, ...]
    """Files of the answer that git leaves out."""
    broken: SyntaxBroken | None
    """What no longer parses."""


def run(job: Job, model: Provider, tell: Narrator) -> str:
    """Do the job in its work tree and hand the host the canonical diff. Returns what was done, for people.

    Raises Question when the user is asked, RunnerError whose code says why there is no change, or that the one handed
    over no longer parses. One that only fails to verify is handed over all the same: the host decides.
    """
    tell.step("clone", 0, f"unpacking {job.base} at {job.base_sha[:10]}")
    workspace.unpack(job)
    talk = Dialogue(job, model, tell)
    kept: _Change | None = None
    round_ = 0
    try:
        while True:
            round_ += 1
            reply = talk.answer(round_)
            change: _Change | None = None
            try:
                change = _apply(job, round_, reply, talk.not_seen, tell)
                kept = _better(job, kept, change, tell)
                _judge(job, change, tell)
                return f"the change is made, in round {round_}"
            except (PatchRefused, SyntaxBroken, VerifyFailed) as problem:
                if round_ > job.repair_rounds:
                    raise
                if change is not None:
                    snapshot.restore(job, change.left_out)
                talk.repair(reply, problem)
    except (AgentError, PatchRefused, PatchEmpty, SyntaxBroken, VerifyFailed) as error:
        if kept is None:
            raise
        tell.detail(round_, f"{error.code}: {error.message.splitlines()[0]}")
        if kept.broken is not None:
            raise kept.broken from None
        return f"the change of round {kept.round_} is handed over, although not every verify command passes"


def _apply(job: Job, round_: int, reply: Reply, not_seen: frozenset[str], tell: Narrator) -> _Change:
    """Make the answer the work tree's change; of the files `not_seen` the model saw parts, or nothing.

    Raises PatchRefused, with nothing changed, Question, PatchEmpty.
    """
    tell.step("apply", round_, "applying the answer")
    try:
        if asks.files(reply.text):
            raise PatchRefused("patch_malformed", "no more files are shown; answer with the change itself")
        applied = patch.apply_answer(job.repo, reply.text, truncated=reply.truncated, not_seen=not_seen)
    except PatchRefused as refusal:
        if isinstance(refusal, patch.Refused) and refusal.changes_nothing:
            tell.judged(round_, "empty")
            raise PatchEmpty(refusal.message) from None
        nothing_named = refusal.code == "patch_malformed" and not refusal.paths and not reply.truncated
        if nothing_named and (question := asks.question(reply.text)):
            tell.judged(round_, "question")
            raise Question(question) from None
        tell.rejected(round_, refusal, reply.text)
        tell.judged(round_, "truncated" if reply.truncated else refusal.code)
        raise
    tell.step("diff", round_, "applied; asking git what changed")
    tree = snapshot.write(job)
    change = diff.of_tree(job, tree)
    if not change:
        tell.judged(round_, "empty")
        raise PatchEmpty(f"the answer changed nothing that git would keep ({', '.join(applied.paths[:5])})")
    tell.judged(round_, "applied")
    left_out = tuple(path for path in applied.paths if f"/{path}".encode() not in change)
    if left_out:
        tell.detail(round_, f"not part of the change, because ignored by git or as before: {', '.join(left_out)}")
    return _Change(
        round_=round_, tree=tree, diff=change, mended=applied.mended, left_out=left_out,
        broken=parses.check(job, tree),
    )  # fmt: skip


def _better(job: Job, kept: _Change | None, change: _Change, tell: Narrator) -> _Change:
    """The change to hand over now, which the host gets at once: the latest one that parses, else the latest."""
    if kept is not None and kept.broken is None and change.broken is not None:
        return kept
    snapshot.keep(job, change.tree)
    tell.changed(change.diff, change.mended)
    return change


def _judge(job: Job, change: _Change, tell: Narrator) -> None:
    """Raises SyntaxBroken, VerifyFailed."""
    if change.broken is not None:
        tell.detail(change.round_, f"syntax: {change.broken.message.splitlines()[0]}")
        raise change.broken
    verify.check(job, change.round_, tell)
