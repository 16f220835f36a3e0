"""The sandbox images on this engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pithy_local.service.app import App

if TYPE_CHECKING:  # heavy: `list` must not pay for what only the engine's verbs need
    from pithy_local.executors.image import ImageInfo, Images


def build_image(app: App, say: Callable[[str], None]) -> str:
    """Build the sandbox image if it is not there; its tag.

    Raises PithyError (image_build_failed, docker_unreachable).
    """
    with _images(app) as images:
        found = images.ensure(say)
        return images.current_tag() or found


def list_images(app: App) -> list[ImageInfo]:
    """Every sandbox image on this engine, newest first."""
    with _images(app) as images:
        return images.installed()


def unused_images(app: App) -> list[ImageInfo]:
    """What `prune_images` would remove, newest first."""
    with _images(app) as images:
        return images.unused()


def prune_images(app: App) -> list[str]:
    """Remove every sandbox image but the current one, and remains of builds; the removed tags or ids."""
    with _images(app) as images:
        return images.prune()


@contextmanager
def _images(app: App) -> Iterator[Images]:
    from pithy_local.executors.engine import Engine
    from pithy_local.executors.image import Images

    with Engine.connect() as engine:
        yield Images(engine, app.settings.sandbox, locks=app.home.root)
