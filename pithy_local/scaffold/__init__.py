"""What `init` proposes and writes: the configuration, and a repository's verify commands."""
