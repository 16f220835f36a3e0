"""The headless product: API, live streams, webhook, metrics."""
