"""Writes docs/errors.md from the code: `python -m tests.errors_page > docs/errors.md`."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator

from pithy_local.errors import ErrorCode, ExitCode
from pithy_local.lifecycle.outcome import NO_STATE, status_of

HEAD = """\
# Errors

Every error has a code, one sentence, and a hint that names the next command or setting: in `show`, in JSON
(`error.code`, `error.hint`) and on stderr. `ID` stands for the task's id.

*Task* is the status of a task that ended with the code; without one it is an answer to a request alone. *Exit* is the
exit code of a command that ends with it, *HTTP* the status of an answer.
"""
EXIT_HEAD = """
## Exit codes

`run` ends with 0 whatever became of the tasks, with 6 when a pause left some of them; `wait`, `--wait` and `--follow`
end with 0 if the tasks completed, else with 1.
"""


def lines() -> Iterator[str]:
    """The page, line by line."""
    yield HEAD
    yield "| code | task | exit | HTTP | what to do |"
    yield "|---|---|---|---|---|"
    for code in ErrorCode:
        yield f"| `{code.word}` | {_status(code)} | {int(code.exit_code)} | {code.http_status} | {_cell(code.hint)} |"
    yield EXIT_HEAD
    yield "| exit | meaning |"
    yield "|---|---|"
    for exit_code, meaning in _meanings():
        yield f"| {exit_code} | {_cell(meaning)} |"


def _status(code: ErrorCode) -> str:
    if code is ErrorCode.BUDGET:
        return "queued, and the queue pauses"
    return "" if code in NO_STATE else status_of(code).value


def _meanings() -> Iterator[tuple[int, str]]:
    """Each exit code with the words that stand below it in the code."""
    (definition,) = ast.parse(inspect.getsource(ExitCode)).body
    assert isinstance(definition, ast.ClassDef)
    for member, words in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(member, ast.Assign) and isinstance(words, ast.Expr):
            yield ast.literal_eval(member.value), ast.literal_eval(words.value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print("\n".join(lines()))  # noqa: T201 - this is what it is for
