"""The Docker engine and the sandbox image for tests that need them: shared, built once, and nothing left behind.

A test marked `docker` is skipped with the reason where no engine answers, and fails instead with `--require-docker`
or PITHY_REQUIRE_DOCKER=1 (what CI sets). PITHY_BASE_IMAGE and, for the tests alone, PITHY_TEST_CA_BUNDLE
(`sandbox.ca_bundle`) say how the image is built on this machine.
"""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from pithy_local.config import SandboxSettings
from pithy_local.errors import PithyError
from pithy_local.executors.engine import Engine
from pithy_local.executors.image import Images


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--require-docker", action="store_true", help="fail instead of skip where no engine answers")


def pytest_configure() -> None:
    """What runs in the background of a script ignores Ctrl+C, and so would every command that the tests start.

    No proxy of this machine's user stands before the servers of the tests, which all are on 127.0.0.1; and where a git
    hook runs the tests, its repository is none of theirs.
    """
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        del os.environ[name]
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost,::1"
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The time limit of a docker test counts the test alone: whichever comes first also builds the image."""
    for item in items:
        if item.get_closest_marker("docker") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(180, func_only=True))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tests and seconds per suite: the sum over all workers, set-up and tear-down included."""
    seconds: dict[str, float] = defaultdict(float)
    tests = Counter[str]()
    for report in (report for reports in terminalreporter.stats.values() for report in reports):
        if isinstance(report, pytest.TestReport):
            suite = "/".join(report.nodeid.split("::")[0].split("/")[:2])
            seconds[suite] += report.duration
            tests[suite] += report.when == "call"
    terminalreporter.section("suites")
    for suite, spent in sorted(seconds.items(), key=lambda item: -item[1]):
        terminalreporter.write_line(f"{spent:8.1f} s {tests[suite]:5d} tests  {suite}")


def machine_sandbox() -> SandboxSettings:
    """The sandbox's settings that fit this machine."""
    return SandboxSettings(
        base_image=os.environ.get("PITHY_BASE_IMAGE") or SandboxSettings().base_image,
        ca_bundle=os.environ.get("PITHY_TEST_CA_BUNDLE", ""),
    )


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A connection to the engine, for tests to look at it with."""
    try:
        found = Engine.connect()
    except PithyError as error:
        reason = f"no Docker engine answers: {error.detail.get('message', error.message)}"
        if request.config.getoption("--require-docker") or os.environ.get("PITHY_REQUIRE_DOCKER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with found:
        yield found


@pytest.fixture(scope="session")
def sandbox_settings() -> SandboxSettings:
    return machine_sandbox()


@pytest.fixture(scope="session")
def image_locks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lock directory that all workers of this run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@pytest.fixture(scope="session")
def sandbox_image(engine: Engine, sandbox_settings: SandboxSettings, image_locks: Path) -> str:
    """The id of the product's own sandbox image, built by the product."""
    return Images(engine, sandbox_settings, image_locks).ensure(print)


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """It is about noon here, and where the command line runs: no day ends in the middle of the test."""
    monkeypatch.setenv("TZ", f"NOON{time.gmtime().tm_hour - 12:+d}")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def instance() -> str:
    """What this test's containers are labelled with (`pithy.instance`)."""
    return uuid.uuid4().hex


@pytest.fixture(autouse=True)
def _nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """No docker test leaves a container, volume or network with its label behind."""
    if not request.node.get_closest_marker("docker"):
        yield
        return
    engine: Engine = request.getfixturevalue("engine")
    label = {"label": f"pithy.instance={request.getfixturevalue('instance')}"}
    yield
    left = [entry["Names"] for entry in engine.api.containers(all=True, filters=label)]
    left += [entry["Name"] for entry in engine.api.volumes(filters=label)["Volumes"] or ()]
    left += [entry["Name"] for entry in engine.api.networks(filters=label)]
    assert not left
