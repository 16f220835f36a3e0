"""A host that dies while it hands the job over leaves no half of it: the runner starts with the whole, or waits."""

from __future__ import annotations

import subprocess
from pathlib import Path

from pithy_local.executors.agent_session import HAND_OVER
from pithy_local.executors.container import JOB_FILE


def _hand_over(job: Path, sent: bytes, size: int) -> None:
    script = HAND_OVER.replace(JOB_FILE, str(job))
    subprocess.run(["sh", "-c", script, "sh", str(size)], input=sent, timeout=60, check=False)


def test_a_job_that_did_not_arrive_whole_is_no_job(tmp_path: Path) -> None:
    job = tmp_path / "job.json"

    _hand_over(job, b"x" * 40, 100)
    assert not job.exists()

    _hand_over(job, b"x" * 100, 100)
    assert job.read_bytes() == b"x" * 100
