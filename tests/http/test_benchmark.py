"""A small run of benchmarks/http: its figures are there, and its own checks hold."""

from __future__ import annotations

import pytest

from benchmarks.http.__main__ import main


def test_a_small_run_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    small = {"clients": 5, "reconnects": 5, "followed": 200, "tasks": 50, "lines": 500, "times": 3, "webhooks": 3}

    assert main(["--no-docker", *(f"--{name}={number}" for name, number in small.items())]) == 0

    said = capsys.readouterr().out
    assert "5 reconnects: 200 lines" in said
    assert "5 clients: 200 lines each" in said
    for answers in ("200: 3", "401: 3", "401: 1, 429: 2"):
        assert answers in said
