"""The loop beyond the first answer: verify and repair, questions, cut answers, a second model; as a process."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.executors.stand_ins import wait_until_gone
from tests.fakes.model import FakeModel
from tests.fakes.model_replies import Reply, server_error
from tests.runner.process import Runner, reaching, started
from tests.runner.support import AFTER, DIFF, FILES, GREETER, MISFIT, ReportService, fenced, raw_job
from tests.support import wait_until

WRONG = DIFF.replace("f'Hello {name}'", "f'Hallo {name}'")
HELLO = "grep -q Hello src/greeter.py || { echo 'AssertionError: it does not say Hello'; exit 1; }"
"""A test of the project's: greet() says Hello."""


def command(words: str, base_exit: int | None = 0, base_output: str = "") -> dict[str, Any]:
    return {"command": words, "base_exit": base_exit, "base_output": base_output}


def verdicts(service: ReportService) -> list[str]:
    return [answer["verdict"] for answer in service.of_kind("answer")]


def collected(runner: Runner) -> bytes:
    """The last diff that the host was handed."""
    diff = runner.service.of_kind("diff")[-1]
    assert isinstance(diff, bytes)
    return diff


def test_a_change_that_verifies_is_handed_over(tmp_path: Path, runner: Runner) -> None:
    runner.give(raw_job(tmp_path, replies=[fenced(DIFF)], verify=[command(HELLO)]))

    assert runner.result()["message"] == "the change is made, in round 1"
    assert verdicts(runner.service) == ["applied"]
    assert runner.service.kinds()[-3:] == ["diff", "step", "result"]


def test_a_change_that_breaks_a_command_is_mended_from_the_base(tmp_path: Path, service: ReportService) -> None:
    with FakeModel([fenced(WRONG), fenced(DIFF)]) as model, started(tmp_path, service, **reaching(model)) as runner:
        runner.give(raw_job(tmp_path, provider="openai", verify=[command(HELLO)]))

        assert runner.result()["message"] == "the change is made, in round 2"

    assert verdicts(service) == ["applied", "applied"]
    wrong, right = service.of_kind("diff")
    assert b"Hallo" in wrong
    assert b"Hallo" not in right
    assert (tmp_path / "repo/src/greeter.py").read_text() == AFTER
    repair = model.completions[1].data["messages"][-1]["content"]
    assert "broke what worked before" in repair
    assert "AssertionError" in repair
    assert "exit code 1" in repair


def test_files_that_the_failing_output_names_are_shown(tmp_path: Path, service: ReportService) -> None:
    many = {**FILES, **{f"lib/part{i:03}.py": f"x = {i}\n" * 100 for i in range(60)}}
    failing = "grep -q Hello src/greeter.py || { echo lib/part007.py:3: wrong; exit 1; }"
    with FakeModel([fenced(WRONG), fenced(DIFF)]) as model, started(tmp_path, service, **reaching(model)) as runner:
        runner.give(raw_job(tmp_path, many, provider="openai", verify=[command(failing)], context_tokens=3000))
        runner.result()

    assert '<file path="lib/part007.py">\nx = 7\n' in model.completions[1].data["messages"][-1]["content"]


def test_a_change_that_cannot_be_mended_is_handed_over_all_the_same(tmp_path: Path, runner: Runner) -> None:
    job = raw_job(tmp_path, replies=[fenced(WRONG), fenced(WRONG)], verify=[command(HELLO)], repair_rounds=1)

    runner.give(job)

    result = runner.result()
    assert (result["outcome"], result["code"]) == ("ready", None)
    assert result["message"] == "the change of round 2 is handed over, although not every verify command passes"
    assert b"Hallo" in collected(runner)


