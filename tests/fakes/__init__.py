"""Loopback peers for tests: GitHub's API, git over HTTP and an OpenAI-style model server."""
