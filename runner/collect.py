"""Hand the canonical diff to the host: `python3 -m runner.collect`, run in the sandbox by the host.

The host speaks first, with one byte on stdin: some engine clients lose what is written before they listen. Then
stdout carries a frame: 8 bytes length (big-endian), 32 bytes SHA-256 of the diff, the diff. Exit 0; anything else
comes with the reason on stderr and nothing on stdout.
"""

from __future__ import annotations

import hashlib
import os
import struct
import sys
from pathlib import Path
from typing import BinaryIO

from runner import diff
from runner.errors import RunnerError
from runner.job import Job


def frame(body: bytes) -> bytes:
    """`body` with its length and digest before it."""
    return struct.pack(">Q", len(body)) + hashlib.sha256(body).digest() + body


def main(job_path: Path, stdin: BinaryIO, stdout: BinaryIO) -> int:
    """Wait for the host's byte, compute the diff anew, write the frame. Returns the exit code."""
    if not stdin.read(1):
        sys.stderr.write("collect: the host said nothing\n")
        return 1
    try:
        framed = frame(diff.canonical(Job.load(job_path)))
    except RunnerError as error:
        sys.stderr.write(f"collect: {error.message}\n")
        return 1
    stdout.write(framed)
    stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(os.environ["PITHY_JOB"]), sys.stdin.buffer, sys.stdout.buffer))