@pytest.mark.parametrize(
    "second", [fenced(MISFIT), "I would rather not.", fenced(DIFF.replace("f'Hello {name}'", "'Hello ' + name")), None]
)
def test_a_worse_second_answer_leaves_the_first_change(tmp_path: Path, runner: Runner, second: str | None) -> None:
    replies = [fenced(WRONG), *([second] if second else [])]

    runner.give(raw_job(tmp_path, replies=replies, verify=[command(HELLO)], repair_rounds=1))

    assert runner.result()["message"].startswith("the change of round 1 is handed over")
    assert len(runner.service.of_kind("diff")) == 1
    assert b"Hallo" in collected(runner)


def test_what_failed_on_the_base_demands_no_repair(tmp_path: Path, runner: Runner) -> None:
    verify = [command("exit 3", base_exit=1), command("exit 0", base_exit=0)]

    runner.give(raw_job(tmp_path, replies=[fenced(DIFF)], verify=verify))

    assert runner.result()["message"] == "the change is made, in round 1"
    assert "exit code 3" in runner.log()


def test_repairs_of_patches_and_of_verification_share_their_rounds(tmp_path: Path, runner: Runner) -> None:
    replies = [fenced(MISFIT), fenced(WRONG), fenced(DIFF)]

    runner.give(raw_job(tmp_path, replies=replies, verify=[command(HELLO)], repair_rounds=1))

    assert runner.result()["message"].startswith("the change of round 2 is handed over")
    assert verdicts(runner.service) == ["patch_rejected", "applied"]


def test_by_products_are_no_part_of_the_change(tmp_path: Path, runner: Runner) -> None:
    messy = (
        "echo report > report.xml; echo spoilt >> README.md; rm tests/test_greeter.py; git add -A; "
        "git -c user.name=x -c user.email=x@example.org commit -qm x"
    )
    verify = [command(messy), command(HELLO)]

    runner.give(raw_job(tmp_path, replies=[fenced(WRONG), fenced(DIFF)], verify=verify))

    assert runner.result()["message"] == "the change is made, in round 2"
    for diff in runner.service.of_kind("diff"):
        assert diff.count(b"diff --git") == 1
    assert (tmp_path / "repo/src/greeter.py").read_text() == AFTER


def test_an_ignored_file_of_the_first_answer_does_not_stop_the_second(tmp_path: Path, runner: Runner) -> None:
    ignored = "--- /dev/null\n+++ b/build/out.txt\n@@ -0,0 +1 @@\n+x\n"
    files = {**FILES, ".gitignore": "build/\n"}
    replies = [fenced(WRONG + ignored), fenced(DIFF + ignored)]

    runner.give(raw_job(tmp_path, files, replies=replies, verify=[command(HELLO)]))

    assert runner.result()["message"] == "the change is made, in round 2"


def test_the_commands_end_with_the_runner(tmp_path: Path, runner: Runner) -> None:
    verify = [command("echo $$ > ../pid; exec sleep 600")]
    runner.give(raw_job(tmp_path, replies=[fenced(DIFF)], verify=verify))
    pid = int(wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), 30, "the command"))
    assert b"Hello" in collected(runner)  # handed over before it began

    runner.process.send_signal(signal.SIGTERM)

    assert runner.process.wait(60) == 128 + signal.SIGTERM
    wait_until_gone(pid)


def test_commands_know_no_key_and_no_address(tmp_path: Path, service: ReportService) -> None:
    with FakeModel([fenced(DIFF)]) as model, started(tmp_path, service, **reaching(model)) as runner:
        runner.give(raw_job(tmp_path, provider="openai", verify=[command("env")]))
        runner.result()
        log = runner.log()

    assert "HOME=" in log
    for secret in ("sk-test-key", "PITHY_", "_BASE_URL", "PYTHONPATH"):
        assert secret not in log


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_question_ends_the_attempt_as_one(tmp_path: Path, service: ReportService, provider: str) -> None:
    asks = "I cannot tell which.\n\nQUESTION: Formal or friendly?\nBoth are in the README."
    model_name = {"openai": "gpt-4o", "anthropic": "claude-sonnet-5-5"}[provider]
    with FakeModel([asks]) as model, started(tmp_path, service, **reaching(model)) as runner:
        runner.give(raw_job(tmp_path, provider=provider, model=model_name))

        result = runner.result()

    assert result == {
        "outcome": "question", "code": "clarification", "detail": {}, "mended": 0,
        "message": "Formal or friendly?\nBoth are in the README.",
    }  # fmt: skip
    assert verdicts(service) == ["question"]
    assert service.of_kind("rejected") == service.of_kind("diff") == []
    assert (tmp_path / "repo/src/greeter.py").read_text() == GREETER
    assert model.violations == []


