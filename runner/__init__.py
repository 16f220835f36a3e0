"""The sandbox's half of pithy-local: runs inside the container (or, in `local` mode, as a plain subprocess).

It knows nothing of the host application. Everything it may rely on is the job file, the environment of `__main__`
and git; everything it says goes over `wire` and is a hint to the host, never evidence.
"""
