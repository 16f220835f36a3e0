"""What the board promises whatever lies behind it."""

from __future__ import annotations

import ast
import errno
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import pithy_local.tui
from pithy_local.config import SandboxSettings, Secrets, Settings
from pithy_local.config.settings import ExecutorName, Network
from pithy_local.doctor import Check
from pithy_local.errors import ErrorCode, PithyError, Refused
from pithy_local.service import App
from pithy_local.tui.board import Board
from pithy_local.tui.records import Engine
from pithy_local.tui.worker import configured
from tests.tui.seeding import Seed

CANARY = "sk-canary-5f2b7c1d9e8a4630"


def test_what_goes_wrong_in_a_thread_can_be_told(seed: Seed) -> None:
    board = Board(replace(seed.app, secrets=Secrets(openai_api_key=CANARY)), worker=False)
    refused = Refused("not now", hint="later")
    for error, code, words in (
        (refused, refused.code, "not now"),
        (OSError(errno.ENOSPC, "No space left on device", "/home/x"), ErrorCode.DISK_FULL, "no space left for /home/x"),
        (RuntimeError(f"a bug near {CANARY}"), ErrorCode.INTERNAL, "RuntimeError: a bug near ***"),
    ):
        with pytest.raises(PithyError) as caught, board.in_words():
            raise error
        assert (caught.value.code, caught.value.message) == (code, words)
        assert " ID" not in caught.value.hint


@pytest.mark.parametrize("error", [PithyError(ErrorCode.STORE, "gone"), PermissionError(errno.EACCES, "gone")])
def test_a_doctor_who_fails_is_a_finding_too(seed: Seed, error: Exception) -> None:
    def checks(app: App) -> Iterator[Check]:
        yield Check(name="one", ok=True, message="well")
        raise error

    board = Board(seed.app, worker=False, checks=checks)
    board.start(print)
    well, last = board.checks()
    assert (well.name, last.name, last.ok) == ("one", "doctor", False)
    assert "gone" in last.message


@pytest.mark.parametrize(
    ("executor", "network", "engine"),
    [
        ("docker", "sealed", Engine(label="docker (sealed)", sealed=True)),
        ("docker", "open", Engine(label="docker (open network)", sealed=False)),
        ("local", "sealed", Engine(label="local UNISOLATED", sealed=False)),
        ("local", "open", Engine(label="local UNISOLATED", sealed=False)),
    ],
)
def test_only_a_container_without_a_network_is_called_sealed(
    executor: ExecutorName, network: Network, engine: Engine
) -> None:
    assert configured(Settings(executor=executor, sandbox=SandboxSettings(network=network))) == engine


def test_only_the_board_and_its_parts_call_the_service() -> None:
    folder = Path(pithy_local.tui.__file__).parent
    calls = {
        file.stem
        for file in folder.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("service.")
    }
    assert calls == {"board", "worker", "replaying"}
