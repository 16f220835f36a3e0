"""The patch engine against others, on cases made from real changes: see `__main__`, `generate` and `fuzz`."""
