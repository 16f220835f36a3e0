"""Where files live: the home (PITHY_HOME), the configuration file, the sandbox's half of the product."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pithy_local.errors import ErrorCode, PithyError

APP = "pithy-local"


@dataclass(frozen=True, kw_only=True)
class Home:
    """One data directory: a queue of its own, mirrors and artifacts. Mode 0700."""

    root: Path

    @property
    def queue_db(self) -> Path:
        return self.root / "queue.db"

    @property
    def logs_db(self) -> Path:
        return self.root / "logs.db"

    @property
    def mirrors(self) -> Path:
        return self.root / "mirrors"

    @property
    def scratch(self) -> Path:
        """Temporary directories of attempts; each is removed with its attempt."""
        return self.root / "tmp"

    @property
    def replay(self) -> Home:
        """The home of a replay, while there is one: a queue of its own."""
        return Home(root=self.root / "replay")

    def artifacts(self, task: str, attempt: int) -> Path:
        return self.root / "artifacts" / task / str(attempt)

    def replies(self, task: str, attempt: int) -> Path:
        """The model's replies, in order, as `model.scripted.file` takes them."""
        return self.artifacts(task, attempt) / "replies.json"

    def lock(self, name: str) -> Path:
        return self.root / f"{name}.lock"

    def prepare(self) -> Home:
        """Make the directory if it is missing; refuse one that cannot be written.

        Raises PithyError(store).
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.root.chmod(0o700)
            for folder in (self.mirrors, self.scratch):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise PithyError(ErrorCode.STORE, f"cannot use the data directory {self.root}: {error.strerror}") from error
        return self


def find_home(flag: str | None, env: Mapping[str, str]) -> Home:
    """`--home`, else PITHY_HOME, else the platform's data directory."""
    chosen = flag or env.get("PITHY_HOME")
    if chosen:
        return Home(root=expanded(chosen))
    import platformdirs  # 30 ms that most invocations of scripts with PITHY_HOME need not pay

    return Home(root=platformdirs.user_data_path(APP))


def find_config(flag: str | None, env: Mapping[str, str]) -> tuple[Path, bool]:
    """The configuration file and whether it was named by the user (then it must exist).

    Never a file in the current directory: a cloned hostile repository could point `base_url` at its own server.
    """
    chosen = flag or env.get("PITHY_CONFIG")
    if chosen:
        return expanded(chosen), True
    import platformdirs

    return platformdirs.user_config_path(APP) / "config.toml", False


def expanded(path: str) -> Path:
    """Where a path that a user wrote leads: `~` is a home, unless nobody has that name."""
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError:
        return Path(path).absolute()


def sandbox_half() -> Path:
    """The folder that holds `runner/` and `Dockerfile.sandbox`: package data in a wheel, else the checkout."""
    package = Path(__file__).resolve().parent
    packed = package / "_sandbox"
    return packed if packed.is_dir() else package.parent


NETWORK_FILE_SYSTEMS = {
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "afpfs", "webdav", "9p", "drvfs", "ceph", "glusterfs", "lustre", "beegfs",
    "afs", "ocfs2", "gfs2", "fuse.sshfs", "fuse.rclone", "fuse.glusterfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.davfs",
}  # fmt: skip


def network_file_system(path: Path) -> str:
    """The kind of network file system that `path` lies on; "" on a local one, or where it cannot be told."""
    kind = file_system(path)
    return kind if kind in NETWORK_FILE_SYSTEMS else ""


def file_system(path: Path) -> str:
    """The kind of file system that `path` lies on, "" where it cannot be told."""
    import psutil  # only who asks pays for it

    try:
        mounts = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    except OSError:
        return ""
    found = path.resolve()
    return next((mounts[place] for place in (found, *found.parents) if place in mounts), "")


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Hold a lock file while this lasts; False where another process has it. Raises OSError."""
    with open(path, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def open_now(path: str, flags: int) -> int:
    """An opener for `open` that waits for no writer: a pipe that has none is empty. Raises OSError."""
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    os.set_blocking(descriptor, True)
    return descriptor


def read_limited(path: Path, most: int) -> bytes:
    """All of a file that users name, which may have no end. Raises OSError, also for more than `most` bytes."""
    with open(path, "rb", opener=open_now) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return data


def remove_tree(path: Path) -> None:
    """Remove a directory whatever modes its content was given; a missing one is fine.

    What cannot be removed now is left to the reaper, which tries again.
    """
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    _make_writable(path)
    for folder, names, _ in os.walk(path):  # top-down: a folder is opened before it is walked
        for name in names:
            _make_writable(Path(folder, name))
    shutil.rmtree(path, ignore_errors=True)


def _make_writable(folder: Path) -> None:
    try:
        if not folder.is_symlink():
            folder.chmod(0o700)
    except OSError:
        pass  # somebody else's, or gone meanwhile
