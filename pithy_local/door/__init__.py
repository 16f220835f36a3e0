"""The host end of the sandbox's only way out: relay, model gateway, report service."""
