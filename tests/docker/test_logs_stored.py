"""What programs write to a container's stdout, as the log of its task; and the benchmark that measures that path."""

from __future__ import annotations

import pytest

from benchmarks.logs import path
from pithy_local.models import Stream
from pithy_local.store.logs import Logs

pytestmark = pytest.mark.docker


def stored(image: str, program: str) -> list[str]:
    """The lines, as an attempt stores them."""
    with path.home() as (store, lease), path.container(image, program) as (engine, container):
        path.carry(engine, container, path.open_log(store, lease))
        lines = Logs(store).page(lease.task.id, limit=100_000)
        assert {line.stream for line in lines} == {Stream.OUT}
        return [line.text for line in lines]


def writing(*data: bytes) -> str:
    return f"import sys\nfor data in {data!r}:\n    sys.stdout.buffer.write(data); sys.stdout.flush()"


def test_long_lines_and_odd_bytes_are_kept_as_lines(sandbox_image: str) -> None:
    border = b"y" * 16_383 + "é".encode() + b"z" * 9
    found = stored(
        sandbox_image,
        writing(
            b"x" * 40_000 + b"\n", b"nul\0\n", b"bad\xff\n", b"1%\r50%\r100%\n", b"\n", border + b"\n", b"no newline"
        ),
    )

    assert [line for line in found if line[:1] != "y"] == [
        "x" * 40_000, "nul", "bad�", "1%\r50%\r100%", "", "no newline"
    ]  # fmt: skip
    [split] = [line for line in found if line[:1] == "y"]
    # json-file breaks the character that lies on its border of 16 KiB; everything around it is whole
    assert split.strip("�") == split
    assert (split.count("y"), split.count("z")) == (16_383, 9)


def test_a_burst_loses_no_line(sandbox_image: str) -> None:
    carried = path.burst(sandbox_image, 20_000)

    assert (carried.lines, carried.wrong, carried.truncated) == (20_000, 0, False)


def test_a_flood_is_cut_at_its_limit_and_the_container_goes_on_to_its_end(sandbox_image: str) -> None:
    carried = path.burst(sandbox_image, 50_000, max_bytes=1_000_000)

    assert carried.truncated
    assert carried.wrong == 0
    assert 7_000 < carried.lines < 8_000


def test_a_paced_log_reaches_its_viewer_whole_and_in_order(sandbox_image: str) -> None:
    figures = path.paced(sandbox_image, 1_000, 300, warm_up=0.5)

    assert (figures.ours.lines, figures.ours.wrong) == (300, 0)
    assert 0 < figures.ours.p50 <= figures.ours.p99
