"""Tests of the sandbox against a real Docker engine."""