def test_a_question_beside_a_diff_is_none(tmp_path: Path, runner: Runner) -> None:
    runner.give(raw_job(tmp_path, replies=["QUESTION: Good so?\n\n" + fenced(DIFF)]))

    assert runner.result()["outcome"] == "ready"


def test_a_question_cut_at_the_output_limit_is_none(tmp_path: Path, service: ReportService) -> None:
    cut = Reply(text="QUESTION: Formal or", finish_reason="length")
    with FakeModel([cut]) as model, started(tmp_path, service, **reaching(model)) as runner:
        runner.give(raw_job(tmp_path, provider="openai", repair_rounds=0))

        assert runner.result()["code"] == "patch_malformed"

    assert verdicts(service) == ["truncated"]


def test_a_rest_that_does_not_fit_is_not_joined_and_a_shorter_answer_asked_for(
    tmp_path: Path, service: ReportService
) -> None:
    cut = Reply(text=fenced(DIFF)[:-60], finish_reason="length")
    rest = "     return f'Hello {name}'\n```\n"
    with FakeModel([cut, rest, fenced(DIFF)]) as model, started(tmp_path, service, **reaching(model)) as runner:
        runner.give(raw_job(tmp_path, provider="anthropic", model="claude-sonnet-5-5"))

        assert runner.result()["outcome"] == "ready"

    assert verdicts(service) == ["truncated", "applied"]
    assert "in a shorter answer" in model.completions[2].data["messages"][-1]["content"]
    assert model.violations == []


def test_a_cut_answer_is_gone_on_with(tmp_path: Path, service: ReportService) -> None:
    whole = fenced(DIFF)
    cut = whole.index("f'Hello") + 5
    first, last = whole[:cut], whole[whole.index("--- a/src") :]
    with (
        FakeModel([Reply(text=first, finish_reason="length"), f"```diff\n{last}"]) as model,
        started(tmp_path, service, **reaching(model)) as runner,
    ):
        runner.give(raw_job(tmp_path, provider="anthropic", model="claude-sonnet-5-5", repair_rounds=0))

        assert runner.result()["message"] == "the change is made, in round 1"

    assert (tmp_path / "repo/src/greeter.py").read_text() == AFTER
    assert verdicts(service) == ["applied"]
    assert [reply["finish_reason"] for reply in service.of_kind("reply")] == ["length", "stop"]
    assert first[-20:] in model.completions[1].data["messages"][-1]["content"]
    assert model.violations == []


def test_an_answer_is_gone_on_with_twice_at_most(tmp_path: Path, runner: Runner) -> None:
    whole = fenced(DIFF)
    start = whole.index("```diff")
    cut = [{"text": whole[start : start + end], "finish_reason": "length"} for end in (150, 170, 190)]

    runner.give(raw_job(tmp_path, replies=[*cut, whole], repair_rounds=0))

    assert runner.result()["code"] == "patch_malformed"
    assert (verdicts(runner.service), len(runner.service.of_kind("reply"))) == (["truncated"], 3)


