"""Tests of pithy-local: real git, real sqlite, real containers, loopback peers (`tests.fakes`)."""
