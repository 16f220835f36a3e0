"""Tells people how tasks ended, by whatever `[notify]` names: mail, Slack, ntfy, the desktop."""

from pithy_local.notify.notifier import Notifier
from pithy_local.notify.targets import check_urls, secrets_of, shown

__all__ = ["Notifier", "check_urls", "secrets_of", "shown"]
