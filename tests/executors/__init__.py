"""Tests of pithy_local.executors that need no engine."""
