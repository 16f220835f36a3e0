"""The host's own evidence: what is run where, what is believed from before, and what is held against a change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pithy_local.errors import Cancelled, PithyError
from pithy_local.executors.base import VerifyJob, VerifyRun
from pithy_local.lifecycle import source
from pithy_local.lifecycle.host import Host
from pithy_local.lifecycle.source import Source
from pithy_local.lifecycle.verification import MAX_OUTPUT, Verification
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.models import Verified
from pithy_local.store.tasks import Tasks
from tests.lifecycle.bench import SECRET, StandIn, hosted, log_of, queue

Ends = dict[str, int | None]
"""Exit code by command; None: not run."""


@pytest.fixture
def host(bench: Workbench, repo: Path) -> Iterator[Host]:
    with hosted(bench, queue(bench, repo, verify=("lint", "test"))) as made:
        yield made


@pytest.fixture
def src(bench: Workbench, host: Host) -> Source:
    return source.prepare(bench, host, None)


def ending(base: Ends, change: Ends | None = None, output: str = "") -> object:
    """A judge whose commands end like that; what takes too long ends its sandbox, as executors do."""

    def judge(job: VerifyJob) -> list[VerifyRun]:
        ends = base if job.role == "vbase" else change or {}
        runs: list[VerifyRun] = []
        over = False
        for command in job.commands:
            code = None if over else ends[command]
            over = over or code == 124
            runs.append(VerifyRun(command=command, exit_code=code, seconds=0.5, output=output))
        return runs

    return judge


def exits(verified: tuple[Verified, ...]) -> list[tuple[str, int | None, int | None]]:
    return [(each.command, each.base_exit, each.patch_exit) for each in verified]


def verify(bench: Workbench, host: Host, src: Source) -> tuple[Verified, ...]:
    """On the base, then on "the change", which is the same commit here; the evidence that is stored."""
    verification = Verification(bench, host, src)
    verification.on_change(src.base_sha, verification.on_base())
    return Tasks(bench.store).get(host.lease.task.id).verify


def test_commands_run_on_the_base_and_on_the_change_in_sandboxes_of_their_own(
    bench: Workbench, executor: StandIn, host: Host, src: Source
) -> None:
    verified = verify(bench, host, src)

    assert exits(verified) == [("lint", 0, 0), ("test", 0, 0)]
    assert [(job.role, job.commands, job.sha) for job in executor.verified] == [
        ("vbase", ("lint", "test"), src.base_sha), ("vpatch", ("lint", "test"), src.base_sha),
    ]  # fmt: skip
    assert list(bench.home.scratch.iterdir()) == []
    host.log.close()
    assert "verify: `lint` passes on the change" in log_of(bench, host.lease.task.id)


def test_the_base_is_verified_once_for_each_commit_and_command(
    bench: Workbench, executor: StandIn, host: Host, src: Source
) -> None:
    executor.judge = ending({"lint": 3, "test": 0}, {"lint": 3, "test": 0}, output="said before")  # type: ignore[assignment]
    verify(bench, host, src)
    executor.verified.clear()

    verified = Verification(bench, host, src).on_base()

    assert executor.verified == []
    assert [(each.base_exit, each.base_output) for each in verified] == [(3, "said before"), (0, "said before")]
    host.log.close()
    assert any("(known from before)" in line for line in log_of(bench, host.lease.task.id))


def test_what_broke_is_held_against_the_change_with_its_output(
    bench: Workbench, executor: StandIn, host: Host, src: Source
) -> None:
    executor.judge = ending({"lint": 2, "test": 0}, {"lint": 2, "test": 1}, output="assert 1 == 2")  # type: ignore[assignment]

    with pytest.raises(PithyError) as caught:
        verify(bench, host, src)

    assert (caught.value.code.word, caught.value.message) == (
        "verify_failed", "`test` fails (exit 1) on the change and passed on the base",
    )  # fmt: skip
    [detail] = caught.value.detail["verify"]
    assert (detail["command"], detail["output"]) == ("test", "assert 1 == 2")
    assert exits(Tasks(bench.store).get(host.lease.task.id).verify) == [("lint", 2, 2), ("test", 0, 1)]


def test_a_command_that_takes_too_long_keeps_no_other_from_being_run(
    bench: Workbench, executor: StandIn, host: Host, src: Source
) -> None:
    """Else a command that hangs on the base lets every break of a later one through."""
    executor.judge = ending({"lint": 124, "test": 0}, {"lint": 124, "test": 1})  # type: ignore[assignment]

    with pytest.raises(PithyError, match="`test` fails"):
        verify(bench, host, src)

    stored = Tasks(bench.store).get(host.lease.task.id).verify
    assert exits(stored) == [("lint", 124, 124), ("test", 0, 1)]
    assert [job.commands for job in executor.verified if job.role == "vbase"] == [("lint", "test"), ("test",)]


def test_a_sandbox_in_which_nothing_can_be_run_is_not_made_for_ever(
    bench: Workbench, executor: StandIn, host: Host, src: Source
) -> None:
    executor.judge = ending({"lint": None, "test": None}, {"lint": 0, "test": 0})  # type: ignore[assignment]

    assert exits(verify(bench, host, src)) == [("lint", None, 0), ("test", None, 0)]
    assert [job.role for job in executor.verified] == ["vbase", "vpatch"]


@pytest.mark.parametrize("code", [124, 137, None])
def test_what_is_no_property_of_the_commit_is_not_remembered(
    bench: Workbench, executor: StandIn, host: Host, src: Source, code: int | None
) -> None:
    executor.judge = ending({"lint": 0, "test": code})  # type: ignore[assignment]
    Verification(bench, host, src).on_base()
    executor.verified.clear()
    executor.judge = ending({"test": 0})  # type: ignore[assignment]

    again = Verification(bench, host, src).on_base()

    assert [job.commands for job in executor.verified] == [("test",)]
    assert exits(again) == [("lint", 0, None), ("test", 0, None)]


def test_a_verification_that_was_cut_off_is_not_remembered(
    bench: Workbench, executor: StandIn, host: Host, src: Source
) -> None:
    def cut_off(job: VerifyJob) -> list[VerifyRun]:
        raise Cancelled(job.task)

    executor.judge = cut_off

    with pytest.raises(Cancelled):
        Verification(bench, host, src).on_base()

    assert bench.store.queue.rows("SELECT * FROM verify_base") == []
    assert list(bench.home.scratch.iterdir()) == []


def test_output_is_kept_without_secrets_and_controls_and_in_bounds(
    bench: Workbench, executor: StandIn, host: Host, src: Source
) -> None:
    output = "x" * 50_000 + f"\x1b]0;title\x07\nkey {SECRET}\r\n\u202eend"
    executor.judge = ending({"lint": 0, "test": 1}, {"lint": 1, "test": 1}, output=output)  # type: ignore[assignment]

    with pytest.raises(PithyError) as caught:
        verify(bench, host, src)

    kept = Tasks(bench.store).get(host.lease.task.id).verify[0]
    for text in (kept.base_output, kept.patch_output, str(caught.value.detail)):
        assert SECRET not in text
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert len(text) <= MAX_OUTPUT
    assert kept.patch_output.endswith("key ***\n<U+202E>end")


def test_the_same_command_twice_is_run_once(bench: Workbench, executor: StandIn, repo: Path) -> None:
    with hosted(bench, queue(bench, repo, verify=("test", "test"))) as host:
        verified = verify(bench, host, source.prepare(bench, host, None))

    assert exits(verified) == [("test", 0, 0)]


def test_without_commands_there_is_no_sandbox_and_no_evidence(bench: Workbench, executor: StandIn, repo: Path) -> None:
    with hosted(bench, queue(bench, repo)) as host:
        assert verify(bench, host, source.prepare(bench, host, None)) == ()

    assert executor.verified == []
