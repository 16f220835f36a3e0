"""Brings both files to this version of the product. The tables themselves and their rules are in `migrations`."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.store import migrations
from pithy_local.store.binding import new_instance

if TYPE_CHECKING:
    import sqlite_utils

    from pithy_local.store.database import Connection

QUEUE_VERSION = 4
LOGS_VERSION = 2
INCREMENTAL = 2
"""SQLite's number for an auto_vacuum that waits until it is asked."""
SMALL_FILE = 64 << 20
"""Bytes of a log file that are written anew in a moment."""


def is_current(queue: Connection, logs: Connection) -> bool:
    """Whether nothing is to be done: the common case, which must not pay for an import.

    Raises PithyError(store) when the files were written by a newer version.
    """
    versions = [(queue, QUEUE_VERSION), (logs, LOGS_VERSION)]
    found = [int(connection.rows("PRAGMA user_version")[0][0]) for connection, _ in versions]
    for (connection, known), version in zip(versions, found, strict=True):
        if version > known:
            raise PithyError(
                ErrorCode.STORE,
                f"{connection.path} was written by a newer version of pithy-local",
                hint="Update pithy-local, or use another --home.",
            )
    return found == [QUEUE_VERSION, LOGS_VERSION]


def migrate(queue: Connection, logs: Connection) -> None:
    """Bring both files to this version, while others may work with the older one. The caller holds the migration lock.

    Each step is a transaction. Raises PithyError (store, disk_full).
    """
    import sqlite_utils  # 100 ms: only when there is something to migrate

    queue.in_turn(lambda: _queue_migrations().apply(sqlite_utils.Database(queue.raw)))
    logs.in_turn(lambda: _logs_migrations().apply(sqlite_utils.Database(logs.raw)))
    _let_space_be_given_back(logs)
    queue.write(f"PRAGMA user_version={QUEUE_VERSION}")
    logs.write(f"PRAGMA user_version={LOGS_VERSION}")


def _queue_migrations() -> sqlite_utils.Migrations:
    from sqlite_utils import Migrations

    steps = Migrations("pithy_local.queue")

    @steps()
    def m001_tables(db: sqlite_utils.Database) -> None:
        _run(db, migrations.QUEUE_1)
        db.execute("INSERT INTO meta VALUES ('instance', ?)", [new_instance()])

    @steps()
    def m002_breadth(db: sqlite_utils.Database) -> None:
        _run(db, migrations.QUEUE_2)

    @steps()
    def m003_durability(db: sqlite_utils.Database) -> None:
        _run(db, migrations.QUEUE_3)

    @steps()
    def m004_wishes(db: sqlite_utils.Database) -> None:
        _run(db, migrations.QUEUE_4)

    return steps


def _logs_migrations() -> sqlite_utils.Migrations:
    from sqlite_utils import Migrations

    steps = Migrations("pithy_local.logs")

    @steps()
    def m001_tables(db: sqlite_utils.Database) -> None:
        _run(db, migrations.LOGS_1)

    @steps()
    def m002_retention(db: sqlite_utils.Database) -> None:
        _run(db, migrations.LOGS_2)

    return steps


def _let_space_be_given_back(logs: Connection) -> None:
    """Make removed lines shrink the file, which SQLite must write anew for that: a large old one stays as it is."""
    [mode], [pages], [size] = (
        logs.rows(f"PRAGMA {name}")[0] for name in ("auto_vacuum", "page_count", "page_size")
    )  # fmt: skip
    if mode != INCREMENTAL and pages * size <= SMALL_FILE:
        logs.rows(f"PRAGMA auto_vacuum={INCREMENTAL}")
        with suppress(PithyError):  # somebody reads it, or there is no room: its free pages are used again all the same
            logs.rows("VACUUM")


def _run(db: sqlite_utils.Database, script: str) -> None:
    """Statement by statement: executescript would commit the migration's own transaction."""
    import sqlite3

    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            db.execute(statement)
            statement = ""
