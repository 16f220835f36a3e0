"""The queue and the logs on SQLite: every statement of the product is in this folder."""

from pithy_local.store.database import Store

__all__ = ["Store"]
