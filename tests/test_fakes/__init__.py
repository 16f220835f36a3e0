"""Tests of the loopback peers themselves, driven by the real clients."""