def test_files_that_the_model_needs_are_shown_before_it_answers(tmp_path: Path, service: ReportService) -> None:
    many = {**FILES, **{f"lib/part{i:03}.py": f"x = {i}\n" * 100 for i in range(60)}}
    need = "NEED: lib/part007.py\nNEED: part008.py\n"
    with FakeModel([need, fenced(DIFF)]) as model, started(tmp_path, service, **reaching(model)) as runner:
        runner.give(raw_job(tmp_path, many, provider="openai", context_tokens=3000, repair_rounds=0))

        assert runner.result()["message"] == "the change is made, in round 1"

    first, second = (call.data["messages"] for call in model.completions)
    assert "NEED: PATH" in first[0]["content"]
    assert second[-2]["content"] == need
    assert '<file path="lib/part007.py">\nx = 7\n' in second[-1]["content"]
    assert "part008.py is not in the repository, or is no text. There is lib/part008.py." in second[-1]["content"]
    assert (verdicts(service), service.of_kind("rejected")) == (["applied"], [])


def test_a_file_that_was_not_shown_whole_is_not_taken_whole(tmp_path: Path, runner: Runner) -> None:
    large = "".join(f"def number_{n}():\n    return {n}\n\n\n" for n in range(2_000))
    whole = f"numbers.py\n```python\n{large.replace('return 1234', 'return 0')}```\n"
    diff = fenced(
        "--- a/numbers.py\n+++ b/numbers.py\n@@ ... @@\n def number_1234():\n-    return 1234\n+    return 0\n"
    )
    files = {**FILES, "numbers.py": large}
    prompt = "number_1234 must return 0"

    runner.give(raw_job(tmp_path, files, prompt=prompt, context_tokens=4_000, replies=[whole, diff]))

    assert runner.result()["message"] == "the change is made, in round 2"
    (rejected,) = runner.service.of_kind("rejected")
    assert rejected["reason"].startswith("numbers.py: you were not shown all of it")


def test_requests_for_files_come_to_an_end(tmp_path: Path, runner: Runner) -> None:
    replies = ["NEED: README.md", "NEED: nowhere.py", "NEED: nowhere.py", fenced(DIFF)]

    runner.give(raw_job(tmp_path, replies=replies, repair_rounds=1))

    assert runner.result()["message"] == "the change is made, in round 2"
    assert verdicts(runner.service) == ["patch_malformed", "applied"]
    (rejected,) = runner.service.of_kind("rejected")
    assert "no more files" in rejected["reason"]


def test_who_asked_for_many_files_may_not_ask_again(tmp_path: Path, runner: Runner) -> None:
    replies = ["".join(f"NEED: f{n}.py\n" for n in range(4)), "NEED: README.md", fenced(DIFF)]

    runner.give(raw_job(tmp_path, replies=replies))

    assert runner.result()["outcome"] == "ready"
    assert verdicts(runner.service) == ["patch_malformed", "applied"]


UNPARSABLE = DIFF.replace("return f'Hello {name}'", "return f'Hello {name}'))")
APP = "function greet(name) {\n  return 'Hello ' + name;\n}\n"
APP_DIFF = (
    "--- a/app.js\n+++ b/app.js\n@@ -1,3 +1,3 @@\n function greet(name) {\n-  return 'Hello ' + name;\n"
    "+  return `Hello ${name}`;\n }\n"
)


@pytest.mark.parametrize(
    ("broken", "whole", "where"),
    [
        (UNPARSABLE, DIFF, "src/greeter.py:2:"),
        (APP_DIFF.replace("+  return ", "+  return ("), APP_DIFF, "app.js:2:"),
    ],
    ids=["python", "javascript"],
)
def test_a_new_syntax_error_is_mended(
    tmp_path: Path, service: ReportService, broken: str, whole: str, where: str
) -> None:
    with FakeModel([fenced(broken), fenced(whole)]) as model, started(tmp_path, service, **reaching(model)) as runner:
        runner.give(raw_job(tmp_path, {**FILES, "app.js": APP}, provider="openai", verify=[command("true")]))

        assert runner.result()["message"] == "the change is made, in round 2"

    assert verdicts(service) == ["applied", "applied"]
    repair = model.completions[1].data["messages"][-1]["content"]
    assert where in repair
    assert "not valid any more" in repair


