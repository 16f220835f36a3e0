"""The build context of the sandbox image: a tar in memory, the same bytes for the same content everywhere."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.paths import expanded, sandbox_half

CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")
NOTE = b"Certificates of sandbox.ca_bundle, one a file, trusted inside the image.\n"
SKIPPED = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


def build_context(ca_bundle: str, source: Path | None = None) -> bytes:
    """Dockerfile, certs/ and runner/ as one uncompressed tar: sorted, no times, no owners.

    `ca_bundle`: path of a PEM file with a site's extra CAs, or "". `source`: the folder that holds
    `Dockerfile.sandbox` and `runner/`, by default the product's own.
    Raises PithyError (image_build_failed) when a part cannot be read.
    """
    source = source or sandbox_half()
    try:
        files = dict(_files(source, ca_bundle))
    except OSError as error:
        message = f"cannot read {error.filename} for the sandbox image: {error.strerror}"
        raise PithyError(ErrorCode.IMAGE_BUILD_FAILED, message) from error
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(files[name]), 0o644
            tar.addfile(entry, io.BytesIO(files[name]))
    return buffer.getvalue()


def image_tag(context: bytes, base: str, arguments: dict[str, str]) -> str:
    """`pithy-sandbox:<16 hex>`: over all that decides what is in the image. `base` is the base image's id."""
    digest = hashlib.sha256(context)
    for word in (base, *(f"{name}={value}" for name, value in sorted(arguments.items()))):
        digest.update(b"\0" + word.encode())
    return f"pithy-sandbox:{digest.hexdigest()[:16]}"


def _files(source: Path, ca_bundle: str) -> Iterator[tuple[str, bytes]]:
    yield "Dockerfile", (source / "Dockerfile.sandbox").read_bytes()
    yield "certs/README", NOTE
    if ca_bundle:
        for pem in CERTIFICATE.findall(expanded(ca_bundle).read_bytes()):
            yield f"certs/site-{hashlib.sha256(pem).hexdigest()[:16]}.crt", pem + b"\n"
    runner = source / "runner"
    for path in sorted(runner.rglob("*")):
        inside = path.relative_to(runner)
        if path.is_file() and not SKIPPED.intersection(inside.parts):
            yield f"runner/{inside.as_posix()}", path.read_bytes()
