"""Verify commands run on a base commit once for each commit, environment and command."""

from __future__ import annotations

from pithy_local.store import Store
from pithy_local.store.verify_cache import KEPT_MS, BaseResult, VerifyCache
from tests.store.conftest import HandClock

SHA = "a" * 40
RESULT = BaseResult(command="pytest -q", exit_code=1, seconds=2.5, output="1 failed")


def test_a_result_is_found_for_its_commit_environment_and_command_alone(store: Store) -> None:
    cache = VerifyCache(store)
    cache.keep(SHA, "image-1", [RESULT])

    assert cache.find(SHA, "image-1", ["pytest -q", "ruff check"]) == {"pytest -q": RESULT}
    assert cache.find("b" * 40, "image-1", ["pytest -q"]) == {}
    assert cache.find(SHA, "image-2", ["pytest -q"]) == {}
    assert cache.find(SHA, "image-1", ["pytest"]) == {}


def test_an_old_result_is_not_believed_and_goes(store: Store, clock: HandClock) -> None:
    cache = VerifyCache(store)
    cache.keep(SHA, "image-1", [RESULT])
    clock.sleep(KEPT_MS / 1000)

    assert cache.find(SHA, "image-1", ["pytest -q"]) == {}
    cache.keep(SHA, "image-2", [])
    assert store.queue.rows("SELECT * FROM verify_base") == []
