"""The job file is checked before anything is done with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.errors import JobError
from runner.job import Command, Finding, Job, Model, Past, Scripted
from tests.runner.support import raw_job


def test_a_good_job_file_becomes_a_record(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    path.write_text(json.dumps(raw_job(tmp_path, replies=["a", "b"])), encoding="utf-8")

    job = Job.load(path)

    assert [reply.text for reply in job.replies] == ["a", "b"]
    assert job.replies[0] == Scripted(text="a", finish_reason="stop")
    assert (job.repo, job.temperature) == (tmp_path / "repo", 0.0)


def test_temperature_may_be_null(tmp_path: Path) -> None:
    assert Job.from_raw(raw_job(tmp_path, temperature=None)).temperature is None


def test_every_part_becomes_a_record_of_its_own(tmp_path: Path) -> None:
    job = Job.from_raw(
        raw_job(
            tmp_path,
            provider="openai",
            fallback={"provider": "anthropic", "model": "claude-sonnet-5-5"},
            fallback_max_output_tokens=64000,
            reasoning="low",
            verify=[{"command": "pytest -q", "base_exit": None, "base_output": ""}],
            history=[{"kind": "question", "text": "Which?"}, {"kind": "answer", "text": "That."}],
            findings=[{"path": "a.py", "line": 3, "severity": "major", "text": "leaks", "source": "coderabbit"}],
        )
    )

    assert job.model == Model(provider="openai", model="gpt-4o", max_output_tokens=8192)
    assert job.fallback == Model(provider="anthropic", model="claude-sonnet-5-5", max_output_tokens=64000)
    assert job.reasoning == "low"
    assert job.verify == (Command(command="pytest -q", base_exit=None, base_output=""),)
    assert job.history == (Past(kind="question", text="Which?"), Past(kind="answer", text="That."))
    assert job.findings == (Finding(path="a.py", line=3, severity="major", text="leaks", source="coderabbit"),)


@pytest.mark.parametrize("limit", [None, 0])
def test_without_a_fallback_its_limit_says_nothing(tmp_path: Path, limit: int | None) -> None:
    job = Job.from_raw(raw_job(tmp_path, fallback=None, fallback_max_output_tokens=limit))

    assert (job.fallback, job.reasoning) == (None, None)


OTHER = {"provider": "anthropic", "model": "claude-sonnet-5-5"}
CHECK = {"command": "pytest -q", "base_exit": 0, "base_output": ""}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("fallback", {**OTHER, "provider": "scripted"}),
        ("fallback", {**OTHER, "model": ""}),
        ("fallback", {**OTHER, "extra": 1}),
        ("fallback", "anthropic:claude-sonnet-5-5"),
        ("fallback_max_output_tokens", -1),
        ("reasoning", "utmost"),
        ("verify", CHECK),
        ("verify", [CHECK, {**CHECK, "command": " "}]),
        ("verify", [{**CHECK, "base_exit": "0"}]),
        ("verify", [{"command": "pytest -q"}]),
        ("verify_timeout", 0),
        ("verify_timeout", float("nan")),
        ("call_timeout", float("inf")),
        ("history", [{"kind": "rumour", "text": "x"}]),
        ("history", [["answer", "x"]]),
        ("findings", [{"path": "a.py"}]),
        ("attempt", 0),
        ("attempt", True),
        ("prompt", " \n"),
        ("base", "--upload-pack=x"),
        ("base_sha", "main"),
        ("repo", "relative/path"),
        ("provider", "oracle"),
        ("replies", [1]),
        ("replies", [{"text": "x"}]),
        ("replies", [{"text": "x", "finish_reason": None}]),
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


def test_a_complaint_names_the_key_all_the_way_down(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="job key 'verify': 'base_exit': not a whole number"):
        Job.from_raw(raw_job(tmp_path, verify=[{**CHECK, "base_exit": True}]))


@pytest.mark.parametrize("limit", [None, 0])
def test_a_fallback_needs_its_limit(tmp_path: Path, limit: int | None) -> None:
    with pytest.raises(JobError, match="'fallback_max_output_tokens'"):
        Job.from_raw(raw_job(tmp_path, fallback=OTHER, fallback_max_output_tokens=limit))


@pytest.mark.parametrize("version", [2, 4, "3", None])
def test_another_version_is_refused(tmp_path: Path, version: object) -> None:
    with pytest.raises(JobError, match="this runner understands 3"):
        Job.from_raw(raw_job(tmp_path, version=version))


@pytest.mark.parametrize("content", ["", "[]", "{", '"x"'])
def test_a_file_that_holds_no_object_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "job.json"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(JobError, match=r"job\.json"):
        Job.load(path)
