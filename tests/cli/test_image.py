"""`image build`, `ls` and `prune`."""

from __future__ import annotations

import pytest

from pithy_local.cli.command import State
from pithy_local.config import SandboxSettings
from pithy_local.errors import UsageError
from tests.cli.support import Cli


@pytest.mark.parametrize("verb", ["build", "ls", "prune"])
def test_without_an_engine_each_is_exit_3(cli: Cli, verb: str) -> None:
    done = cli("image", verb, "--json")
    assert (done.code, done.out, done.error["code"]) == (3, "", "docker_unreachable")


def test_what_removes_asks_for_yes_where_nobody_can_be_asked() -> None:
    with pytest.raises(UsageError, match="--yes"):
        State(no_input=True).confirm("Remove 3 sandbox images", yes=False)


def test_yes_asks_nobody() -> None:
    State(no_input=True).confirm("Remove 3 sandbox images", yes=True)


@pytest.mark.docker
def test_the_built_image_is_listed_as_the_current_one(
    cli: Cli, sandbox_settings: SandboxSettings, sandbox_image: str
) -> None:
    cli.use_engine(sandbox_settings)
    built = cli("image", "build").out.strip()
    (current,) = [entry for entry in cli("image", "ls", "--json").json() if entry["current"]]
    assert built in (current["tag"], current["id"])
    assert current["id"] == sandbox_image
    assert f"{current['tag']}\t{sandbox_image}\t" in cli("image", "ls").out
