"""Tests of the sandbox's half."""
