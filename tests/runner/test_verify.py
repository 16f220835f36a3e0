"""What passed on the base must pass still; what failed there is told and demands nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner import verify, workspace
from runner.errors import VerifyFailed
from runner.job import Job
from runner.narrate import Narrator
from runner.wire import Host
from tests.runner.support import ReportService, make_job


def command(words: str, base_exit: int | None = 0) -> dict[str, Any]:
    return {"command": words, "base_exit": base_exit, "base_output": ""}


def unpacked(tmp_path: Path, *commands: dict[str, Any], **spec: Any) -> Job:
    job = make_job(tmp_path, verify=list(commands), **spec)
    workspace.unpack(job)
    return job


def check(job: Job, service: ReportService) -> None:
    verify.check(job, 1, Narrator(Host(service.base, "sandbox")))


def failed(job: Job, service: ReportService) -> VerifyFailed:
    with pytest.raises(VerifyFailed) as raised:
        check(job, service)
    return raised.value


def test_commands_that_pass_are_no_problem(
    tmp_path: Path, service: ReportService, capfd: pytest.CaptureFixture[str]
) -> None:
    check(unpacked(tmp_path, command("echo fine; ls src"), command("exit 3", base_exit=3)), service)

    log = capfd.readouterr().out
    assert "round 1 · $ echo fine; ls src\nfine\ngreeter.py\n" in log
    assert "exit code 0 after 0.0 s (on the base: exit code 0)" in log
    assert "exit code 3 after 0.0 s (on the base: exit code 3)" in log
    assert [step["name"] for step in service.of_kind("step")] == ["verify", "verify"]


def test_what_broke_is_told_with_the_end_of_its_output(tmp_path: Path, service: ReportService) -> None:
    noisy = "yes line | head -n 20000; printf '\\033[31mtests/test_greeter.py:3: AssertionError\\033[0m\\r\\n'; exit 1"

    error = failed(unpacked(tmp_path, command(noisy), command("exit 2", base_exit=1), command("true")), service)

    assert error.message.startswith(f"$ {noisy}\npassed on the base and now failed with exit code 1.")
    assert "\ntests/test_greeter.py:3: AssertionError\n\n" in error.message
    assert error.message.endswith("(not yours to mend unless the task says so):\n$ exit 2")
    assert len(error.message) < 9_000
    assert "tests/test_greeter.py" in error.paths


def test_paths_inside_the_work_tree_are_found_by_their_whole_name(tmp_path: Path, service: ReportService) -> None:
    assert "src/greeter.py" in failed(unpacked(tmp_path, command("ls $PWD/src/greeter.py; exit 1")), service).paths


def test_every_command_that_broke_is_told(tmp_path: Path, service: ReportService) -> None:
    error = failed(unpacked(tmp_path, command("echo a; exit 1"), command("exit 5")), service)

    assert "$ echo a; exit 1\n" in error.message
    assert (
        "$ exit 5\npassed on the base and now failed with exit code 5. The end of its output:\n\n(it wrote nothing)"
        in (error.message)
    )


def test_a_command_over_its_time_is_broken(tmp_path: Path, service: ReportService) -> None:
    error = failed(unpacked(tmp_path, command("echo begun; sleep 600"), verify_timeout=1.0), service)

    assert "took longer than 1 s and was ended" in error.message


@pytest.mark.parametrize("base_exit", [None, 124])
def test_what_never_ended_on_the_base_is_not_run(tmp_path: Path, service: ReportService, base_exit: int | None) -> None:
    job = unpacked(tmp_path, command("touch ran; exit 1", base_exit=base_exit))

    check(job, service)

    assert not (job.repo / "ran").exists()
