"""A token that expires, a forge that is down: what was done is kept, and delivered for no tokens later."""

from __future__ import annotations

import pytest

from tests.e2e.world import FIX, TOKEN, World
from tests.fakes.git_http import PUSH
from tests.fakes.model_replies import Reply

NEW_TOKEN = "ghp_canaryZ9y8X7w6V5u4T3s2R1q0"


def delivered_again(world: World, task: str, *, env: dict[str, str] | None = None) -> None:
    """`retry` delivers what there is: the model is not asked, no sandbox is made."""
    failed = world.show(task)
    assert failed["patch"] is not None
    assert f"`pithy-local retry {task}` delivers" in failed["error"]["hint"]
    assert world.run("retry", task, env=env).code == 0
    assert world.run("run", "--until-idle", env=env).code == 0

    after = world.show(task)
    assert after["status"] == "completed", after["error"]
    assert (after["usage"], len(world.model.completions)) == (failed["usage"], 1)
    assert world.branch(task) == after["head_sha"]
    assert len(world.github.prs) == 1
    assert not any(line["attempt"] == 2 and line["stream"] != "sys" for line in world.log(task))


@pytest.mark.parametrize("where", ["at the push", "at the pull request"])
def test_a_token_that_expired_is_said_and_the_work_is_delivered_with_the_next(local_world: World, where: str) -> None:
    world = local_world

    def expire(_: object) -> Reply:
        world.github.remove_token(TOKEN)
        if where == "at the push":
            world.git_server.remove_token(TOKEN)
        return Reply(text=FIX)

    world.script = expire
    task = world.settle()
    assert (task["status"], task["error"]["code"]) == ("failed", "github_auth"), task["error"]
    assert TOKEN not in str(task)
    world.github.add_token(NEW_TOKEN)
    world.git_server.add_token(NEW_TOKEN)

    delivered_again(world, task["id"], env={"GITHUB_TOKEN": NEW_TOKEN})


def test_a_forge_that_is_down_at_the_delivery_keeps_the_work(local_world: World) -> None:
    world = local_world

    def go_down(_: object) -> Reply:
        world.git_server.fail_next(PUSH, 503, times=4)
        return Reply(text=FIX)

    world.script = go_down
    task = world.settle()
    assert (task["status"], task["error"]["code"]) == ("failed", "repo_unreachable"), task["error"]

    delivered_again(world, task["id"])
