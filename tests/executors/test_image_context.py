"""The sandbox image's build context: the same content is the same bytes, and the name follows from all of it."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.executors.context import build_context, image_tag
from pithy_local.paths import sandbox_half

CERTIFICATES = """Subject: one
-----BEGIN CERTIFICATE-----
MIIBone+/=
-----END CERTIFICATE-----
Subject: two
-----BEGIN CERTIFICATE-----
MIIBtwo
-----END CERTIFICATE-----
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A small half of a product."""
    (tmp_path / "runner" / "patch" / "__pycache__").mkdir(parents=True)
    (tmp_path / "Dockerfile.sandbox").write_text("FROM scratch\n")
    (tmp_path / "runner" / "__main__.py").write_text("print(1)\n")
    (tmp_path / "runner" / "patch" / "apply.py").write_text("pass\n")
    (tmp_path / "runner" / "patch" / "__pycache__" / "apply.pyc").write_bytes(b"\0")
    return tmp_path


def names(context: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(context)) as tar:
        return tar.getnames()


def test_it_holds_the_dockerfile_the_certificates_and_the_runner_without_caches(source: Path) -> None:
    assert names(build_context("", source)) == [
        "Dockerfile", "certs/README", "runner/__main__.py", "runner/patch/apply.py",
    ]  # fmt: skip


def test_times_modes_and_owners_of_the_files_do_not_matter(source: Path) -> None:
    before = build_context("", source)
    os.utime(source / "runner" / "__main__.py", (1, 1))
    (source / "runner" / "__main__.py").chmod(0o700)
    assert build_context("", source) == before


def test_each_certificate_of_the_bundle_becomes_a_file(source: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "site.pem"
    bundle.write_text(CERTIFICATES)
    with tarfile.open(fileobj=io.BytesIO(build_context(str(bundle), source))) as tar:
        certificates = [member for member in tar.getmembers() if member.name.endswith(".crt")]
        texts = {tar.extractfile(member).read() for member in certificates}  # type: ignore[union-attr]  # all files
    assert texts == {
        b"-----BEGIN CERTIFICATE-----\nMIIBone+/=\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nMIIBtwo\n-----END CERTIFICATE-----\n",
    }


def test_a_bundle_that_is_not_there_is_named(source: Path) -> None:
    with pytest.raises(PithyError, match=r"gone\.pem") as caught:
        build_context(str(source / "gone.pem"), source)
    assert caught.value.code is ErrorCode.IMAGE_BUILD_FAILED


def test_the_tag_changes_with_everything_that_decides_the_image() -> None:
    tags = {
        image_tag(b"context", "sha256:1", {"A": "1"}),
        image_tag(b"context!", "sha256:1", {"A": "1"}),
        image_tag(b"context", "sha256:2", {"A": "1"}),
        image_tag(b"context", "sha256:1", {"A": "2"}),
    }
    assert len(tags) == 4
    assert image_tag(b"context", "sha256:1", {"A": "1"}) in tags
    assert all(tag.startswith("pithy-sandbox:") and len(tag) == len("pithy-sandbox:") + 16 for tag in tags)


def test_the_products_own_dockerfile_needs_no_particular_builder() -> None:
    text = (sandbox_half() / "Dockerfile.sandbox").read_text()
    assert not text.startswith("# syntax")
    assert "--mount" not in text.replace("no RUN --mount", "")
    assert "<<" not in text
