"""`backup`: one file, that becomes a home again."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from pithy_local.models import Status
from tests.cli.support import Cli


def test_a_backup_is_restored_as_the_help_says(cli: Cli, tmp_path: Path) -> None:
    task = cli.seed_settled(Status.COMPLETED, log=["one", "two"], diff=b"the diff\n")
    file, home = tmp_path / "saved.tar", tmp_path / "again"
    done = cli("backup", str(file))
    assert (done.code, done.out, done.err) == (0, f"{file}\n", "")

    home.mkdir()
    subprocess.run(["tar", "-xf", file, "-C", home], check=True)
    assert cli("--home", str(home), "logs", task.id).out == "one\ntwo\n"
    assert cli("--home", str(home), "diff", task.id).raw == b"the diff\n"


def test_a_file_that_is_there_needs_yes(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "saved.tar"
    file.write_text("mine")
    assert cli("backup", str(file)).code == 2
    assert file.read_text() == "mine"

    done = cli("backup", str(file), "--yes", "--json")
    assert done.json() == {"file": str(file), "bytes": file.stat().st_size}


def test_what_is_no_file_is_refused_before_anything_is_asked(cli: Cli, tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    for special in (str(pipe), "/dev/stdout", "/dev/null"):
        done = cli("backup", special)
        assert (done.code, done.out) == (2, "")
        assert done.err == (
            f"pithy-local: error: {special} is no regular file, and a backup is written to one alone\n"
            "hint: Name a file on a disk: it can be sent on from there.\n"
        )


def test_a_file_that_cannot_be_written_is_exit_2(cli: Cli, tmp_path: Path) -> None:
    done = cli("backup", str(tmp_path / "none" / "saved.tar"))
    assert (done.code, done.error_lines[1]) == (2, "hint: Name a file that you may write.")
