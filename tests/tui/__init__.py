"""The dashboard: models alone, Pilot on a real home, and a real terminal (pty)."""