def test_a_syntax_error_that_stays_is_said_and_the_change_handed_over(tmp_path: Path, runner: Runner) -> None:
    runner.give(raw_job(tmp_path, replies=[fenced(UNPARSABLE)] * 2, repair_rounds=1))

    result = runner.result()
    assert (result["outcome"], result["code"]) == ("failed", "syntax")
    assert result["message"].startswith("src/greeter.py:2:")
    assert b"))" in collected(runner)


def test_a_refused_second_answer_leaves_the_syntax_error_of_the_first(tmp_path: Path, runner: Runner) -> None:
    runner.give(raw_job(tmp_path, replies=[fenced(UNPARSABLE), fenced(MISFIT)], repair_rounds=1))

    assert runner.result()["code"] == "syntax"
    assert len(runner.service.of_kind("rejected")) == 1


def test_a_change_that_parses_is_not_given_up_for_one_that_does_not(tmp_path: Path, runner: Runner) -> None:
    replies = [fenced(WRONG), fenced(UNPARSABLE)]

    runner.give(raw_job(tmp_path, replies=replies, verify=[command(HELLO)], repair_rounds=1))

    assert runner.result()["message"].startswith("the change of round 1 is handed over")
    assert b"Hallo" in collected(runner)


def test_a_file_that_did_not_parse_before_demands_no_repair(tmp_path: Path, runner: Runner) -> None:
    files = {**FILES, "src/greeter.py": "def broken(:\n" + GREETER}
    diff = DIFF.replace("@@ -1,5 +1,5 @@\n", "@@ -1,6 +1,6 @@\n def broken(:\n")

    runner.give(raw_job(tmp_path, files, replies=[fenced(diff)]))

    assert runner.result()["message"] == "the change is made, in round 1"


@pytest.mark.parametrize("limit", [8_192, 64_000])
def test_anthropic_gets_its_steps_and_makes_the_change(tmp_path: Path, service: ReportService, limit: int) -> None:
    with FakeModel([fenced(DIFF)]) as model, started(tmp_path, service, **reaching(model)) as runner:
        job = raw_job(tmp_path, provider="anthropic", model="claude-sonnet-5-5", max_output_tokens=limit)
        runner.give(job)

        assert runner.result()["outcome"] == "ready"
        assert "asking anthropic claude-sonnet-5-5" in runner.log()

    (call,) = model.completions
    assert "unified diff" in call.data["system"]
    assert "Work through these steps in order" in call.data["system"]
    assert (call.data["max_tokens"], call.data.get("stream", False)) == (limit, limit > 8_192)
    assert model.violations == []


def test_the_second_model_goes_on_where_the_first_one_failed(tmp_path: Path, service: ReportService) -> None:
    def decide(data: dict[str, Any]) -> Reply:
        if data["model"] == "gpt-4o":
            return server_error()
        return Reply(text=fenced(MISFIT if len(data["messages"]) == 1 else DIFF))

    fallback = {"provider": "anthropic", "model": "claude-sonnet-5-5"}
    with FakeModel(decide) as model, started(tmp_path, service, **reaching(model)) as runner:
        job = raw_job(tmp_path, provider="openai", fallback=fallback, fallback_max_output_tokens=4_000)
        runner.give(job)

        assert runner.result()["message"] == "the change is made, in round 2"
        log = runner.log()

    assert [call.data["model"] for call in model.completions] == ["gpt-4o", *["claude-sonnet-5-5"] * 2]
    assert "openai gpt-4o failed (the model server answered 500" in log
    assert "round 2 · asking anthropic claude-sonnet-5-5" in log


def test_an_earlier_attempt_is_told(tmp_path: Path, service: ReportService) -> None:
    history = [{"kind": "question", "text": "Formal or friendly?"}, {"kind": "answer", "text": "Friendly, please."}]
    with FakeModel([fenced(DIFF)]) as model, started(tmp_path, service, **reaching(model)) as runner:
        runner.give(raw_job(tmp_path, provider="openai", history=history))
        runner.result()

    assert "Formal or friendly?" in model.completions[0].prompt
    assert "Friendly, please." in model.completions[0].prompt
