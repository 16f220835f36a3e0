"""What users write for the model: bounded, and free of secrets before it is stored anywhere."""

from __future__ import annotations

from pithy_local.errors import UsageError
from pithy_local.redact import Redactor
from pithy_local.service.app import App

MAX_PROMPT_BYTES = 200_000
MAX_COMMAND_BYTES = 10_000
MAX_KEY = 200
EMPTY_HINTS = {
    "prompt": 'Say what should change, for example "Fix the flaky test".',
    "feedback": "Say what the model should do differently.",
    "answer": "Answer the model's question; `pithy-local show` prints it, `pithy-local reject` drops the task.",
}
LONG_HINT = "Put long material into the repository and name the file."


def prompt_text(app: App, text: str, what: str) -> str:
    """A prompt, feedback or an answer (`what`), trimmed and masked. Raises UsageError for an empty or huge one."""
    text = text.strip()
    if not text:
        raise UsageError(f"the {what} is empty", hint=EMPTY_HINTS[what])
    _check(text, f"the {what}", MAX_PROMPT_BYTES, hint=LONG_HINT)
    return mask(app, text)


def command_text(app: App, text: str) -> str:
    """A verify command, trimmed. Raises UsageError for an empty or huge one, and for one with a secret in it: masked it
    would be another command."""
    text = text.strip()
    if not text:
        raise UsageError("a verify command is empty", hint='Give a command that must pass, for example "pytest -q".')
    _check(text, "a verify command", MAX_COMMAND_BYTES, hint="Put long commands into a script in the repository.")
    if mask(app, text) != text:
        raise UsageError(
            "a verify command holds a key or token of yours: it would be stored and run in the sandbox",
            hint="Give a command that needs none: no secret gets into a sandbox.",
        )
    return text


def key_text(app: App, key: str) -> str:
    """An idempotency key. Raises UsageError for one that is none, and for a secret."""
    if not (0 < len(key) <= MAX_KEY and key.isascii() and key.isprintable() and key == key.strip()):
        raise UsageError(
            f"an idempotency key is 1 to {MAX_KEY} printable ASCII characters", hint="A UUID is a good one."
        )
    if mask(app, key) != key:
        raise UsageError("the idempotency key holds a key or token of yours", hint="A UUID is a good one.")
    return key


def mask(app: App, text: str) -> str:
    """`text` without our secrets: a pasted key goes to no database, no model and no pull request."""
    secrets = (*app.secrets.known(), *app.settings.serve.webhook_secret.split())
    if app.settings.notify.urls:
        from pithy_local.notify import secrets_of  # 0.2 s

        secrets += secrets_of(app.settings.notify.urls)
    return Redactor(secrets).mask(text)


def too_long(what: str) -> UsageError:
    """Of a prompt, feedback or an answer (`what`) that is read no further."""
    return _wrong_length(f"the {what}", MAX_PROMPT_BYTES, LONG_HINT)


def _check(text: str, what: str, most: int, *, hint: str) -> None:
    if len(text.encode()) > most or "\0" in text:
        raise _wrong_length(what, most, hint)


def _wrong_length(what: str, most: int, hint: str) -> UsageError:
    return UsageError(f"{what} must be text of {most:,} bytes at most", hint=hint)
