"""A home as the first version of the product left it, with one task and one model call."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import sqlite_utils
from sqlite_utils import Migrations

from pithy_local.paths import Home
from pithy_local.store import migrations, schema

TASK = "0dwtz8y8bv"
INSTANCE = "abcdef"


def make(root: Path) -> Home:
    """Write it below `root`."""
    home = Home(root=root).prepare()
    for path, name, script in ((home.queue_db, "queue", migrations.QUEUE_1), (home.logs_db, "logs", migrations.LOGS_1)):
        first = Migrations(f"pithy_local.{name}")

        @first(name="m001_tables")
        def m001_tables(db: sqlite_utils.Database, script: str = script) -> None:
            schema._run(db, script)

        db = sqlite_utils.Database(sqlite3.connect(path, isolation_level=None))
        first.apply(db)
        if name == "queue":
            db.execute("INSERT INTO meta VALUES ('instance', ?)", [INSTANCE])
            db.execute(
                "INSERT INTO task(id, title, prompt, repo, executor, provider, model, branch, created_at, updated_at) "
                f"VALUES ('{TASK}', 't', 'p', 'acme/api', 'docker', 'openai', 'gpt-4o', 'pj/{TASK}', 1, 1)"
            )
            db.execute(
                "INSERT INTO usage(task, attempt, at, provider, model, http_status, input_tokens, output_tokens) "
                "VALUES (1, 1, 5, 'openai', 'gpt-4o', 200, 30, 12)"
            )
        db.execute("PRAGMA user_version=1")
        db.close()
    return home
