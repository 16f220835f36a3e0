"""The git layer against real git: local repositories, git's http-backend, hostile repositories and patches."""
