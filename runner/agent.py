"""The loop: unpack → survey → ask → apply → (repair) → diff. Errors are the loop's other way out."""

from __future__ import annotations

from itertools import count

from runner import diff, patch, prompts, survey, workspace
from runner.errors import PatchEmpty, PatchRefused
from runner.job import Job
from runner.narrate import Narrator
from runner.providers import Provider


def run(job: Job, model: Provider, tell: Narrator) -> str:
    """Do the job in its work tree and hand the host the canonical diff. Returns what was done, for people.

    Raises RunnerError whose code says why there is no change; the work tree is then the base's.
    """
    tell.step("clone", 0, f"unpacking {job.base} at {job.base_sha[:10]}")
    workspace.unpack(job)
    tell.step("survey", 0, "reading the repository")
    view = survey.take(job.repo, f"{job.title}\n{job.prompt}", job.context_tokens)
    tell.detail(0, f"{len(view.files) + len(view.guides)} files shown, about {view.tokens:,} tokens")

    messages = prompts.opening(job, view)
    for round_ in count(1):
        tell.step("ask", round_, f"asking {job.model or job.provider}")
        reply = model.ask(messages)
        tell.answered(round_, reply)
        tell.step("apply", round_, "applying the answer")
        try:
            applied = patch.apply_answer(job.repo, reply.text, truncated=reply.truncated)
            break
        except PatchRefused as refusal:
            tell.rejected(round_, refusal, reply.text)
            if round_ > job.repair_rounds:
                raise
            unseen = view.more(refusal.paths, job.context_tokens // 2)
            messages += prompts.repair(reply.text, refusal, unseen)

    tell.step("diff", round_, "applied; asking git what changed")
    change = diff.canonical(job)
    if not change:
        raise PatchEmpty(f"the answer changed nothing that git would keep ({', '.join(applied.paths[:5])})")
    if left_out := [path for path in applied.paths if f"/{path}".encode() not in change]:
        tell.detail(round_, f"not part of the change, because ignored by git or as before: {', '.join(left_out)}")
    tell.changed(change)
    return f"the change is made, in round {round_}"
