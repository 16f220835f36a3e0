"""Whether anything is lost, done twice or left behind, whatever dies: `python -m benchmarks.crash`.

soak     many tasks, deaths at named points and at random moments, lost responses of engine, git and GitHub
overrun  what twenty kills cost: the same tasks with and without them
The trials, what may go wrong and the invariants are those of the tests (`tests/crash`).
"""
