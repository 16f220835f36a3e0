"""The loop: unpack → survey → ask → apply → verify → (repair) → hand over. Errors are the loop's other way out."""

from __future__ import annotations

from runner import diff, patch, prompts, question, snapshot, survey, verify, workspace
from runner.errors import AgentError, PatchEmpty, PatchRefused, Question, VerifyFailed
from runner.job import Job
from runner.narrate import Narrator
from runner.providers import Message, Provider, Reply
from runner.survey import Survey


def run(job: Job, model: Provider, tell: Narrator) -> str:
    """Do the job in its work tree and hand the host the canonical diff. Returns what was done, for people.

    Raises Question when the user is asked, RunnerError whose code says why there is no change. A change that was made
    and could not be mended is handed over all the same: the host decides.
    """
    talk, view = _opening(job, tell)
    round_ = made = 0
    try:
        while True:
            round_ += 1
            tell.step("ask", round_, f"asking {model.name}")
            reply = model.ask(talk)
            tell.answered(round_, reply)
            left_out: tuple[str, ...] = ()
            try:
                left_out = _apply(job, round_, reply, tell)
                made = round_
                verify.check(job, round_, tell)
                return f"the change is made, in round {round_}"
            except (PatchRefused, VerifyFailed) as problem:
                if round_ > job.repair_rounds:
                    raise
                if made == round_:
                    snapshot.restore(job, left_out)
                unseen = view.unseen(problem.paths, job.context_tokens // 2)
                view = view.showing(unseen)
                talk += prompts.repair(reply, problem, unseen)
    except (AgentError, PatchRefused, PatchEmpty, VerifyFailed) as error:
        if not made:
            raise
        tell.detail(round_, f"{error.code}: {error.message.splitlines()[0]}")
        return f"the change of round {made} is handed over, although not every verify command passes"


def _opening(job: Job, tell: Narrator) -> tuple[list[Message], Survey]:
    tell.step("clone", 0, f"unpacking {job.base} at {job.base_sha[:10]}")
    workspace.unpack(job)
    tell.step("survey", 0, "reading the repository")
    told = prompts.background(job)
    view = survey.take(job.repo, prompts.about(job), job.context_tokens - told.tokens)
    tell.detail(0, f"{len(view.files) + len(view.guides)} files shown, about {view.tokens + told.tokens:,} tokens")
    return prompts.opening(job, told, view), view


def _apply(job: Job, round_: int, reply: Reply, tell: Narrator) -> tuple[str, ...]:
    """Make the answer the change that is handed over. Returns the files of it that git leaves out.

    Raises PatchRefused, Question, PatchEmpty: the change is then what it was.
    """
    tell.step("apply", round_, "applying the answer")
    try:
        applied = patch.apply_answer(job.repo, reply.text, truncated=reply.truncated)
    except PatchRefused as refusal:
        nothing_named = refusal.code == "patch_malformed" and not refusal.paths and not reply.truncated
        if nothing_named and (asks := question.asked(reply.text)):
            tell.judged(round_, "question")
            raise Question(asks) from None
        tell.rejected(round_, refusal, reply.text)
        tell.judged(round_, "truncated" if reply.truncated else refusal.code)
        raise
    tell.step("diff", round_, "applied; asking git what changed")
    tree = snapshot.write(job)
    change = diff.of_tree(job, tree)
    if not change:
        tell.judged(round_, "empty")
        raise PatchEmpty(f"the answer changed nothing that git would keep ({', '.join(applied.paths[:5])})")
    snapshot.keep(job, tree)
    tell.judged(round_, "applied")
    tell.changed(change)
    left_out = tuple(path for path in applied.paths if f"/{path}".encode() not in change)
    if left_out:
        tell.detail(round_, f"not part of the change, because ignored by git or as before: {', '.join(left_out)}")
    return left_out
