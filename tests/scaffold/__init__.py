"""Tests of what `init` proposes."""
