"""What happens to a task between `queued` and its end: supervisor, attempt, delivery, recovery."""
