"""The dashboard: one screen over the queue and the logs. `board` alone talks to the service."""
