"""git on the host: mirrors, index-only commits, the policy on a diff, pushes. GitPython lives here alone."""
