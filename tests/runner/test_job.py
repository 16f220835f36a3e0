"""The job file is checked before anything is done with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.errors import JobError
from runner.job import Job
from tests.runner.support import raw_job


def test_a_good_job_file_becomes_a_record(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    path.write_text(json.dumps(raw_job(tmp_path, replies=["a", "b"])), encoding="utf-8")

    job = Job.load(path)

    assert (job.replies, job.repo, job.temperature) == (("a", "b"), tmp_path / "repo", 0.0)


def test_temperature_may_be_null(tmp_path: Path) -> None:
    assert Job.from_raw(raw_job(tmp_path, temperature=None)).temperature is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("attempt", 0),
        ("attempt", True),
        ("prompt", " \n"),
        ("base", "--upload-pack=x"),
        ("base_sha", "main"),
        ("repo", "relative/path"),
        ("provider", "oracle"),
        ("replies", [1]),
        ("temperature", "hot"),
        ("call_timeout", 0),
        ("repair_rounds", -1),
        ("max_diff_bytes", None),
    ],
)
def test_a_wrong_value_is_refused_by_its_key(tmp_path: Path, key: str, value: Any) -> None:
    with pytest.raises(JobError, match=f"'{key}'"):
        Job.from_raw(raw_job(tmp_path, **{key: value}))


def test_missing_and_unknown_keys_are_named(tmp_path: Path) -> None:
    raw = raw_job(tmp_path, extra=1)
    del raw["model"]

    with pytest.raises(JobError, match="extra, model"):
        Job.from_raw(raw)


def test_another_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="version 2"):
        Job.from_raw(raw_job(tmp_path, version=2))


@pytest.mark.parametrize("content", ["", "[]", "{", '"x"'])
def test_a_file_that_holds_no_object_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "job.json"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(JobError, match=r"job\.json"):
        Job.load(path)
