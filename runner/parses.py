"""Whether the files of a change parse still: a new syntax error is found before anybody runs into it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runner import snapshot, syntax
from runner.errors import SyntaxBroken
from runner.gitio import Git
from runner.job import Job

_MOST_FILES = 500
_LARGEST = 1_000_000
"""Bytes of the largest file that is parsed."""
_SHOWN = 10
"""Problems that are told; one a file is looked for."""
_PLAIN = (b"100644", b"100755")


def check(job: Job, tree: str) -> SyntaxBroken | None:
    """What the snapshot `tree` broke: files that parsed on the base, or are new, and do not parse. Raises GitError."""
    git = snapshot.git_of(job)
    changed = list(_changed(git, job.base_sha, tree))[:_MOST_FILES]
    texts = _texts(git, {blob for _, before, after in changed for blob in (before, after) if blob is not None})
    problems = []
    for path, before, after in changed:
        if after in texts and (before is None or before in texts):
            problem = syntax.check(path, texts[before] if before is not None else None, texts[after])
            if problem is not None:
                problems.append(problem)
    if not problems:
        return None
    told = [str(problem) for problem in problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        told.append(f"… and {len(problems) - _SHOWN} more files")
    return SyntaxBroken("\n".join(told), paths=tuple(problem.path for problem in problems))


def _changed(git: Git, base_sha: str, tree: str) -> Iterator[tuple[str, bytes | None, bytes]]:
    """Path, blob on the base (None: there is no plain file) and blob in the tree of each plain file that changed."""
    fields = git.run("diff-tree", "-r", "-z", "--no-renames", base_sha, tree, "--").split(b"\0")[:-1]
    for raw, path in zip(fields[::2], fields[1::2], strict=True):
        mode_before, mode, before, after, _ = raw.removeprefix(b":").split(b" ")
        if mode in _PLAIN and after != before:
            yield path.decode("utf-8", "replace"), before if mode_before in _PLAIN else None, after


def _texts(git: Git, blobs: set[bytes]) -> Mapping[bytes, bytes]:
    """Contents of the blobs that are not too large."""
    listed = git.run("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=_lines(blobs)).split(b"\n")[:-1]
    small = {name for name, _, size in (line.partition(b" ") for line in listed) if int(size) <= _LARGEST}
    output = git.run("cat-file", "--batch=%(objectsize)", stdin=_lines(small))
    texts: dict[bytes, bytes] = {}
    at = 0
    for blob in sorted(small):
        start = output.index(b"\n", at) + 1
        end = start + int(output[at : start - 1])
        texts[blob], at = output[start:end], end + 1
    return texts


def _lines(blobs: set[bytes]) -> bytes:
    return b"".join(blob + b"\n" for blob in sorted(blobs))
