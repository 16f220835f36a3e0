"""Where an attempt runs: one protocol, `docker` (sealed container) and `local` (mock execution) behind it."""
