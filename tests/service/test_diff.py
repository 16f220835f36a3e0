"""Reading the diff that a task made."""

from __future__ import annotations

import pytest

from pithy_local import service
from pithy_local.errors import ErrorCode, NotThereYet, PithyError
from pithy_local.models import Status
from pithy_local.service import App
from tests.seeding import enqueue, settle


def test_a_diff_that_cannot_be_read_is_an_error_with_words(app: App) -> None:
    task = settle(app.store, enqueue(app.store), Status.NEEDS_REVIEW, diff=b"the diff\n")
    assert service.diff(app, task.id) == b"the diff\n"
    assert task.patch is not None
    file = app.home.root / task.patch.path

    file.unlink()
    with pytest.raises(NotThereYet, match="no longer kept"):
        service.diff(app, task.id)

    file.mkdir()  # also a file that belongs to another user, or a disk that fails
    with pytest.raises(PithyError, match=f"cannot read the diff of task {task.id}: Is a directory") as caught:
        service.diff(app, task.id)
    assert caught.value.code is ErrorCode.STORE
