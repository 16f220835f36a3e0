"""The whole runner as the sandbox starts it: a process that waits for its job, reports, and stays."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.model import FakeModel
from tests.fakes.model_replies import Reply, hang, unauthorized
from tests.runner.process import Runner, reaching, started
from tests.runner.support import AFTER, DIFF, FILES, GREETER, MISFIT, ReportService, fenced, raw_job
from tests.support import wait_until


def test_a_good_answer_becomes_a_diff_and_a_changed_tree(tmp_path: Path, runner: Runner) -> None:
    runner.give(raw_job(tmp_path, replies=[fenced(DIFF)]))

    result = runner.result()

    assert result == {
        "outcome": "ready", "code": None, "message": "the change is made, in round 1", "detail": {}, "mended": 0,
    }  # fmt: skip
    assert runner.service.kinds() == ["step", "step", "step", "reply", "step", "step", "answer", "diff", "result"]
    steps = [(step["name"], step["round"]) for step in runner.service.of_kind("step")]
    assert steps == [("clone", 0), ("survey", 0), ("ask", 1), ("apply", 1), ("diff", 1)]
    assert b"+    return f'Hello {name}'" in runner.service.of_kind("diff")[0]
    assert (tmp_path / "repo/src/greeter.py").read_text() == AFTER


def test_the_runner_stays_until_it_is_told_to_end(tmp_path: Path, runner: Runner) -> None:
    runner.give(raw_job(tmp_path, replies=[fenced(DIFF)]))
    runner.result()
    assert runner.process.poll() is None

    runner.process.send_signal(signal.SIGTERM)

    assert runner.process.wait(60) == 128 + signal.SIGTERM


def test_it_waits_quietly_for_its_job(runner: Runner) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        runner.process.wait(0.5)

    assert runner.log() == ""
    assert runner.service.requests == 0


def test_a_refused_answer_is_reported_and_mended(tmp_path: Path, runner: Runner) -> None:
    runner.give(raw_job(tmp_path, replies=[fenced(MISFIT), fenced(DIFF)]))

    assert runner.result()["outcome"] == "ready"
    (rejected,) = runner.service.of_kind("rejected")
    assert (rejected["round"], rejected["code"], rejected["patch"]) == (1, "patch_rejected", fenced(MISFIT))
    assert "deleted_not_found" in rejected["reason"]
    verdicts = [(answer["round"], answer["verdict"]) for answer in runner.service.of_kind("answer")]
    assert verdicts == [(1, "patch_rejected"), (2, "applied")]


def test_an_answer_that_is_never_a_diff_fails_after_the_repair_rounds(tmp_path: Path, runner: Runner) -> None:
    runner.give(raw_job(tmp_path, replies=["I would rather not.", "Still no.", fenced(DIFF)], repair_rounds=1))

    result = runner.result()

    assert (result["outcome"], result["code"]) == ("failed", "patch_malformed")
    assert [event["round"] for event in runner.service.of_kind("rejected")] == [1, 2]
    assert runner.service.of_kind("diff") == []


def test_an_answer_that_never_fits_is_rejected_and_leaves_the_tree_alone(tmp_path: Path, runner: Runner) -> None:
    runner.give(raw_job(tmp_path, replies=[fenced(MISFIT)], repair_rounds=0))

    result = runner.result()

    assert (result["outcome"], result["code"]) == ("failed", "patch_rejected")
    assert (tmp_path / "repo/src/greeter.py").read_text() == GREETER


def test_an_answer_that_changes_nothing_is_empty(tmp_path: Path, runner: Runner) -> None:
    same = DIFF.replace("f'Hello {name}'", "'Hello ' + name")

    runner.give(raw_job(tmp_path, replies=[fenced(same)]))

    assert runner.result()["code"] == "patch_empty"
    assert runner.service.of_kind("answer") == [{"round": 1, "verdict": "empty"}]


def test_a_file_that_git_ignores_is_left_out_and_said_so(tmp_path: Path, runner: Runner) -> None:
    ignored = "--- /dev/null\n+++ b/build/out.txt\n@@ -0,0 +1 @@\n+x\n"

    runner.give(raw_job(tmp_path, {**FILES, ".gitignore": "build/\n"}, replies=[fenced(DIFF + ignored)]))

    assert runner.result()["outcome"] == "ready"
    assert b"build/out.txt" not in runner.service.of_kind("diff")[0]
    assert "ignored by git or as before: build/out.txt" in runner.log()


def test_an_empty_repository_cannot_be_analysed(tmp_path: Path, runner: Runner) -> None:
    runner.give(raw_job(tmp_path, {"logo.png": b"\x89PNG"}, replies=[fenced(DIFF)]))

    result = runner.result()
    assert (result["outcome"], result["code"]) == ("failed", "repo_analysis")
    assert "--base" in result["detail"]["hint"]


def test_a_script_that_runs_out_is_the_agents_failure(tmp_path: Path, runner: Runner) -> None:
    runner.give(raw_job(tmp_path, replies=["no"]))

    assert runner.result()["code"] == "agent_failed"


@pytest.mark.parametrize("job", [{"version": 2}, {"version": 1}, []])
def test_a_job_it_cannot_read_is_an_internal_error(runner: Runner, job: Any) -> None:
    runner.give(job)

    assert (runner.result()["outcome"], runner.result()["code"]) == ("failed", "internal")


def test_an_unexpected_exception_is_reported_with_its_type(tmp_path: Path, runner: Runner) -> None:
    job = raw_job(tmp_path, replies=[fenced(DIFF)])
    (tmp_path / "file").touch()

    runner.give({**job, "repo": str(tmp_path / "file/repo")})

    result = runner.result()
    assert result["code"] == "internal"
    assert "FileExistsError" in result["message"]
    assert "Traceback" in runner.log()


def test_lost_answers_of_the_host_do_not_disturb(tmp_path: Path) -> None:
    with ReportService(losing=3, failing=1) as service, started(tmp_path, service) as runner:
        runner.give(raw_job(tmp_path, replies=[fenced(DIFF)]))

        assert runner.result()["outcome"] == "ready"
        assert [report.n for report in service.taken] == list(range(1, 10))


def test_a_host_that_refuses_is_told_nothing_more(tmp_path: Path) -> None:
    with ReportService(token="another") as service, started(tmp_path, service) as runner:
        runner.give(raw_job(tmp_path, replies=[fenced(DIFF)]))

        wait_until(lambda: "the host refused a report: HTTP 401" in runner.log(), 30, "the complaint")
        assert runner.process.poll() is None


def test_without_its_environment_it_does_not_start(tmp_path: Path, service: ReportService) -> None:
    with started(tmp_path, service, PITHY_HOST_URL="nowhere") as runner:
        assert runner.process.wait(60) == 1
        assert "the environment is incomplete" in runner.log()


def test_a_model_sees_the_files_the_rules_and_its_own_mistake(tmp_path: Path, service: ReportService) -> None:
    answers = [Reply(text=fenced(MISFIT), prompt_tokens=900), Reply(text=fenced(DIFF))]
    files = {**FILES, "AGENTS.md": "Prefer f-strings.\n"}
    with FakeModel(answers) as model, started(tmp_path, service, **reaching(model)) as runner:
        runner.give(raw_job(tmp_path, files, provider="openai"))

        assert runner.result()["outcome"] == "ready"
        log = runner.log()

    first, second = (call.data["messages"] for call in model.completions)
    assert [message["role"] for message in first] == ["system", "user"]
    assert "unified diff" in first[0]["content"]
    for text in (GREETER, "Prefer f-strings.", "Use an f-string", "greet() in src/greeter.py should use an f-string."):
        assert text in first[1]["content"]
    assert [message["role"] for message in second] == ["system", "user", "assistant", "user"]
    assert "deleted_not_found" in second[3]["content"]
    assert "agent · round 1 · asking openai gpt-4o" in log
    assert "900 tokens in" in log
    assert "Goodbye" not in log
    assert "sk-test-key" not in log


def test_a_repair_shows_the_files_that_were_meant(tmp_path: Path, service: ReportService) -> None:
    files = {**FILES, **{f"lib/part{i:03}.py": f"x = {i}\n" * 100 for i in range(60)}}
    blind = "--- a/lib/part007.py\n+++ b/lib/part007.py\n@@ -1 +1 @@\n-guess\n+x = 8\n"
    with FakeModel([fenced(blind), fenced(DIFF)]) as model, started(tmp_path, service, **reaching(model)) as runner:
        runner.give(raw_job(tmp_path, files, provider="openai", context_tokens=3000))
        runner.result()

    first, second = (call.data["messages"] for call in model.completions)
    assert "x = 7\n" not in first[1]["content"]
    assert '<file path="lib/part007.py">\nx = 7\n' in second[3]["content"]


def test_an_answer_cut_at_the_output_limit_is_not_applied(tmp_path: Path, service: ReportService) -> None:
    cut = Reply(text=fenced(DIFF)[:-40], finish_reason="length")
    with FakeModel([cut, "no"]) as model, started(tmp_path, service, **reaching(model)) as runner:
        runner.give(raw_job(tmp_path, provider="openai", repair_rounds=0))

        assert runner.result()["code"] == "patch_malformed"
        assert (tmp_path / "repo/src/greeter.py").read_text() == GREETER


def test_it_ends_at_once_while_a_model_is_thinking(tmp_path: Path, service: ReportService) -> None:
    reply = hang()
    assert reply.gate is not None
    with FakeModel([reply]) as model, started(tmp_path, service, **reaching(model)) as runner:
        runner.give(raw_job(tmp_path, provider="openai"))
        assert reply.gate.reached.wait(60)

        runner.process.terminate()

        assert runner.process.wait(60) == 128 + signal.SIGTERM


def test_a_key_the_model_server_refuses_ends_the_job(tmp_path: Path, service: ReportService) -> None:
    with FakeModel([unauthorized()]) as model, started(tmp_path, service, **reaching(model)) as runner:
        runner.give(raw_job(tmp_path, provider="openai"))

        result = runner.result()

    assert (result["outcome"], result["code"]) == ("failed", "llm_auth")
    assert result["detail"]["http_status"] == 401
