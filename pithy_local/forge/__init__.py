"""The place where pull requests are opened: GitHub, or none for plain git remotes. PyGithub lives here alone."""
