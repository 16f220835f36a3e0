"""Measurements that are too large for the tests: each folder is one command."""
