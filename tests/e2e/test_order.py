"""Tasks that start one after the other, and never two at once on one repository."""

from __future__ import annotations

from tests.e2e.world import World, fix
from tests.fakes.model_replies import Reply


def test_one_task_after_the_other_although_two_slots_are_free(local_world: World) -> None:
    local_world.configure(concurrency=2, concurrency_per_repo=1, model__repair_rounds=0)
    local_world.script = lambda body: Reply(text="No.") if "once more" in str(body) else fix()
    first = local_world.add("add() must add")
    second = local_world.add("And once more")
    third = local_world.add("Then this", "--after", second)

    local_world.ok("run", "--until-idle")
    local_world.ok("reject", second)

    tasks = [local_world.show(task) for task in (first, second, third)]
    assert [task["status"] for task in tasks] == ["completed", "cancelled", "cancelled"]
    assert tasks[0]["finished_at"] <= tasks[1]["started_at"]
    assert (tasks[2]["started_at"], tasks[2]["error"]["code"]) == (None, "dependency_failed")
