"""The worlds of the end-to-end tests, and a clock that the test moves."""

from __future__ import annotations

from tests.e2e.conftest import local_world, world
from tests.store.conftest import clock

__all__ = ["clock", "local_world", "world"]
