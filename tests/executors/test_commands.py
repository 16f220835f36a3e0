"""The order of verify commands and what their endings mean, in a sandbox that does as the test says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors.base import VerifyRun
from pithy_local.executors.commands import OUTPUT_BYTES, Take, check_out, run_all
from pithy_local.models import Stream
from tests.executors.local_host import RecordingHost
from tests.executors.verify_jobs import make_verify_job

OUT_OF_MEMORY = PithyError(ErrorCode.OOM, "the sandbox used all of its memory (256 MiB)")


class ScriptedPlace:
    """Each program ends as the next item says: with an exit code, at its time limit (None), or by an error."""

    def __init__(self, *endings: int | PithyError | None, output: Sequence[bytes] = (), clears: bool = True) -> None:
        self._endings, self._output, self._clears = list(endings), output, clears
        self.cleared = 0

    def run(self, argv: Sequence[str], *, seconds: float, take: Take) -> int | None:
        for portion in self._output:
            take(portion)
        ending = self._endings.pop(0)
        if isinstance(ending, PithyError):
            raise ending
        return ending

    def clear(self) -> bool:
        self.cleared += 1
        return self._clears


@pytest.fixture
def host() -> RecordingHost:
    return RecordingHost()


def ran(place: ScriptedPlace, folder: Path, host: RecordingHost) -> list[VerifyRun]:
    return run_all(make_verify_job(folder, "one", "two", "three", role="vbase"), host, place)


def test_each_command_has_its_own_exit_code(tmp_path: Path, host: RecordingHost) -> None:
    place = ScriptedPlace(0, 1, 2)

    assert [(run.command, run.exit_code) for run in ran(place, tmp_path, host)] == [
        ("one", 0),
        ("two", 1),
        ("three", 2),
    ]
    assert place.cleared == 2  # between them
    assert host.said[0] == "verify (on the base): $ one"


@pytest.mark.parametrize(
    ("ending", "code", "words"),
    [(None, 124, "longer than 30 s"), (OUT_OF_MEMORY, 137, "used all of its memory")],
)
def test_what_ends_the_sandbox_leaves_the_rest_without_a_result(
    tmp_path: Path, host: RecordingHost, ending: PithyError | None, code: int, words: str
) -> None:
    place = ScriptedPlace(0, ending)

    assert [run.exit_code for run in ran(place, tmp_path, host)] == [0, code, None]
    assert words in "\n".join(host.said)
    assert host.said[-1] == "not run: $ three"


def test_a_sandbox_that_cannot_be_cleared_runs_nothing_more(tmp_path: Path, host: RecordingHost) -> None:
    place = ScriptedPlace(0, clears=False)

    assert [run.exit_code for run in ran(place, tmp_path, host)] == [0, None, None]
    assert place.cleared == 1


def test_any_other_error_is_the_rounds_own(tmp_path: Path, host: RecordingHost) -> None:
    with pytest.raises(PithyError) as caught:
        ran(ScriptedPlace(0, PithyError(ErrorCode.CONTAINER_LOST, "gone")), tmp_path, host)
    assert caught.value.code is ErrorCode.CONTAINER_LOST


def test_the_log_gets_all_of_the_output_and_the_result_its_end(tmp_path: Path, host: RecordingHost) -> None:
    portions = [b"a" * OUTPUT_BYTES, b"b" * (OUTPUT_BYTES - 2), b"\xff"]
    one, *_ = ran(ScriptedPlace(0, 0, 0, output=portions), tmp_path, host)

    assert one.output == "a" + "b" * (OUTPUT_BYTES - 2) + "\ufffd"
    assert host.written[Stream.OUT] == (b"".join(portions) + b"\n") * 3


def test_a_checkout_onto_a_full_disk_is_told_apart(tmp_path: Path) -> None:
    said = b"fatal: cannot write: No space left on device\n"
    for output, code in ([said], ErrorCode.DISK_FULL), ([b"fatal: bad object\n"], ErrorCode.INTERNAL):
        with pytest.raises(PithyError) as caught:
            check_out(make_verify_job(tmp_path / code.word), ScriptedPlace(128, output=output))
        assert caught.value.code is code
        assert caught.value.detail["message"] == output[0].decode().strip()
