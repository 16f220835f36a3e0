"""The sandbox image: built on first use, named after all that is in it, so that a stale one never runs new code."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker.errors import ImageNotFound
from docker.utils import parse_repository_tag

from pithy_local.config import SandboxSettings
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors.context import build_context, image_tag
from pithy_local.executors.dialect import LONG_NAME
from pithy_local.executors.engine import Engine, engine_errors
from pithy_local.executors.stream import TICK_SECONDS, messages

LABEL = "pithy.sandbox=1"
LOG_LINES = 40
"""How much of a failed build's output goes into the error."""

Say = Callable[[str], None]
Checkpoint = Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class ImageInfo:
    """A sandbox image on the engine. `created`: milliseconds since 1970; `size`: bytes; `current`: what runs now."""

    tag: str
    id: str
    created: int
    size: int
    current: bool


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What to build: the context and the name that follows from it."""

    context: bytes
    arguments: dict[str, str]
    tag: str


def _no_checkpoint() -> None:
    """For callers that nobody stops."""


class Images:
    """The sandbox images of one engine.

    `locks`: a directory that every process of this user shares, so that two of them do not build the same image at
    once; by default one in the system's temporary directory. `source`: the folder that holds `Dockerfile.sandbox`
    and `runner/`; by default the product's own.
    """

    def __init__(
        self, engine: Engine, settings: SandboxSettings, locks: Path | None = None, source: Path | None = None
    ) -> None:
        self._engine, self._settings, self._locks, self._source = engine, settings, locks, source

    def ensure(self, say: Say, checkpoint: Checkpoint = _no_checkpoint) -> str:
        """The id of the current image, building it first if it is not there. `say` gets a line for each step.

        Raises PithyError (image_missing: the base image is not there and cannot be pulled, or what was made does not
        stay; image_build_failed, docker_unreachable, disk_full) and whatever `checkpoint`, called several times a
        second, raises.
        """
        checkpoint()
        plan = self._plan(self._base_id(say, checkpoint))
        found = self._id_of(plan.tag)
        if found:
            return found
        say(f"building the sandbox image {plan.tag} on {self._settings.base_image}: once, some minutes")
        with self._lock(plan.tag, say, checkpoint):
            found = self._id_of(plan.tag)  # another process may have built it while we waited
            if not found:
                self._build(plan, say, checkpoint)
                found = self._id_of(plan.tag)
        if not found:
            raise PithyError(ErrorCode.IMAGE_MISSING, f"the engine built {plan.tag} but does not show it")
        return found

    def current_tag(self) -> str | None:
        """The tag that `ensure` would find or build; None while the base image is not there."""
        base = self._id_of(self._settings.base_image)
        return self._plan(base).tag if base else None

    def installed(self) -> list[ImageInfo]:
        """Every sandbox image, newest first. Raises PithyError (docker_unreachable)."""
        current = self.current_tag()
        infos = [
            _info(image, tag, current=tag == current)
            for image in self._labelled()
            for tag in (name.removeprefix(LONG_NAME) for name in image.get("RepoTags") or ())
            if tag.startswith("pithy-sandbox:")
        ]
        return sorted(infos, key=lambda info: info.created, reverse=True)

    def unused(self) -> list[ImageInfo]:
        """Every sandbox image but the current one, and what builds that were cut off left: its id is its tag.

        Raises PithyError (docker_unreachable).
        """
        nameless = [_info(image, str(image["Id"])) for image in self._labelled(dangling=True)]
        return [info for info in self.installed() if not info.current] + nameless

    def prune(self) -> list[str]:
        """Remove what is unused; what a container uses stays. Returns the removed tags. Raises PithyError."""
        return [info.tag for info in self.unused() if self._removed(info.tag)]

    def _removed(self, tag: str) -> bool:
        try:
            with engine_errors(f"remove the image {tag}"):
                self._engine.api.remove_image(tag)
        except PithyError as error:
            if error.detail.get("http_status") not in (404, 409):
                raise
            return False
        return True

    def _labelled(self, **filters: bool) -> list[dict[str, Any]]:
        with engine_errors("list images"):
            found: list[dict[str, Any]] = self._engine.api.images(filters={"label": LABEL, **filters})
        return found

    def _plan(self, base_id: str) -> _Plan:
        context = build_context(self._settings.ca_bundle, self._source)
        arguments = {"BASE_IMAGE": self._settings.base_image}
        return _Plan(context=context, arguments=arguments, tag=image_tag(context, base_id, arguments))

    def _id_of(self, image: str) -> str | None:
        with engine_errors(f"look at the image {image}"):
            try:
                return str(self._engine.api.inspect_image(image)["Id"])
            except ImageNotFound:
                return None

    def _base_id(self, say: Say, checkpoint: Checkpoint) -> str:
        """The base image's id: what a tag must depend on, since a base image's name may mean another one next week."""
        base = self._settings.base_image
        found = self._id_of(base)
        if found is None:
            say(f"pulling the base image {base}")
            self._pull(base, say, checkpoint)
            found = self._id_of(base)
        if found is None:
            raise PithyError(ErrorCode.IMAGE_MISSING, f"the engine pulled {base} but does not show it")
        return found

    def _pull(self, base: str, say: Say, checkpoint: Checkpoint) -> None:
        name, tag = parse_repository_tag(base)
        params = {"fromImage": name, "tag": tag or "latest"}
        log = _Log(say)
        try:
            for message in messages(
                self._engine, "/images/create", what=f"pull {base}", checkpoint=checkpoint, params=params
            ):
                log.pulling(message)
        except PithyError as error:
            if error.code is ErrorCode.DOCKER_UNREACHABLE:
                raise
            log.failure = log.failure or str(error.detail.get("message", error.message))
        if log.failure:
            raise _failed(ErrorCode.IMAGE_MISSING, f"cannot pull the base image {base}: {log.failure}", log)

    def _build(self, plan: _Plan, say: Say, checkpoint: Checkpoint) -> None:
        params = {"t": plan.tag, "rm": 1, "forcerm": 1, "buildargs": json.dumps(plan.arguments)}
        headers = {"Content-Type": "application/x-tar"}
        log = _Log(say)
        try:
            for message in messages(
                self._engine, "/build", what="build the sandbox image", checkpoint=checkpoint,
                params=params, headers=headers, data=plan.context,
            ):  # fmt: skip
                log.building(message)
        except PithyError as error:
            if error.code is not ErrorCode.INTERNAL:
                raise
            log.failure = str(error.detail.get("message", error.message))
        if log.failure:
            raise _failed(ErrorCode.IMAGE_BUILD_FAILED, f"the sandbox image could not be built: {log.failure}", log)

    @contextmanager
    def _lock(self, tag: str, say: Say, checkpoint: Checkpoint) -> Iterator[None]:
        """One build of one tag on one engine at a time, over threads and processes."""
        with engine_errors("answer"):
            info = self._engine.api.info()  # not its ID: Podman's is another one each time
        name = hashlib.sha256(f"{info.get('Name')} {info.get('DockerRootDir')} {tag}".encode()).hexdigest()[:32]
        handle = os.open((self._locks or _shared_locks()) / f"image-{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            waited = 0.0
            while not _try_lock(handle):
                if not waited:
                    say("waiting for another build of the same image")
                _pause(checkpoint)
                waited += TICK_SECONDS
            yield
        finally:
            os.close(handle)  # gives up the lock


def _info(image: Mapping[str, Any], tag: str, *, current: bool = False) -> ImageInfo:
    return ImageInfo(
        tag=tag, id=image["Id"], created=int(image["Created"]) * 1000, size=int(image["Size"]), current=current
    )  # fmt: skip


class _Log:
    """What a build or a pull said: to `say` at once, its last lines kept for the error."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self.tail: deque[str] = deque(maxlen=LOG_LINES)
        self.failure = ""
        self._last: dict[str, str] = {}

    def building(self, message: dict[str, Any]) -> None:
        for line in str(message.get("stream") or message.get("status") or "").splitlines():
            if not line.startswith((" --->", "Removing intermediate container")):  # ids nobody reads
                self._line(line)
        self._note_failure(message)

    def pulling(self, message: dict[str, Any]) -> None:
        """A line for each change of a layer's state, not for each percent of it."""
        layer, status = str(message.get("id", "")), str(message.get("status", ""))
        if status and self._last.get(layer) != status:
            self._last[layer] = status
            self._line(f"{layer}: {status}" if layer else status)
        self._note_failure(message)

    def _line(self, line: str) -> None:
        line = line.rstrip()
        if line:
            self.tail.append(line)
            self._say(line)

    def _note_failure(self, message: dict[str, Any]) -> None:
        said = message.get("error") or (message.get("errorDetail") or {}).get("message")
        if said:
            self.failure = str(said).strip()


def _failed(code: ErrorCode, message: str, log: _Log) -> PithyError:
    full = "no space left on device" in message
    detail = {"log": "\n".join(log.tail)}
    return PithyError(ErrorCode.DISK_FULL if full else code, message[:500], detail=detail)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pause(checkpoint: Checkpoint) -> None:
    """flock cannot be waited for with a time limit and still be interrupted."""
    checkpoint()
    time.sleep(TICK_SECONDS)


def _shared_locks() -> Path:
    """A directory of this user's own: another user must not be able to hold our locks."""
    folder = Path(tempfile.gettempdir()) / f"pithy-local-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.lstat().st_uid != os.getuid() or folder.is_symlink():
        raise PithyError(ErrorCode.IMAGE_BUILD_FAILED, f"{folder} belongs to somebody else")
    return folder
