"""pithy-local: type a task, get a pull request."""

__version__ = "0.1.0"
