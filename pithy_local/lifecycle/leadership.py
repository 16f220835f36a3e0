"""One process of a home leads: it recovers first, reaps and checkpoints. A file lock, which ends with its process."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO


class Leadership:
    """Taken when it is free; held until `give_up`."""

    def __init__(self, file: Path) -> None:
        self._path = file
        self._file: IO[str] | None = None

    @property
    def mine(self) -> bool:
        """Whether this process has it already."""
        return self._file is not None

    def held(self) -> bool:
        """Whether this process leads, from now on if nobody did."""
        if self._file is None:
            try:
                file = open(self._path, "w")
            except OSError:
                return False  # no descriptor is free, the disk is read-only: nobody leads from here now
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.close()
                return False
            self._file = file
        return True

    def give_up(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
